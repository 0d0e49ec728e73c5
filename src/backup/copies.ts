import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectoryDurably } from '../lib/durable-file.ts';
import { KeyedMutex } from '../lib/keyed-mutex.ts';
import { type CatalogueContent, readCatalogue } from './catalogue.ts';
import type { ObjectPlace } from './object-store.ts';

/** The directories of all copies below the state directory. */
export interface CopiesLayout extends ObjectPlace {
  readonly root: string;
  readonly items: string;
}

export function copiesLayout(stateDir: string): CopiesLayout {
  const root = join(stateDir, 'copies');
  return { root, objects: join(root, 'objects'), items: join(root, 'items'), staging: join(root, 'staging') };
}

/** The store of backups, preserved and quarantined copies of one host, with the lock that its writers share. */
export class Copies {
  readonly layout: CopiesLayout;
  readonly #mutex = new KeyedMutex();
  readonly #warned = new Set<string>();
  readonly #warn: (message: string) => void;

  constructor(layout: CopiesLayout, warn: (message: string) => void) {
    this.layout = layout;
    this.#warn = warn;
  }

  /**
   * One writer at a time: an object is stored and its manifest written without a prune in between. Not reentrant.
   * Only one process, the agent, writes to a store.
   */
  async exclusive<T>(task: () => Promise<T>): Promise<T> {
    return await this.#mutex.run(this.layout.root, task);
  }

  /** All items, oldest first. A corrupt manifest is warned of once. */
  async read(): Promise<CatalogueContent> {
    const content = await readCatalogue(this.layout.items);
    for (const { path, message } of content.corrupt) {
      if (this.#warned.has(path)) continue;
      this.#warned.add(path);
      this.#warn(
        `cannot read the manifest ${path}: ${message}; no copy is pruned until it is repaired or moved away`,
      );
    }
    return content;
  }
}

/**
 * Makes the directories and clears what an agent that was killed left half done. To be called once, before the
 * first copy is made.
 */
export async function openCopies(stateDir: string, warn: (message: string) => void): Promise<Copies> {
  const layout = copiesLayout(stateDir);
  for (const directory of [layout.root, layout.objects, layout.items, layout.staging]) {
    await makeDirectoryDurably(directory);
  }
  await removeNames(layout.staging, /^[0-9a-f]{16}$/);
  await removeNames(layout.items, /^\.tmp-[0-9a-f]+$/);
  return new Copies(layout, warn);
}

async function removeNames(directory: string, pattern: RegExp): Promise<void> {
  for (const name of await readdir(directory)) {
    if (pattern.test(name)) await rm(join(directory, name), { force: true });
  }
}
