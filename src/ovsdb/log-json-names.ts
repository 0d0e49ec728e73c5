const MAX_NAMES = 64;

/**
 * Turns the bytes of a name into a string, and remembers the first names it sees: a log has a dozen of them, hundreds
 * of thousands of times, and making each anew costs more than the checksum.
 */
export class NameCache {
  readonly #known = new Map<number, { readonly name: string; readonly bytes: Buffer }>();

  nameOf(bytes: Buffer, start: number, end: number): string {
    let key = end - start;
    for (let at = start; at < end; at++) key = (key * 31 + (bytes[at] ?? 0)) | 0;
    const known = this.#known.get(key);
    if (known !== undefined && isEqual(known.bytes, bytes, start, end)) return known.name;
    const name = bytes.toString('utf8', start, end);
    if (known === undefined && this.#known.size < MAX_NAMES) {
      this.#known.set(key, { name, bytes: Buffer.from(bytes.subarray(start, end)) });
    }
    return name;
  }
}

function isEqual(known: Buffer, bytes: Buffer, start: number, end: number): boolean {
  if (known.length !== end - start) return false;
  for (let at = 0; at < known.length; at++) if (known[at] !== bytes[start + at]) return false;
  return true;
}
