import { messageOf, WardenError } from '../lib/errors.ts';
import { joinLine, type LogLine, type OpenLines, closeAll } from './log-joiner.ts';
import { databaseOfLog } from './log-line.ts';
import { troubleIn, type Trouble } from './log-scanner.ts';
import { LineSplitter, type RawLine } from './log-splitter.ts';
import type { TailedFile } from './tail-options.ts';
import { gunzipFrom, type OpenFile, openRegularFile, readAt } from './tail-source.ts';

/** A finding in a log that was read from its start. */
export interface FileFinding extends Trouble {
  /** One-based number of the physical line that it starts in. */
  readonly line: number;
}

/**
 * Reads one log as it is now, plain or gzip (told by its first bytes), in memory bounded by one chunk and one line.
 * @returns how many physical lines it has.
 * @throws WardenError `file-unreadable` when it is absent, no regular file, not permitted, or a damaged gzip file.
 */
export async function scanLogFile(path: string, onFinding: (finding: FileFinding) => void): Promise<number> {
  const file = await openRegularFile(path);
  if (file === null) throw new WardenError('file-unreadable', `cannot read ${path}: no such file`);
  try {
    return await scanChunks(await chunksOf(path, file), { path, database: databaseOfLog(path) }, onFinding);
  } catch (error) {
    if (error instanceof WardenError) throw error;
    throw new WardenError('file-unreadable', `cannot read ${path} to its end: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    await file.handle.close();
  }
}

async function chunksOf(path: string, file: OpenFile): Promise<AsyncIterable<Buffer>> {
  const magic = await readAt(file.handle, 0, 2);
  return magic[0] === 0x1f && magic[1] === 0x8b ? gunzipFrom(path, 0) : plainChunks(file);
}

/** Up to the size at the start: a log that grows faster than it is read must not keep anybody waiting for ever. */
async function* plainChunks({ handle, sizeBytes }: OpenFile): AsyncGenerator<Buffer> {
  for (let position = 0; position < sizeBytes; ) {
    const chunk = await readAt(handle, position);
    if (chunk.length === 0) return;
    position += chunk.length;
    yield chunk;
  }
}

async function scanChunks(
  chunks: AsyncIterable<Buffer>,
  file: TailedFile,
  onFinding: (finding: FileFinding) => void,
): Promise<number> {
  const splitter = new LineSplitter();
  const joiner = new NumberingJoiner();
  const report = ({ line, number }: NumberedLine): void => {
    const trouble = troubleIn(line, file);
    if (trouble !== undefined) onFinding({ ...trouble, line: number });
  };
  for await (const chunk of chunks) {
    for (const raw of splitter.push(chunk)) joiner.take(raw, report);
  }
  const last = splitter.end();
  if (last !== undefined) joiner.take(last, report);
  joiner.end(report);
  return joiner.lines;
}

interface NumberedLine {
  readonly line: LogLine;
  readonly number: number;
}

/** Joins pieces as {@link joinLine} does, and remembers in which physical line each began. */
class NumberingJoiner {
  lines = 0;
  #open: OpenLines = {};
  readonly #begunIn = new Map<number, number>();

  take(raw: RawLine, onLine: (line: NumberedLine) => void): void {
    this.lines += 1;
    const { open, line } = joinLine(this.#open, raw);
    this.#open = open;
    if (line !== null) this.#emit(line, onLine);
    else if (Object.values(open).some(({ offset }) => offset === raw.offset)) {
      this.#begunIn.set(raw.offset, this.lines);
    }
  }

  end(onLine: (line: NumberedLine) => void): void {
    for (const line of closeAll(this.#open)) this.#emit(line, onLine);
  }

  #emit(line: LogLine, onLine: (line: NumberedLine) => void): void {
    onLine({ line, number: this.#begunIn.get(line.offset) ?? this.lines });
    this.#begunIn.delete(line.offset);
  }
}
