import { type LogFinding } from './finding.ts';
import { databaseIn, printableText } from './log-line.ts';
import { matchSignature } from './signature-matcher.ts';
import { createTail, type Tail } from './tail.ts';
import type { TailBatch, TailOptions } from './tail-options.ts';

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
export function findingsIn({ path, database, lines }: TailBatch): LogFinding[] {
  return lines.flatMap(({ id, offset, at, text, historic }): LogFinding[] => {
    const signature = matchSignature(text);
    if (signature === undefined) return [];
    return [
      {
        id,
        signature: signature.id,
        class: signature.class,
        database: databaseIn(text) ?? database,
        file: path,
        line: null,
        offset,
        at,
        text: printableText(text),
        historic,
      },
    ];
  });
}
