import type { LogFinding } from './finding.ts';
import type { LogLine } from './log-joiner.ts';
import { databaseIn, printableText, timeOf } from './log-line.ts';
import { matchSignature } from './signature-matcher.ts';
import { createTail, type Tail } from './tail.ts';
import type { TailBatch, TailedFile, TailOptions } from './tail-options.ts';

export interface LogScannerOptions extends Omit<TailOptions, 'onLines'> {
  /**
   * Takes over findings of one log, at most those of one chunk of it. When it rejects they come again; after a crash
   * they may come again with the same ids.
   */
  readonly onFindings: (findings: readonly LogFinding[]) => Promise<void>;
}

/** Follows logs and reports each line that matches a signature. Holds nothing back and buffers nothing. */
export function createLogScanner({ onFindings, ...options }: LogScannerOptions): Tail {
  return createTail({
    ...options,
    onLines: async (batch) => {
      const findings = findingsIn(batch);
      if (findings.length > 0) await onFindings(findings);
    },
  });
}

/** The findings among the lines of a batch, in their order. Pure. */
export function findingsIn(batch: TailBatch): LogFinding[] {
  return batch.lines.flatMap((line): LogFinding[] => {
    const trouble = troubleIn(line, batch);
    return trouble === undefined ? [] : [{ ...trouble, id: line.id, line: null, historic: line.historic }];
  });
}

/** What a line alone says about a finding. */
export type Trouble = Omit<LogFinding, 'id' | 'line' | 'historic'>;

/** What a line says when it matches a signature, else undefined. Pure. */
export function troubleIn({ text, offset, stamp }: LogLine, file: TailedFile): Trouble | undefined {
  const signature = matchSignature(text);
  if (signature === undefined) return undefined;
  return {
    signature: signature.id,
    class: signature.class,
    database: databaseIn(text) ?? file.database,
    file: file.path,
    offset,
    at: timeOf(text, stamp),
    text: printableText(text),
  };
}
