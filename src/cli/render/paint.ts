import { styleText } from 'node:util';
import type { CliIo } from '../io.ts';

export type Mood = 'good' | 'passing' | 'bad';

const COLOURS = { good: 'green', passing: 'yellow', bad: 'red' } as const;

/** Colours `text` where that is wanted; anywhere else it stays as it is. */
export function paint(text: string, mood: Mood, io: CliIo): string {
  return io.colour ? styleText(COLOURS[mood], text, { validateStream: false }) : text;
}
