import type { Command } from 'commander';
import { type Printing, type Report, outputOption } from './command-options.ts';
import type { CliIo } from './io.ts';

/** `verify` and `scan`: they read files, and need neither an agent nor a configuration. */
export function addFileCommands(program: Command, io: CliIo, report: Report): void {
  addVerify(program, io, report);
  addScan(program, io, report);
}

function addVerify(program: Command, io: CliIo, report: Report): void {
  program
    .command('verify')
    .description('Check database files, record by record, as the server does when it starts. Needs no agent.')
    .argument('<file...>', 'database files; they are only read, also while a server writes to them')
    .addOption(outputOption())
    .addHelpText(
      'after',
      `
Exits with 3 when a file is not sound.

Examples:
  ovn-warden verify /etc/ovn/ovnnb_db.db /etc/ovn/ovnsb_db.db
  ovn-warden verify -o json /etc/ovn/ovnnb_db.db | jq '.files[].problems'`,
    )
    .action(async (files: readonly string[], options: Printing) => {
      const { verifyCommand } = await import('./verify.ts');
      report(await verifyCommand(files, options, io));
    });
}

function addScan(program: Command, io: CliIo, report: Report): void {
  program
    .command('scan')
    .description('Search logs for lines of known trouble. Needs no agent.')
    .argument('<log...>', 'plain logs, .gz, or container logs (CRI format)')
    .addOption(outputOption())
    .addHelpText(
      'after',
      `
Exits with 3 when a line matches.

Examples:
  ovn-warden scan /var/log/ovn/ovsdb-server-nb.log*
  ovn-warden scan -o json /var/log/pods/kube-system_ovn-central-*/ovn-central/*.log`,
    )
    .action(async (files: readonly string[], options: Printing) => {
      const { scanCommand } = await import('./scan.ts');
      const stdout = (text: string): void => {
        io.stdout.write(text);
      };
      const stderr = (text: string): void => {
        io.stderr.write(text);
      };
      report(await scanCommand(files, options, { stdout, stderr }));
    });
}
