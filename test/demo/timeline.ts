import { styleText } from 'node:util';

export type WorldName = 'with agents' | 'without agents';

/** What a line means to the reader; colours follow from it. */
export type Tone = 'plain' | 'damage' | 'good' | 'bad' | 'quiet';

export interface TimelineEvent {
  /** Since the start of the demo. */
  readonly atMs: number;
  readonly world: WorldName | 'both worlds';
  /** The host it happened on; empty when on all or none. */
  readonly host: string;
  readonly text: string;
  readonly tone: Tone;
}

const WORLD_WIDTH = 'without agents'.length;
const HOST_WIDTH = 6;

const COLOURS = { damage: 'yellow', good: 'green', bad: 'red', quiet: 'dim' } as const;

/** `  12.3 s  with agents     node-2  …`: one line without its end. */
export function formatEvent(event: TimelineEvent, isColoured: boolean): string {
  const seconds = (event.atMs / 1_000).toFixed(1).padStart(6);
  const place = `${event.world.padEnd(WORLD_WIDTH)}  ${event.host.padEnd(HOST_WIDTH)}`;
  return `${seconds} s  ${place}  ${paint(event.text, event.tone, isColoured)}`;
}

export function formatHeading(text: string, isColoured: boolean): string {
  return `\n${isColoured ? styleText('bold', text, { validateStream: false }) : text}`;
}

export function paint(text: string, tone: Tone, isColoured: boolean): string {
  if (!isColoured || tone === 'plain') return text;
  return styleText(COLOURS[tone], text, { validateStream: false });
}

export interface TimelineOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** Prints what happens, with the seconds since it was made. */
export class Timeline {
  readonly isColoured: boolean;
  readonly #output: TimelineOutput;
  readonly #startedMs = Date.now();

  constructor(output: TimelineOutput, environment: NodeJS.ProcessEnv) {
    this.#output = output;
    this.isColoured = output.isTTY === true && (environment['NO_COLOR'] ?? '') === '';
  }

  /** Something that happens now, or at `atWallMs`. */
  tell(event: Omit<TimelineEvent, 'atMs' | 'tone'> & { tone?: Tone; atWallMs?: number }): void {
    const atMs = Math.max(0, (event.atWallMs ?? Date.now()) - this.#startedMs);
    this.print(formatEvent({ tone: 'plain', ...event, atMs }, this.isColoured));
  }

  heading(text: string): void {
    this.print(formatHeading(text, this.isColoured));
  }

  print(line: string): void {
    this.#output.write(`${line}\n`);
  }

  secondsSinceStart(): string {
    return ((Date.now() - this.#startedMs) / 1_000).toFixed(1);
  }
}
