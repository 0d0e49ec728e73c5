const NEWLINE = 0x0a;

/** A longer line is cut here and its rest is skipped, so that no log can exhaust the memory. */
export const MAX_LINE_BYTES = 64 * 1024;

/** One physical line. `text` has no newline; bytes that are not UTF-8 became U+FFFD. */
export interface RawLine {
  readonly offset: number;
  readonly text: string;
}

/** Where splitting stands, in bytes of the file; enough to go on after a restart. */
export interface SplitPosition {
  /** Start of the first byte that no emitted line covers. */
  readonly offset: number;
  /** True within a line that was too long: bytes up to the next newline belong to nothing. */
  readonly skipping: boolean;
}

/** Cuts the bytes of a file into lines, chunk by chunk, in memory bounded by one chunk and one line. */
export class LineSplitter {
  #offset: number;
  #skipping: boolean;
  #rest: Buffer = Buffer.alloc(0);

  constructor(start: SplitPosition = { offset: 0, skipping: false }) {
    this.#offset = start.offset;
    this.#skipping = start.skipping;
  }

  get position(): SplitPosition {
    return { offset: this.#offset, skipping: this.#skipping };
  }

  /** Takes the next bytes of the file and returns the lines that end in them. */
  push(chunk: Buffer): RawLine[] {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const lines: RawLine[] = [];
    let start = 0;
    for (let end = data.indexOf(NEWLINE); end !== -1; end = data.indexOf(NEWLINE, start)) {
      if (!this.#skipping) lines.push(this.#line(data.subarray(start, end)));
      this.#skipping = false;
      this.#offset += end + 1 - start;
      start = end + 1;
    }
    this.#keep(data.subarray(start), lines);
    return lines;
  }

  /** The last line when the file ended without a newline, or undefined. */
  end(): RawLine | undefined {
    if (this.#rest.length === 0) return undefined;
    const line = this.#line(this.#rest);
    this.#offset += this.#rest.length;
    this.#rest = Buffer.alloc(0);
    return line;
  }

  #keep(rest: Buffer, lines: RawLine[]): void {
    if (!this.#skipping && rest.length > MAX_LINE_BYTES) {
      lines.push(this.#line(rest));
      this.#skipping = true;
    }
    if (this.#skipping) this.#offset += rest.length;
    // A copy: the chunk may be a view of a buffer that the caller fills again.
    this.#rest = this.#skipping ? Buffer.alloc(0) : Buffer.from(rest);
  }

  #line(bytes: Buffer): RawLine {
    return { offset: this.#offset, text: bytes.toString('utf8', 0, Math.min(bytes.length, MAX_LINE_BYTES)) };
  }
}
