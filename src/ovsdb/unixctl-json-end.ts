const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENERS = new Set([0x7b, 0x5b]);
const CLOSERS = new Set([0x7d, 0x5d]);

/**
 * Finds where one JSON object ends in a stream that has no framing, as OVSDB sends it (`json_parser_feed` in OVS
 * `lib/json.c` does the same). Bytes may come in any portions; each is looked at once. It only counts brackets outside
 * of strings: whether the text is valid JSON is for `JSON.parse` to say.
 */
export class JsonEndFinder {
  #depth = 0;
  #inString = false;
  #escaped = false;

  /** The number of bytes of `chunk` up to and with the end of the object, or undefined when it goes on. */
  feed(chunk: Uint8Array): number | undefined {
    for (const [position, byte] of chunk.entries()) {
      if (this.#take(byte)) return position + 1;
    }
    return undefined;
  }

  #take(byte: number): boolean {
    if (this.#inString) {
      this.#takeInString(byte);
      return false;
    }
    if (byte === QUOTE) this.#inString = true;
    else if (OPENERS.has(byte)) this.#depth += 1;
    else if (CLOSERS.has(byte)) this.#depth -= 1;
    return CLOSERS.has(byte) && this.#depth <= 0;
  }

  #takeInString(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) this.#inString = false;
  }
}
