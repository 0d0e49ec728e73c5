import type { Guard } from '../heal/guard.ts';
import type { PlanDocument, StatusDocument } from '../heal/status-document.ts';
import { WardenError } from '../lib/errors.ts';
import { humanAge } from '../lib/human-time.ts';
import type { Database } from '../ovsdb/database.ts';
import { fetchStatus } from './agent-client.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { type CliIo, type OutputFormat, printJson } from './io.ts';
import { type AgentOptions, findAgentSocket } from './options.ts';
import { printable } from './render/printable.ts';
import { renderTable } from './render/table.ts';
import { clusterLine } from './status.ts';

type DatabaseStatus = StatusDocument['databases'][number];

/** `ovn-warden explain`: why each verdict, what would be done about it, and what stands in the way. */
export async function explainCommand(
  database: Database | undefined,
  options: AgentOptions & { readonly output: OutputFormat },
  io: CliIo,
): Promise<ExitCode> {
  const status = await fetchStatus(await findAgentSocket(options));
  const chosen = choose(status, database);
  if (options.output === 'json') printJson(io, explanation(status, chosen));
  else io.stdout.write(chosen.map((entry) => renderDatabase(entry, io)).join('\n'));
  return chosen.some(({ plan }) => isHeldBack(plan)) ? EXIT.refused : EXIT.ok;
}

function choose(status: StatusDocument, database: Database | undefined): readonly DatabaseStatus[] {
  if (database === undefined) return status.databases;
  const chosen = status.databases.filter(({ diagnosis }) => diagnosis.database === database);
  if (chosen.length > 0) return chosen;
  throw new WardenError('usage', `the agent on ${status.node} does not watch ${database}`);
}

function explanation({ node, at, mode, armed }: StatusDocument, chosen: readonly DatabaseStatus[]) {
  return { node, at, mode, armed, databases: chosen.map(({ diagnosis, plan }) => ({ diagnosis, plan })) };
}

/** A remedy is wanted and at least one guard says no. */
function isHeldBack(plan: PlanDocument | null): boolean {
  return plan !== null && plan.remedy !== 'none' && plan.guards.some((guard) => !guard.ok);
}

function renderDatabase(entry: DatabaseStatus, io: CliIo): string {
  const { diagnosis, plan } = entry;
  const { leader } = diagnosis;
  const leaderText =
    leader === null
      ? 'no leader is confirmed'
      : `leader ${leader.node}, server ${leader.serverId.slice(0, 4)}, term ${String(leader.term)}`;
  const members = diagnosis.members.map(({ node, verdict, because }) =>
    [node, verdict, because].map(printable),
  );
  return [
    clusterLine(entry, io),
    printable(leaderText),
    '',
    renderTable(['NODE', 'VERDICT', 'BECAUSE'], members).trimEnd(),
    '',
    ...planLines(plan),
    '',
  ].join('\n');
}

function planLines(plan: PlanDocument | null): string[] {
  if (plan === null) return ['plan: none yet; this agent has not judged its own member'];
  const { node, remedy, because, guards } = plan;
  const lines = [printable(`plan for ${node}: ${remedy === 'none' ? 'do nothing' : remedy}: ${because}`)];
  if (guards.length === 0) return lines;
  const refusing = guards.filter((guard) => !guard.ok).length;
  const count = String(guards.length);
  lines.push(
    refusing === 0 ? `all ${count} guards pass` : `${String(refusing)} of ${count} guards refuse`,
    '',
  );
  const header = ['GUARD', 'PASSES', 'VALUE', 'WANTED', 'SEEN', 'TO PASS'];
  return [...lines, renderTable(header, guards.map(guardRow)).trimEnd()];
}

function guardRow({ id, ok, value, threshold, ageMs, toPass }: Guard): string[] {
  const seen = ageMs === null ? '-' : humanAge(ageMs);
  return [id, ok ? 'yes' : 'NO', printable(value), printable(threshold), seen, ok ? '-' : printable(toPass)];
}
