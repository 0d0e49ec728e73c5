import type { Command } from 'commander';
import type { Config } from '../config/schema.ts';
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
import { type AgentOptions, DEFAULT_CONFIG_PATH } from './options.ts';

/** Runs the agent until it is told to stop. */
export type RunAgent = (config: Config) => Promise<void>;

export function addAgent(program: Command, runAgent: RunAgent): void {
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

export function addStatus(program: Command, io: CliIo, report: Report): void {
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

export function addExplain(program: Command, io: CliIo, report: Report): void {
  program
    .command('explain')
    .description('Print why each verdict, what would be done, and each guard with what would make it pass.')
    .addArgument(databaseArgument())
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
