/** Where a command prints. `process` fits; tests collect. */
export interface CliIo {
  readonly stdout: CliStream;
  readonly stderr: CliStream;
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
