import { WardenError } from '../lib/errors.ts';

/** Something whose bytes can be read at any place: a file, through the page cache or past it. */
export interface ByteSource {
  /** Reads at `position` into `target`, at most its length; answers with how many bytes came, 0 at the end. */
  read(target: Buffer, position: number): Promise<number>;
}

const WINDOW_BYTES = 256 * 1024;

/** A stretch of a file held in memory, a quarter of a MiB of it at most, that moves along. */
export class LogWindow {
  readonly #source: ByteSource;
  readonly #signal: AbortSignal | undefined;
  readonly #buffer = Buffer.allocUnsafeSlow(WINDOW_BYTES);
  #start = 0;
  #held = 0;
  #sizeBytes: number;
  #bytesRead = 0;

  /** @param sizeBytes the file is read up to here, even when it grows meanwhile. */
  constructor(source: ByteSource, sizeBytes: number, signal?: AbortSignal) {
    this.#source = source;
    this.#sizeBytes = sizeBytes;
    this.#signal = signal;
  }

  /** The bytes held; `bytes[0]` is the file's byte at `start`. Only the first `heldBytes` mean anything. */
  get bytes(): Buffer {
    return this.#buffer;
  }

  get start(): number {
    return this.#start;
  }

  get heldBytes(): number {
    return this.#held;
  }

  /** Where the file ends; smaller than at first when the file was cut while it was read. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** Are `wanted` bytes from `offset`, or as many as the file has there, in memory? */
  holds(offset: number, wanted: number): boolean {
    const end = Math.min(offset + wanted, this.#sizeBytes);
    return offset >= this.#start && end <= this.#start + this.#held;
  }

  /**
   * Moves the window so that it starts at `offset`, and fills it.
   * @throws WardenError `aborted` by the signal; whatever the source throws.
   */
  async load(offset: number): Promise<void> {
    if (this.#signal?.aborted === true)
      throw new WardenError('aborted', 'reading a database file was stopped');
    this.#keepFrom(offset);
    while (this.#held < WINDOW_BYTES) {
      const position = this.#start + this.#held;
      const wanted = Math.min(WINDOW_BYTES - this.#held, this.#sizeBytes - position);
      if (wanted <= 0) return;
      const got = await this.#source.read(this.#buffer.subarray(this.#held, this.#held + wanted), position);
      if (got === 0) {
        this.#sizeBytes = position;
        return;
      }
      this.#held += got;
      this.#bytesRead += got;
    }
  }

  /** Reads elsewhere without moving the window: `target` is filled as far as the file goes. */
  async peek(target: Buffer, position: number): Promise<number> {
    const wanted = Math.min(target.length, this.#sizeBytes - position);
    let got = 0;
    while (got < wanted) {
      const more = await this.#source.read(target.subarray(got, wanted), position + got);
      if (more === 0) break;
      got += more;
    }
    this.#bytesRead += got;
    return got;
  }

  #keepFrom(offset: number): void {
    const skip = offset - this.#start;
    if (skip >= 0 && skip < this.#held) {
      this.#buffer.copyWithin(0, skip, this.#held);
      this.#held -= skip;
    } else {
      this.#held = 0;
    }
    this.#start = offset;
  }
}
