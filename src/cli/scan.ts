import { messageOf } from '../lib/errors.ts';
import { type FileFinding, scanLogFile } from '../watch/log-file.ts';
import { SIGNATURES } from '../watch/signature-catalogue.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { OutputFormat } from './io.ts';
import { printable } from './render/printable.ts';
import { renderTable } from './render/table.ts';

export interface ScanIo {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

/** Where the findings of a run go, in their order. */
interface ScanPrinter {
  finding(finding: FileFinding): void;
  endOfFile(file: string, lines: number): void;
  end(lines: number): void;
}

/**
 * Looks for known trouble in logs, plain, gzip or with a container runtime's prefixes. Nothing is kept in memory but one
 * line and, for the table, one entry for each signature.
 * @returns 0 when nothing was found, 3 when something was, 1 when a file could not be read to its end (also when
 * something was found in it or in another: the answer is not complete).
 */
export async function scanCommand(
  files: readonly string[],
  options: { readonly output: OutputFormat },
  io: ScanIo,
): Promise<ExitCode> {
  const printer = options.output === 'json' ? new JsonPrinter(io) : new TablePrinter(io);
  const totals = { lines: 0, findings: 0, unreadable: 0 };
  for (const file of files) {
    try {
      const lines = await scanLogFile(file, (finding) => {
        totals.findings += 1;
        printer.finding(finding);
      });
      totals.lines += lines;
      printer.endOfFile(file, lines);
    } catch (error) {
      totals.unreadable += 1;
      io.stderr(`ovn-warden: ${printable(messageOf(error))}\n`);
      printer.endOfFile(file, 0);
    }
  }
  printer.end(totals.lines);
  if (totals.unreadable > 0) return EXIT.error;
  return totals.findings > 0 ? EXIT.found : EXIT.ok;
}

/** One document, written as it grows. */
class JsonPrinter implements ScanPrinter {
  readonly #io: ScanIo;
  #separator = '{"findings":[';

  constructor(io: ScanIo) {
    this.#io = io;
  }

  finding({ signature, class: kind, database, file, line, at, text }: FileFinding): void {
    const document = JSON.stringify({ signature, class: kind, database, file, line, at, text });
    this.#io.stdout(`${this.#separator}\n  ${document}`);
    this.#separator = ',';
  }

  endOfFile(): void {
    // Files have no place of their own in the document.
  }

  end(lines: number): void {
    const opening = this.#separator === ',' ? '\n' : this.#separator;
    this.#io.stdout(`${opening}],"lines":${String(lines)}}\n`);
  }
}

/** All lines of one file that match one signature. */
interface Group {
  readonly first: FileFinding;
  last: FileFinding;
  times: number;
}

/** For people: one table a file, then what each signature means and what to do next. */
class TablePrinter implements ScanPrinter {
  readonly #io: ScanIo;
  readonly #groups = new Map<string, Group>();
  #found = false;

  constructor(io: ScanIo) {
    this.#io = io;
  }

  finding(finding: FileFinding): void {
    const key = `${finding.signature} ${finding.database ?? ''}`;
    const group = this.#groups.get(key);
    if (group === undefined) this.#groups.set(key, { first: finding, last: finding, times: 1 });
    else {
      group.last = finding;
      group.times += 1;
    }
  }

  endOfFile(file: string, lines: number): void {
    if (this.#groups.size === 0) return;
    const groups = [...this.#groups.values()];
    const counted = lines === 0 ? '' : ` (${String(lines)} lines)`;
    this.#io.stdout(`${this.#found ? '\n' : ''}${printable(file)}${counted}\n\n`);
    this.#io.stdout(
      renderTable(['SIGNATURE', 'CLASS', 'DATABASE', 'TIMES', 'LINES', 'FIRST', 'LAST'], groups.map(row)),
    );
    for (const signature of new Set(groups.map(({ first }) => first.signature)))
      this.#explain(signature, groups);
    this.#groups.clear();
    this.#found = true;
  }

  end(lines: number): void {
    if (!this.#found) this.#io.stdout(`no known trouble in ${String(lines)} lines\n`);
  }

  #explain(id: string, groups: readonly Group[]): void {
    const signature = SIGNATURES.find((candidate) => candidate.id === id);
    const last = groups.findLast(({ first }) => first.signature === id)?.last;
    if (signature === undefined || last === undefined) return;
    this.#io.stdout(`\n${id}: ${signature.meaning}\n  next: ${signature.next}\n`);
    this.#io.stdout(`  line ${String(last.line)}: ${printable(last.text)}\n`);
  }
}

function row({ first, last, times }: Group): string[] {
  const lines = first.line === last.line ? String(first.line) : `${String(first.line)}-${String(last.line)}`;
  return [
    first.signature,
    first.class,
    first.database ?? '-',
    String(times),
    lines,
    first.at ?? '-',
    last.at ?? '-',
  ];
}
