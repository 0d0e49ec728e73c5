import { Argument, Option } from 'commander';
import { DATABASES } from '../ovsdb/database.ts';
import type { ExitCode } from './exit-codes.ts';
import type { OutputFormat } from './io.ts';
import { DEFAULT_CONFIG_PATH } from './options.ts';

/** What every command that prints is given. */
export interface Printing {
  readonly output: OutputFormat;
}

/** How a command tells its exit code. */
export type Report = (exitCode: ExitCode) => void;

export function configOption(): Option {
  return new Option('--config <path>', 'configuration file')
    .env('OVN_WARDEN_CONFIG')
    .default(DEFAULT_CONFIG_PATH);
}

export function socketOption(): Option {
  return new Option(
    '--socket <path>',
    'socket of the local agent (default: agent.sock in the stateDir of the configuration)',
  );
}

export function outputOption(): Option {
  return new Option('-o, --output <format>', 'how to print').choices(['table', 'json']).default('table');
}

export function databaseArgument(): Argument {
  return new Argument('[database]', 'one database; both when left out').choices([...DATABASES]);
}
