import { Command, CommanderError } from 'commander';
import { WardenError, messageOf } from '../lib/errors.ts';
import { wardenVersion } from '../lib/version.ts';
import { type RunAgent, addAgent, addExplain, addStatus } from './agent-commands.ts';
import { addBackup } from './backup-commands.ts';
import type { Report } from './command-options.ts';
import { EXIT, type ExitCode, exitCodeOf } from './exit-codes.ts';
import { addFileCommands } from './file-commands.ts';
import type { CliIo } from './io.ts';

const EXIT_CODES_HELP = `
Exit codes:
  0  fine
  1  error
  2  the command line was not understood
  3  something bad was found: a corrupt file, a finding in a log, an unhealthy cluster
  4  refused by a guard`;

/**
 * Runs one command line (without the program's name) to its end and returns the exit code. A command's own module is
 * loaded when it is called, so that the others cost nothing.
 */
export async function runCli(args: readonly string[], io: CliIo, runAgent: RunAgent): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const report = (code: ExitCode): void => {
    exitCode = code;
  };
  const program = buildProgram(io, report, runAgent);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    printError(error, io);
    return exitCodeOf(error);
  }
}

/** `ovn-warden: <message>` and what to do next; never a stack. */
function printError(error: unknown, io: CliIo): void {
  io.stderr.write(`ovn-warden: ${messageOf(error)}\n`);
  const hint = error instanceof WardenError ? error.hint : undefined;
  if (hint !== undefined) io.stderr.write(`hint: ${hint}\n`);
}

function buildProgram(io: CliIo, report: Report, runAgent: RunAgent): Command {
  const program = new Command('ovn-warden')
    .description('Watches, verifies, backs up and heals the OVSDB raft databases of OVN.')
    .version(wardenVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .exitOverride()
    .showHelpAfterError('(--help shows what is possible)')
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: (text, write) => {
        write(text.replace(/^error: /, 'ovn-warden: '));
      },
    })
    .addHelpText(
      'after',
      `
Examples:
  ovn-warden status                           how all members of both databases are
  ovn-warden explain nb                       why, and what stands in the way of a heal
  ovn-warden verify /etc/ovn/ovnnb_db.db      is this file sound? needs no agent
  ovn-warden scan /var/log/ovn/*.log          known trouble in logs; needs no agent
${EXIT_CODES_HELP}`,
    );
  addAgent(program, runAgent);
  addStatus(program, io, report);
  addExplain(program, io, report);
  addFileCommands(program, io, report);
  addBackup(program, io, report);
  return program;
}
