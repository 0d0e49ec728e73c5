import { DATABASES, type Database } from '../ovsdb/database.ts';
import { MAX_FINDING_TEXT_CHARS } from './finding.ts';

/** One physical line of a log, its container runtime's prefix taken off. */
export interface LogPiece {
  /** Time from the prefix, as printed, or null without a prefix. */
  readonly stamp: string | null;
  readonly stream: LogStream;
  /** False when the runtime cut the line here and its rest follows in the next piece of the same stream. */
  readonly last: boolean;
  readonly text: string;
}

/** `plain` for logs that a program wrote itself. */
export type LogStream = 'plain' | 'stdout' | 'stderr';

const CRI_PREFIX =
  /^(\d{4}-\d\d-\d\dT[\d:.]{8,18}(?:Z|[+-]\d\d:\d\d)) (stdout|stderr) ([FP])(?::\S{0,256})?(?: |$)/;
const VLOG_TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)\|/;

/**
 * Takes the prefix of the Kubernetes container runtime interface off a line (`TIME stream F|P text`, as kubelet's
 * `pkg/kubelet/kuberuntime/logs` reads it), and a carriage return off its end.
 */
export function parseLogPiece(line: string): LogPiece {
  const raw = line.endsWith('\r') ? line.slice(0, -1) : line;
  // A cheap look first: most lines have no prefix.
  const match = raw[4] === '-' && raw[10] === 'T' ? CRI_PREFIX.exec(raw) : null;
  if (match === null) return { stamp: null, stream: 'plain', last: true, text: raw };
  const [prefix, stamp = null, stream, tag] = match;
  return {
    stamp,
    stream: stream === 'stdout' ? 'stdout' : 'stderr',
    last: tag === 'F',
    text: raw.slice(prefix.length),
  };
}

/** ISO time of a line: the server's own stamp when it has one, else the runtime's, else null. */
export function timeOf(text: string, stamp: string | null): string | null {
  const printed = VLOG_TIME.exec(text)?.[1] ?? stamp;
  if (printed === null) return null;
  const ms = Date.parse(printed);
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}

/** The database that a line names: by file name, else by schema name. Null when it names none, or both. */
export function databaseIn(text: string): Database | null {
  return onlyOne(text, 'ovnnb_db', 'ovnsb_db') ?? onlyOne(text, 'OVN_Northbound', 'OVN_Southbound');
}

/** The database whose server writes a log of this name (`ovsdb-server-nb.log`), or null. */
export function databaseOfLog(path: string): Database | null {
  const [, name] = /[-_.](nb|sb)[-_.][^/]*$/.exec(path) ?? [];
  return DATABASES.find((database) => database === name) ?? null;
}

function onlyOne(text: string, northbound: string, southbound: string): Database | null {
  const nb = text.includes(northbound);
  const sb = text.includes(southbound);
  if (nb === sb) return null;
  return nb ? 'nb' : 'sb';
}

/** Controls, separators and direction marks could rewrite a terminal or a log viewer. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A line fit for printing: control characters as `\x1b` or `\u202e`, cut at {@link MAX_FINDING_TEXT_CHARS}. */
export function printableText(text: string): string {
  const cut = text.length > MAX_FINDING_TEXT_CHARS;
  const visible = text.slice(0, MAX_FINDING_TEXT_CHARS).replace(INVISIBLE, escapeCharacter);
  return cut || visible.length > MAX_FINDING_TEXT_CHARS
    ? `${visible.slice(0, MAX_FINDING_TEXT_CHARS - 1)}…`
    : visible;
}

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code > 0xffff) return `\\u{${hex}}`;
  return code > 0xff ? `\\u${hex.padStart(4, '0')}` : `\\x${hex.padStart(2, '0')}`;
}
