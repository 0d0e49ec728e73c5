import { styleText } from 'node:util';
import type { CliStream } from '../io.ts';

export type Mood = 'good' | 'passing' | 'bad';

const COLOURS = { good: 'green', passing: 'yellow', bad: 'red' } as const;

/** Colours `text` on a terminal, unless NO_COLOR is set; anywhere else it stays as it is. */
export function paint(text: string, mood: Mood, stream: CliStream, env = process.env): string {
  if (stream.isTTY !== true || (env['NO_COLOR'] ?? '') !== '') return text;
  return styleText(COLOURS[mood], text, { validateStream: false });
}
