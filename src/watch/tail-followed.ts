import type { FileHandle } from 'node:fs/promises';
import { closeAll, joinLine, type LogLine, type OpenLines } from './log-joiner.ts';
import { LineSplitter, type RawLine } from './log-splitter.ts';
import { firstBytesOf, gunzipFrom, lookAgain, type OpenFile, readAt } from './tail-source.ts';
import {
  type Generation,
  headPrint,
  isStillIn,
  isTelling,
  MAX_HEAD_BYTES,
  startsWith,
} from './tail-state.ts';

/** Where the bytes of a generation are read from; `none` until its file was found (again). */
export type Source =
  | { readonly kind: 'none' }
  | { readonly kind: 'open'; readonly handle: FileHandle }
  | { readonly kind: 'gzip'; readonly path: string };

/** Lines read, and the generation as it stands once they have been dealt with. */
export interface ReadStep {
  readonly lines: readonly LogLine[];
  readonly after: Generation;
}

/** One generation while it is followed. */
export class Followed {
  generation: Generation;
  source: Source = { kind: 'none' };
  /** Does the checkpoint know its id, and its file well enough to find it again? No line may be handed over before. */
  persisted: boolean;
  /** Monotonic time at which something else took its path; null while it is the log itself. */
  retiredAtMs: number | null = null;
  /** Monotonic time at which it last grew. */
  grewAtMs = 0;
  /** True when everything that the file held at the last look was handed over. */
  drained = false;

  constructor(generation: Generation, stored: boolean) {
    this.generation = generation;
    this.persisted = stored && isTelling(generation.head);
  }

  async close(): Promise<void> {
    const { source } = this;
    this.source = { kind: 'none' };
    if (source.kind === 'open') await source.handle.close();
  }

  /** Is this the file of the generation, not truncated since? If so the fingerprint is brought up to date. */
  async isIn(file: OpenFile): Promise<boolean> {
    if (file.sizeBytes < this.generation.offset) return false;
    const firstBytes = await firstBytesOf(file.handle);
    if (!isStillIn({ inode: file.inode, firstBytes }, this.generation)) return false;
    // The longer the fingerprint, the surer a copy of this file is known again.
    this.generation = { ...this.generation, head: this.#longerHead(firstBytes) };
    return true;
  }

  /** New content since the last hand-over, step by step. Each step must be dealt with before the next is asked for. */
  async *read(maxBytes: number): AsyncGenerator<ReadStep> {
    if (this.source.kind === 'gzip' && this.drained) return;
    this.drained = false;
    if (this.source.kind === 'open') yield* this.#readOpen(this.source.handle, maxBytes);
    else if (this.source.kind === 'gzip') yield* this.#readGzip(this.source.path);
  }

  /** What is left when an open file will never grow again: a last line without newline, and lines still open. */
  async readRest(): Promise<ReadStep> {
    const splitter = new LineSplitter(this.generation);
    if (this.source.kind !== 'open' || !this.drained) return this.#lastStep(splitter, []);
    return this.#lastStep(splitter, splitter.push(await readAt(this.source.handle, this.generation.offset)));
  }

  #lastStep(splitter: LineSplitter, raw: readonly RawLine[]): ReadStep {
    const last = splitter.end();
    const { lines, after } = this.#step(splitter, last === undefined ? raw : [...raw, last], this.generation);
    return { lines: [...lines, ...closeAll(after.open)], after: { ...after, open: {} } };
  }

  async *#readOpen(handle: FileHandle, maxBytes: number): AsyncGenerator<ReadStep> {
    const file = await lookAgain(handle);
    const splitter = new LineSplitter(this.generation);
    const end = Math.min(file.sizeBytes, this.generation.offset + maxBytes);
    let position = this.generation.offset;
    while (position < end) {
      const chunk = await readAt(handle, position);
      const firstBytes = await firstBytesOf(handle);
      // Truncated between the last look and this read: these bytes are not this generation's.
      if (chunk.length === 0 || !startsWith(firstBytes, this.generation.head)) return;
      position += chunk.length;
      yield this.#step(splitter, splitter.push(chunk), {
        ...this.generation,
        head: this.#longerHead(firstBytes),
        modifiedMs: file.modifiedMs,
      });
    }
    this.drained = position >= file.sizeBytes;
  }

  async *#readGzip(path: string): AsyncGenerator<ReadStep> {
    const splitter = new LineSplitter(this.generation);
    for await (const chunk of gunzipFrom(path, this.generation.offset)) {
      yield this.#step(splitter, splitter.push(chunk), this.generation);
    }
    // It never grows, and its name may soon be another's: the rest comes now.
    yield this.#lastStep(splitter, []);
    this.drained = true;
  }

  #longerHead(firstBytes: Buffer): Generation['head'] {
    const { head } = this.generation;
    return head.lengthBytes < MAX_HEAD_BYTES && firstBytes.length > head.lengthBytes
      ? headPrint(firstBytes)
      : head;
  }

  #step(splitter: LineSplitter, raw: readonly RawLine[], base: Generation): ReadStep {
    let open: OpenLines = base.open;
    const lines: LogLine[] = [];
    for (const piece of raw) {
      const joined = joinLine(open, piece);
      open = joined.open;
      if (joined.line !== null) lines.push(joined.line);
    }
    return { lines, after: { ...base, ...splitter.position, open } };
  }
}
