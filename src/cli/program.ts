import { Argument, Command, CommanderError, Option } from 'commander';
import type { Config } from '../config/schema.ts';
import { WardenError, messageOf } from '../lib/errors.ts';
import { wardenVersion } from '../lib/version.ts';
import { DATABASES, type Database } from '../ovsdb/database.ts';
import { EXIT, type ExitCode, exitCodeOf } from './exit-codes.ts';
import type { CliIo, OutputFormat } from './io.ts';
import { type AgentOptions, DEFAULT_CONFIG_PATH } from './options.ts';

interface Printing {
  readonly output: OutputFormat;
}
/** Runs the agent until it is told to stop. */
export type RunAgent = (config: Config) => Promise<void>;

type Report = (exitCode: ExitCode) => void;

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
  return program;
}

function addAgent(program: Command, runAgent: RunAgent): void {
  program
    .command('agent')
    .description('Run the agent of this host until SIGTERM or SIGINT.')
    .addOption(configOption())
    .addHelpText(
      'after',
      `
Example:
  ovn-warden agent --config ${DEFAULT_CONFIG_PATH}

The keys of the file are described in docs/reference/configuration.md.`,
    )
    .action(async ({ config: path }: { config: string }) => {
      const { loadConfig } = await import('../config/load.ts');
      await runAgent(await loadConfig(path));
    });
}

function addStatus(program: Command, io: CliIo, report: Report): void {
  program
    .command('status')
    .description('Print one table of all members of both databases, as the local agent sees them.')
    .addOption(outputOption())
    .addOption(configOption())
    .addOption(socketOption())
    .addHelpText(
      'after',
      `
Exits with 3 when the verdict about a cluster is not "ok".

Examples:
  ovn-warden status
  ovn-warden status -o json | jq -r '.databases[].diagnosis.cluster'
  ovn-warden status --socket /var/lib/ovn-warden/agent.sock`,
    )
    .action(async (options: AgentOptions & Printing) => {
      const { statusCommand } = await import('./status.ts');
      report(await statusCommand(options, io));
    });
}

function addExplain(program: Command, io: CliIo, report: Report): void {
  program
    .command('explain')
    .description('Print why each verdict, what would be done, and each guard with what would make it pass.')
    .addArgument(new Argument('[database]', 'one database; both when left out').choices([...DATABASES]))
    .addOption(outputOption())
    .addOption(configOption())
    .addOption(socketOption())
    .addHelpText(
      'after',
      `
Exits with 4 when a remedy is wanted and a guard refuses it.

Examples:
  ovn-warden explain
  ovn-warden explain sb -o json | jq '.databases[].plan.guards[] | select(.ok | not)'`,
    )
    .action(async (database: Database | undefined, options: AgentOptions & Printing) => {
      const { explainCommand } = await import('./explain.ts');
      report(await explainCommand(database, options, io));
    });
}

function configOption(): Option {
  return new Option('--config <path>', 'configuration file')
    .env('OVN_WARDEN_CONFIG')
    .default(DEFAULT_CONFIG_PATH);
}

function socketOption(): Option {
  return new Option(
    '--socket <path>',
    'socket of the local agent (default: agent.sock in the stateDir of the configuration)',
  );
}

function outputOption(): Option {
  return new Option('-o, --output <format>', 'how to print').choices(['table', 'json']).default('table');
}
