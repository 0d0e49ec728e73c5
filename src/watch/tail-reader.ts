import { randomBytes } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { Followed, type ReadStep, type Source } from './tail-followed.ts';
import type { TailBatch, TailCounters, TailedFile, TailLog } from './tail-options.ts';
import { findGeneration, findUnseen, listSiblings, type Sibling } from './tail-siblings.ts';
import { firstBytesOf, lookAgain, type OpenFile, openRegularFile } from './tail-source.ts';
import {
  type FileState,
  type Generation,
  headPrint,
  isTelling,
  MAX_SEEN_FILES,
  type SeenFile,
  startsWith,
} from './tail-state.ts';

export interface ReaderOptions {
  readonly file: TailedFile;
  /** From the checkpoint; undefined when this log was never looked at before. */
  readonly state: FileState | undefined;
  readonly clock: Clock;
  readonly log: TailLog;
  readonly counters: TailCounters;
  readonly lingerMs: number;
  readonly onLines: (batch: TailBatch) => Promise<void>;
  /** Writes the checkpoint now, before the first line of a new generation is handed over. */
  readonly persist: () => Promise<void>;
}

/** No file keeps the others waiting for longer than this takes. */
const MAX_BYTES_A_ROUND = 16 * 1024 * 1024;
const MAX_RETIRED = 8;

/**
 * Follows one log by name. Each {@link TailReader.poll} looks at the path, tells a rotation from a truncation from an
 * append by inode and first bytes, and hands over what is new: the rest of a rotated file first, whether it was renamed,
 * copied or compressed, then whole files that came and went unseen, then the file at the path.
 */
