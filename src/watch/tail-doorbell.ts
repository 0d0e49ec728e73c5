import { dirname } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { messageOf } from '../lib/errors.ts';
import type { TailLog } from './tail-options.ts';

/**
 * Rings when something happens to a followed log. Only a hint to look soon: events are lost and merged, none come any more
 * once the directory was removed and made again, and a network file system has none at all. So whoever listens must also
 * look by itself from time to time.
 */
export interface Doorbell {
  close(): Promise<void>;
}

export interface DoorbellOptions {
  readonly paths: readonly string[];
  readonly log: TailLog;
  readonly onRing: () => void;
  /** The watcher failed; no more rings will come. */
  readonly onFailure: () => void;
}

/**
 * Watches the directories of the logs, not the logs: a name that is taken over by a new file stays watched. Without
 * inotify handles (`ENOSPC`, `EMFILE`: limits are shared by the whole host) it gives up with one warning.
 */
export function hangDoorbell(options: DoorbellOptions, makeWatcher = watch): Doorbell {
  const wanted = new Set(options.paths);
  const directories = new Set(options.paths.map((path) => dirname(path)));
  const watcher: FSWatcher = makeWatcher([...directories], {
    depth: 0,
    ignoreInitial: true,
    ignored: (path) => !wanted.has(path) && !isAbove(path, directories),
  });
  let broken = false;
  watcher.on('all', () => {
    options.onRing();
  });
  watcher.on('error', (error) => {
    if (broken) return;
    broken = true;
    options.log.warn({ error: messageOf(error) }, 'logs cannot be watched; they are polled instead');
    options.onFailure();
    void watcher.close();
    // Closing takes the listeners off, and an error without a listener would end the process.
    watcher.on('error', () => undefined);
  });
  return { close: () => watcher.close() };
}

/** A directory that does not exist yet is waited for in those above it, which must not be ignored. */
function isAbove(path: string, directories: ReadonlySet<string>): boolean {
  return [...directories].some((directory) => directory.startsWith(path));
}
