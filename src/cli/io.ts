/** Where and how a command prints. Tests collect. */
export interface CliIo {
  readonly stdout: CliStream;
  readonly stderr: CliStream;
  /** True when stdout is a terminal whose user has not turned colours off. */
  readonly colour: boolean;
}

export interface CliStream {
  write(text: string): unknown;
  /** Present and true on a terminal. */
  readonly isTTY?: boolean;
}

/** How a command prints: a table for people, or one JSON document for programs. */
export type OutputFormat = 'table' | 'json';

/** One JSON document on stdout. */
export function printJson(io: CliIo, document: unknown): void {
  io.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}
