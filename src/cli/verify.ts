import type { FileReport, Problem, ProblemKind } from '../ovsdb/file-report.ts';
import { verifyFile } from '../ovsdb/verify-file.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CliIo, OutputFormat } from './io.ts';
import { paint } from './render/paint.ts';
import { printable } from './render/printable.ts';
import { renderTable } from './render/table.ts';

/** What a server does with a file that has this problem, at its next start. */
const AT_NEXT_START: Readonly<Record<ProblemKind, string>> = {
  unreadable: 'nothing can be said',
  empty: 'refuses to start',
  'not-ovsdb': 'refuses to start',
  standalone: 'starts without a cluster',
  'broken-first-record': 'refuses to start',
  'torn-tail': 'starts, drops the end and fetches it again',
  'damaged-record': 'STARTS, and silently drops everything from there on',
  'invalid-record': 'refuses to start',
  'commit-ahead-of-log': 'refuses to start',
  'commit-regressed': 'refuses to start',
  'truncates-committed': 'refuses to start; this may be the only copy of the newest data',
  'index-skipped': 'refuses to start',
  'term-regressed': 'refuses to start',
  'vote-for-old-term': 'refuses to start',
  'vote-changed': 'refuses to start',
  'leader-changed': 'starts',
  'leader-rewrote-log': 'starts',
  'left-cluster': 'refuses to start, for ever: it has left the cluster',
  'not-a-member': 'refuses to start: it is no member',
  'wrong-name': 'starts with the wrong database',
  'wrong-cluster': 'starts in another cluster',
  'wrong-server': 'starts as another member',
  'wrong-address': 'starts at an address that is not its own',
};

/**
 * Verifies files one after the other.
 * @returns 0 when all are sound, 3 when one is not, 1 when one could not be read.
 */
export async function verifyCommand(
  files: readonly string[],
  options: { readonly output: OutputFormat },
  io: CliIo,
): Promise<ExitCode> {
  const reports: FileReport[] = [];
  for (const file of files) reports.push((await verifyFile(file)).report);
  io.stdout.write(
    options.output === 'json' ? `${JSON.stringify({ files: reports })}\n` : asTable(reports, io),
  );
  if (reports.some(isUnreadable)) return EXIT.error;
  return reports.every(({ ok }) => ok) ? EXIT.ok : EXIT.found;
}

function isUnreadable({ problems }: FileReport): boolean {
  return problems.some(({ kind }) => kind === 'unreadable');
}

const HEADER = ['FILE', 'VERDICT', 'DATABASE', 'SERVER', 'RECORDS', 'TERM', 'LAST', 'COMMIT'];

function asTable(reports: readonly FileReport[], io: CliIo): string {
  const table = renderTable(HEADER, reports.map(rowOf));
  const problems = reports.flatMap((report) => report.problems.map((problem) => lineOf(report, problem, io)));
  return problems.length === 0 ? table : `${table}\n${problems.join('')}`;
}

function rowOf(report: FileReport): string[] {
  const { file, ok, database, serverId, records, term, lastIndex, commitIndex } = report;
  const verdict = ok ? (report.joined === false ? 'sound, not joined yet' : 'sound') : 'NOT SOUND';
  const numbers = [term, lastIndex, commitIndex].map((value) => (value === null ? '-' : String(value)));
  const names = [database ?? '-', serverId?.slice(0, 4) ?? '-'].map(printable);
  return [printable(file), verdict, ...names, String(records), ...numbers];
}

function lineOf({ file }: FileReport, { kind, record, offset, detail }: Problem, io: CliIo): string {
  const place =
    record === null
      ? ''
      : ` in record ${String(record)}${offset === null ? '' : ` at byte ${String(offset)}`}`;
  const what = paint(`${printable(file)}: ${kind}${place}`, 'bad', io);
  return `${what}\n  ${printable(detail)}\n  a server with this file: ${AT_NEXT_START[kind]}\n`;
}
