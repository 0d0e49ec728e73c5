import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseLogPiece } from '../../src/watch/log-line.ts';

const FIXTURES = join(import.meta.dirname, '..', 'fixtures');

/** A line of a fixture with what is known about it. */
export interface LabelledLine {
  /** Class in `error-lines.txt`, scene in `generated-lines.txt`. */
  readonly label: string;
  readonly text: string;
}

/** Lines of a tab-separated fixture: label, source, line. */
export function labelledLines(name: string): LabelledLine[] {
  const lines = readFileSync(join(FIXTURES, name), 'utf8').split('\n');
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [label = '', , ...rest] = line.split('\t');
      return { label, text: rest.join('\t') };
    });
}

/** Every line of the logs of a real Kube-OVN, as in the file. */
export function kubeOvnLines(): string[] {
  const folder = join(FIXTURES, 'kube-ovn');
  const logs = readdirSync(folder).filter((name) => name.endsWith('.log'));
  return logs.flatMap((name) => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n'));
}

/** Every line that a real server or start script printed, without the container runtime's prefix. */
export function allRealLines(): Set<string> {
  const labelled = [...labelledLines('error-lines.txt'), ...labelledLines('generated-lines.txt')];
  return new Set([
    ...labelled.map(({ text }) => text),
    ...kubeOvnLines().map((line) => parseLogPiece(line).text),
  ]);
}
