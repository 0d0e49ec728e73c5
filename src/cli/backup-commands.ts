import type { Command } from 'commander';
import type { Database } from '../ovsdb/database.ts';
import {
  type Printing,
  type Report,
  configOption,
  databaseArgument,
  outputOption,
  socketOption,
} from './command-options.ts';
import type { CliIo } from './io.ts';
import type { AgentOptions } from './options.ts';

type StoreOptions = Printing & { readonly config: string };

/** `backup create | list | verify`. */
export function addBackup(program: Command, io: CliIo, report: Report): void {
  const backup = program
    .command('backup')
    .description('Take backups, list all copies of this host, and read them back.')
    .addHelpText(
      'after',
      `
Examples:
  ovn-warden backup create nb
  ovn-warden backup list
  ovn-warden backup verify`,
    );
  addCreate(backup, io, report);
  addList(backup, io, report);
  addVerify(backup, io, report);
}

function addCreate(backup: Command, io: CliIo, report: Report): void {
  backup
    .command('create')
    .description('Have the local agent take a backup now, past the server, and print what was stored.')
    .addArgument(databaseArgument())
    .addOption(outputOption())
    .addOption(configOption())
    .addOption(socketOption())
    .addHelpText(
      'after',
      `
Exits with 3 when the file was stored and yet is not sound.

Example:
  ovn-warden backup create nb -o json | jq -r '.backups[].id'`,
    )
    .action(async (database: Database | undefined, options: AgentOptions & Printing) => {
      const { backupCreateCommand } = await import('./backup.ts');
      report(await backupCreateCommand(database, options, io));
    });
}

function addList(backup: Command, io: CliIo, report: Report): void {
  backup
    .command('list')
    .description(
      'Print every backup, preserved and quarantined copy on this host, newest first. Needs no agent.',
    )
    .addOption(outputOption())
    .addOption(configOption())
    .addHelpText(
      'after',
      `
Exits with 3 when a manifest cannot be read.

Example:
  ovn-warden backup list`,
    )
    .action(async (options: StoreOptions) => {
      const { backupListCommand } = await import('./backup.ts');
      report(await backupListCommand(options, io));
    });
}

function addVerify(backup: Command, io: CliIo, report: Report): void {
  backup
    .command('verify')
    .description('Read stored copies back, byte by byte, and verify each database anew. Needs no agent.')
    .argument('[id...]', 'ids as `backup list` prints them; all copies when left out')
    .addOption(outputOption())
    .addOption(configOption())
    .addHelpText(
      'after',
      `
Exits with 3 when a copy is not what its manifest says.

Example:
  ovn-warden backup verify`,
    )
    .action(async (ids: readonly string[], options: StoreOptions) => {
      const { backupVerifyCommand } = await import('./backup.ts');
      report(await backupVerifyCommand(ids, options, io));
    });
}