export class TailReader {
  readonly #options: ReaderOptions;
  readonly #followed: Followed[] = [];
  #seen: readonly SeenFile[];
  #firstSight: boolean;
  #lastError: string | null = null;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#firstSight = options.state === undefined;
    this.#seen = options.state?.seen ?? [];
    const now = options.clock.monotonicMs();
    const generations = options.state?.generations ?? [];
    for (const [index, generation] of generations.entries()) {
      const followed = new Followed(generation, true);
      followed.grewAtMs = now;
      if (index < generations.length - 1) followed.retiredAtMs = now;
      this.#followed.push(followed);
    }
  }

  /** What the checkpoint must keep; undefined before the first look. */
  get state(): FileState | undefined {
    if (this.#firstSight) return undefined;
    return { generations: this.#followed.map(({ generation }) => generation), seen: this.#seen };
  }

  /**
   * Looks once and hands over what is new.
   * @returns how many bytes were dealt with.
   * @throws whatever the consumer threw; its batch comes again at the next poll. Errors of reading are counted instead.
   */
  async poll(): Promise<number> {
    await this.#look();
    let bytes = 0;
    try {
      for (const followed of [...this.#followed]) {
        const drainedBytes = await this.#drain(followed);
        bytes += drainedBytes;
        // A big rest comes in several rounds; what is newer waits for it, unless nothing comes.
        if (followed.source.kind === 'open' && !followed.drained && drainedBytes > 0) return bytes;
      }
      await this.#finishRetired();
    } catch (error) {
      throw error instanceof HandoverError ? error.cause : error;
    }
    return bytes;
  }

  async close(): Promise<void> {
    for (const followed of this.#followed) await followed.close();
  }

  /** Finds out what is at the path and what that means for what was followed so far. */
  async #look(): Promise<void> {
    let file: OpenFile | null = null;
    try {
      file = await openRegularFile(this.#options.file.path);
      if (this.#firstSight) await this.#begin(file, true);
      else if (file === null) await this.#lookForMissing();
      else await this.#compare(file);
      this.#lastError = null;
    } catch (error) {
      // Permissions can change at a rotation, a disk can fail: keep what is open, try again.
      this.#noteReadError(error);
    } finally {
      await this.#closeUnused(file);
    }
  }

  async #closeUnused(file: OpenFile | null): Promise<void> {
    if (file === null || this.#followed.some(({ source }) => usesHandle(source, file))) return;
    await file.handle.close();
  }

  async #begin(file: OpenFile | null, historic: boolean): Promise<void> {
    if (historic) {
      const siblings = await listSiblings(this.#options.file.path, this.#options.log);
      for (const { inode, firstBytes } of siblings) this.#remember({ inode, head: headPrint(firstBytes) });
      this.#firstSight = false;
    }
    if (file === null) return;
    const firstBytes = await firstBytesOf(file.handle);
    const historicBytes = historic ? file.sizeBytes : 0;
    const followed = this.#newlyFollowed(file.inode, firstBytes, historicBytes, file.modifiedMs);
    followed.source = { kind: 'open', handle: file.handle };
    this.#followed.push(followed);
  }

  #newlyFollowed(inode: string, firstBytes: Buffer, historicBytes: number, modifiedMs: number): Followed {
    const generation: Generation = {
      id: randomBytes(8).toString('hex'),
      inode,
      head: headPrint(firstBytes),
      offset: 0,
      skipping: false,
      open: {},
      historicBytes,
      modifiedMs,
    };
    const followed = new Followed(generation, false);
    followed.grewAtMs = this.#options.clock.monotonicMs();
    return followed;
  }

  #live(): Followed | undefined {
    return this.#followed.findLast(({ retiredAtMs }) => retiredAtMs === null);
  }

  async #compare(file: OpenFile): Promise<void> {
    const live = this.#live();
    const before = live?.generation;
    if (live !== undefined && before !== undefined && (await live.isIn(file))) {
      // A file that was nearly empty had no face: it may have been filled, copied, truncated and filled again.
      if (!isTelling(before.head) && file.modifiedMs !== before.modifiedMs) {
        await this.#adoptUnseen(this.#followed.indexOf(live), before.modifiedMs);
        live.generation = { ...live.generation, modifiedMs: file.modifiedMs };
      }
      if (live.source.kind !== 'open') live.source = { kind: 'open', handle: file.handle };
      await this.#findSources();
      return;
    }
    if (live !== undefined) await this.#rotate(live);
    await this.#begin(file, false);
  }

  /** Something else is at the path of `live`: find its rest, and files that came and went in between. */
  async #rotate(live: Followed): Promise<void> {
    this.#options.counters.rotations += 1;
    live.retiredAtMs = this.#options.clock.monotonicMs();
    if (live.source.kind === 'open' && !(await live.isIn(await lookAgain(live.source.handle))))
      await live.close();
    await this.#findSources();
    await this.#adoptUnseen(this.#followed.length, live.generation.modifiedMs);
  }

  /** Whole files that came and went between two looks. They are as old as their place in the list says. */
  async #adoptUnseen(place: number, sinceMs: number): Promise<void> {
    const siblings = await listSiblings(this.#options.file.path, this.#options.log);
    const known = [...this.#seen, ...this.#followed.map(({ generation }) => generation)];
    const adopted: Followed[] = [];
    for (const sibling of findUnseen(siblings, known, sinceMs)) {
      const followed = this.#newlyFollowed(sibling.inode, sibling.firstBytes, 0, sibling.modifiedMs);
      followed.retiredAtMs = followed.grewAtMs;
      await this.#attach(followed, sibling);
      adopted.push(followed);
    }
    this.#followed.splice(place, 0, ...adopted);
  }

  /** A path without a file: between the two halves of a rotation, or the log was moved or deleted for good. */
  async #lookForMissing(): Promise<void> {
    await this.#findSources();
    const live = this.#live();
    if (live?.source.kind !== 'open') return;
    const { links } = await lookAgain(live.source.handle);
    // A deleted file would occupy its disk space for as long as it is kept open.
    if (links === 0) live.retiredAtMs = this.#options.clock.monotonicMs();
  }

  /** Generations without a source, for example after a restart, may lie beside the path under another name. */
  async #findSources(): Promise<void> {
    const homeless = this.#followed.filter(({ source }) => source.kind === 'none');
    if (homeless.length === 0) return;
    const siblings = await listSiblings(this.#options.file.path, this.#options.log);
    for (const followed of homeless) {
      const sibling = findGeneration(siblings, followed.generation);
      if (sibling !== undefined) await this.#attach(followed, sibling);
    }
  }

  async #attach(followed: Followed, sibling: Sibling): Promise<void> {
    if (sibling.gzip) {
      followed.source = { kind: 'gzip', path: sibling.path };
      return;
    }
    const file = await openRegularFile(sibling.path);
    if (file === null) return;
    try {
      const firstBytes = await firstBytesOf(file.handle);
      if (startsWith(firstBytes, followed.generation.head))
        followed.source = { kind: 'open', handle: file.handle };
    } finally {
      if (!usesHandle(followed.source, file)) await file.handle.close();
    }
  }

  async #drain(followed: Followed): Promise<number> {
    const from = followed.generation.offset;
    try {
      for await (const step of followed.read(MAX_BYTES_A_ROUND)) await this.#handOver(followed, step);
    } catch (error) {
      if (error instanceof HandoverError) throw error;
      this.#noteReadError(error);
      // Perhaps it is still being written, or was renamed again: look for it anew.
      if (followed.source.kind === 'gzip') await followed.close();
    }
    const bytes = followed.generation.offset - from;
    if (bytes > 0) followed.grewAtMs = this.#options.clock.monotonicMs();
    return bytes;
  }

  /** The one place where lines leave and a position moves, in this order. */
  async #handOver(followed: Followed, step: ReadStep): Promise<void> {
    const { generation } = followed;
    if (step.lines.length > 0) {
      if (!followed.persisted) await this.#persistFirst(followed, step);
      const lines = step.lines.map((line) => ({
        ...line,
        id: `${generation.id}:${String(line.offset)}`,
        historic: line.offset < generation.historicBytes,
      }));
      await this.#options.onLines({ ...this.#options.file, lines }).catch((error: unknown) => {
        throw new HandoverError(error);
      });
    }
    this.#options.counters.lines += step.lines.length;
    this.#options.counters.bytes += step.after.offset - generation.offset;
    followed.generation = step.after;
  }

  /** With its fingerprint, or the generation could not be known again after a crash and would get another id. */
  async #persistFirst(followed: Followed, { after }: ReadStep): Promise<void> {
    followed.generation = { ...followed.generation, head: after.head };
    await this.#options.persist();
    followed.persisted = isTelling(after.head);
  }

  async #finishRetired(): Promise<void> {
    const now = this.#options.clock.monotonicMs();
    const retired = this.#followed.filter(({ retiredAtMs }) => retiredAtMs !== null);
    for (const [index, followed] of retired.entries()) {
      const quietMs = now - Math.max(followed.grewAtMs, followed.retiredAtMs ?? now);
      const crowded = retired.length - index > MAX_RETIRED;
      const complete = followed.drained && (crowded || followed.source.kind === 'gzip');
      if (complete || quietMs >= this.#options.lingerMs) await this.#finish(followed);
    }
  }

  async #finish(followed: Followed): Promise<void> {
    // What had no face yet had given out nothing, and its file, if there is one, was adopted as unseen.
    if (!followed.drained && isTelling(followed.generation.head)) {
      this.#options.counters.lostGenerations += 1;
      const { offset } = followed.generation;
      const { path } = this.#options.file;
      this.#options.log.warn(
        { path, offset },
        'the rest of a rotated or truncated log, if any, was not found',
      );
    }
    try {
      await this.#handOver(followed, await followed.readRest());
    } catch (error) {
      if (error instanceof HandoverError) throw error;
      this.#noteReadError(error);
    }
    await followed.close();
    this.#remember(followed.generation);
    this.#followed.splice(this.#followed.indexOf(followed), 1);
  }

  #remember({ inode, head }: SeenFile): void {
    if (head.lengthBytes === 0) return;
    this.#seen = [...this.#seen, { inode, head }].slice(-MAX_SEEN_FILES);
  }

  #noteReadError(error: unknown): void {
    this.#options.counters.readErrors += 1;
    const message = messageOf(error);
    if (message === this.#lastError) return;
    this.#lastError = message;
    this.#options.log.warn({ path: this.#options.file.path, error: message }, 'cannot read a log');
  }
}

function usesHandle(source: Source, file: OpenFile): boolean {
  return source.kind === 'open' && source.handle === file.handle;
}

/** Tells a refusal of the consumer from an error of the source. */
class HandoverError extends Error {
  constructor(cause: unknown) {
    super('the lines were not taken over', { cause });
  }
}
