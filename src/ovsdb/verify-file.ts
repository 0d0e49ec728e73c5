import { WardenError, messageOf } from '../lib/errors.ts';
import { type OpenFile, openFile } from './file-open.ts';
import type { FileIdentity, FileReport, Problem } from './file-report.ts';
import type { LogHistory } from './log-history.ts';
import { LogWindow } from './log-window.ts';
import { VerifyPass } from './verify-pass.ts';
import { headProblem, reportOf, reportOfUnreadable, tailProblem } from './verify-report.ts';

export interface VerifyOptions {
  /** Who the file should belong to; parts that are left out are not checked. */
  readonly expected?: Partial<FileIdentity>;
  /** Read past the page cache where the filesystem can. */
  readonly direct?: boolean;
  readonly signal?: AbortSignal;
}

export interface VerifiedFile {
  readonly report: FileReport;
  readonly history: LogHistory;
  readonly pastPageCache: OpenFile['pastPageCache'];
}

/**
 * Reads a whole database file and says everything that is wrong with it: what `ovsdb-server` checks when it opens
 * the file, what `ovsdb-tool check-cluster` checks of a single file, damage anywhere, and whose file it is.
 * Memory does not depend on the size of the file or of a record. A file that cannot be read gives a report too.
 * @throws WardenError `aborted` by the signal.
 */
export async function verifyFile(path: string, options: VerifyOptions = {}): Promise<VerifiedFile> {
  const pass = new VerifyPass();
  let file: OpenFile;
  try {
    file = await openFile(path, { direct: options.direct ?? false });
  } catch (error) {
    const report = reportOfUnreadable(path, messageOf(error));
    return { report, history: pass.history, pastPageCache: 'no' };
  }
  try {
    const window = new LogWindow(file.source, file.sizeBytes, options.signal);
    const extra = await readAll(pass, window);
    const report = reportOf(path, window.sizeBytes, pass, options.expected ?? {}, extra);
    return { report, history: pass.history, pastPageCache: file.pastPageCache };
  } finally {
    await file.close();
  }
}

async function readAll(pass: VerifyPass, window: LogWindow): Promise<readonly Problem[]> {
  try {
    const problem = await headProblem(window);
    if (problem !== null) return [problem];
    const tail = await pass.run(window);
    if (tail !== null) pass.noteTail(tailProblem(tail, pass.ordinal));
    return [];
  } catch (error) {
    return [readProblem(pass, error)];
  }
}

/** A read that failed half-way, as a problem of the place where it happened. */
export function readProblem(pass: VerifyPass, error: unknown): Problem {
  if (error instanceof WardenError) throw error;
  return { kind: 'unreadable', record: pass.ordinal, offset: pass.offset, detail: messageOf(error) };
}
