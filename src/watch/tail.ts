import { writeFileDurably } from '../lib/durable-file.ts';
import { messageOf } from '../lib/errors.ts';
import { encodeCheckpoint, type Positions, readCheckpoint } from './tail-checkpoint.ts';
import { type Doorbell, hangDoorbell } from './tail-doorbell.ts';
import { type TailCounters, type TailOptions, zeroCounters } from './tail-options.ts';
import { TailReader } from './tail-reader.ts';
import type { FileState } from './tail-state.ts';

export interface Tail {
  /** Reads the stored positions and begins to follow. A log that does not exist yet is no error. */
  start(): Promise<void>;
  /** Waits for the batch in hand, stores the positions and closes every file. */
  stop(): Promise<void>;
  readonly counters: Readonly<TailCounters>;
}

const DEFAULT_POLL_MS = 1000;
const DEFAULT_LINGER_MS = 10_000;
const DEFAULT_CHECKPOINT_MS = 1000;
/** A log that is written all the time must not keep a core busy with looking. */
const MIN_GAP_MS = 50;
/** After this much in one round, more is likely to wait already. */
const BUSY_BYTES = 1024 * 1024;

/** Follows logs by name, through rotations and restarts; see {@link TailOptions} for what is promised. */
export function createTail(options: TailOptions): Tail {
  return new LogTail(options);
}

class LogTail implements Tail {
  readonly counters = zeroCounters();
  readonly #options: TailOptions;
  readonly #stop = new AbortController();
  #readers: TailReader[] = [];
  #doorbell: Doorbell | undefined;
  #wake = new AbortController();
  #rang = false;
  #written = '';
  #started = false;
  #writtenAtMs = Number.NEGATIVE_INFINITY;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: TailOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { files, checkpointFile, log } = this.#options;
    const positions = await readCheckpoint(checkpointFile, log);
    this.#readers = files.map((file) => this.#readerOf(file, positions.get(file.path)));
    this.#doorbell = hangDoorbell({
      paths: files.map(({ path }) => path),
      log,
      onRing: () => {
        this.#rang = true;
        this.#wake.abort();
      },
      onFailure: () => {
        this.counters.watchErrors += 1;
      },
    });
    this.#started = true;
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake.abort();
    await this.#loop;
    // Without a look at the stored positions there is nothing to store, and good ones to lose.
    if (!this.#started) return;
    await this.#doorbell?.close();
    await this.#persist();
    for (const reader of this.#readers) await reader.close();
  }

  #readerOf(file: TailOptions['files'][number], state: FileState | undefined): TailReader {
    const { clock, log, onLines, lingerMs = DEFAULT_LINGER_MS } = this.#options;
    const persist = (): Promise<void> => this.#persist();
    return new TailReader({ file, state, clock, log, onLines, lingerMs, counters: this.counters, persist });
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const byEvent = this.#rang;
      this.#rang = false;
      this.#wake = new AbortController();
      const bytes = await this.#round();
      if (bytes > 0) this.counters[byEvent ? 'foundByEvent' : 'foundByPoll'] += 1;
      await this.#persistIfDue();
      if (bytes < BUSY_BYTES) await this.#rest();
    }
  }

  async #round(): Promise<number> {
    let bytes = 0;
    for (const reader of this.#readers) {
      if (this.#stop.signal.aborted) break;
      try {
        bytes += await reader.poll();
      } catch (error) {
        this.counters.handoverErrors += 1;
        this.#options.log.warn(
          { error: messageOf(error) },
          'log lines could not be dealt with; they come again',
        );
      }
    }
    return bytes;
  }

  async #rest(): Promise<void> {
    const { clock, pollMs = DEFAULT_POLL_MS } = this.#options;
    await clock.sleep(MIN_GAP_MS, this.#stop.signal);
    if (!this.#rang && !this.#stop.signal.aborted) await clock.sleep(pollMs, this.#wake.signal);
  }

  async #persistIfDue(): Promise<void> {
    const { clock, checkpointMs = DEFAULT_CHECKPOINT_MS } = this.#options;
    if (clock.monotonicMs() - this.#writtenAtMs >= checkpointMs) await this.#persist();
  }

  /** Never fails: with a full disk the logs are followed all the same, that is when they matter. */
  async #persist(): Promise<void> {
    const { checkpointFile, clock, log } = this.#options;
    const content = encodeCheckpoint(this.#positions());
    if (content === this.#written) return;
    this.#writtenAtMs = clock.monotonicMs();
    try {
      await writeFileDurably(checkpointFile, content);
      this.#written = content;
    } catch (error) {
      this.counters.checkpointErrors += 1;
      log.warn({ path: checkpointFile, error: messageOf(error) }, 'log positions could not be stored');
    }
  }

  #positions(): Positions {
    const positions = new Map<string, FileState>();
    for (const [index, reader] of this.#readers.entries()) {
      const path = this.#options.files[index]?.path;
      if (path !== undefined && reader.state !== undefined) positions.set(path, reader.state);
    }
    return positions;
  }
}
