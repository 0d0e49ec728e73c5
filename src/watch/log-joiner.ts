import { type LogStream, parseLogPiece } from './log-line.ts';
import { MAX_LINE_BYTES, type RawLine } from './log-splitter.ts';

/** One whole line of a log: pieces that a container runtime had cut are together again. */
export interface LogLine {
  /** Where its first piece starts in the file. */
  readonly offset: number;
  /** Time from the container runtime's prefix, as printed, or null without one. */
  readonly stamp: string | null;
  readonly text: string;
}

/** The beginning of a line whose rest was not read yet. Plain data, so that it survives a restart. */
export type OpenLine = LogLine;

/** At most one line is open in each stream. */
export type OpenLines = Readonly<Partial<Record<LogStream, OpenLine>>>;

export interface JoinResult {
  readonly open: OpenLines;
  /** Null while the line goes on. */
  readonly line: LogLine | null;
}

/** Adds one physical line to the open ones. Text beyond {@link MAX_LINE_BYTES} characters is dropped. */
export function joinLine(open: OpenLines, raw: RawLine): JoinResult {
  const piece = parseLogPiece(raw.text);
  const begun = open[piece.stream];
  if (begun === undefined && piece.last) {
    return { open, line: { offset: raw.offset, stamp: piece.stamp, text: piece.text } };
  }
  const joined: OpenLine = {
    offset: begun?.offset ?? raw.offset,
    stamp: begun?.stamp ?? piece.stamp,
    text: ((begun?.text ?? '') + piece.text).slice(0, MAX_LINE_BYTES),
  };
  if (!piece.last) return { open: { ...open, [piece.stream]: joined }, line: null };
  const { [piece.stream]: _closed, ...others } = open;
  return { open: others, line: joined };
}

/** What is still open when no more will come. */
export function closeAll(open: OpenLines): LogLine[] {
  return Object.values(open).sort((a, b) => a.offset - b.offset);
}
