import type { MemberVerdict } from '../diagnose/verdict.ts';
import type { BackupDocument, HealDocument, StatusDocument } from '../heal/status-document.ts';
import { ageOf, humanAge } from '../lib/human-time.ts';
import { commitIndexOf } from '../ovsdb/cluster-status.ts';
import { fetchStatus } from './agent-client.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { type CliIo, type OutputFormat, printJson } from './io.ts';
import { type AgentOptions, findAgentSocket } from './options.ts';
import { paint } from './render/paint.ts';
import { printable } from './render/printable.ts';
import { renderTable } from './render/table.ts';

type DatabaseStatus = StatusDocument['databases'][number];

const HEADER = ['DATABASE', 'NODE', 'ROLE', 'VERDICT', 'TERM', 'COMMIT', 'FILE', 'SEEN', 'BECAUSE'];
const SHOWN_HEALS = 5;
const NOT_KNOWN = '-';

/** `ovn-warden status`: all members of both databases, as the local agent sees them. */
export async function statusCommand(
  options: AgentOptions & { readonly output: OutputFormat },
  io: CliIo,
): Promise<ExitCode> {
  const status = await fetchStatus(await findAgentSocket(options));
  if (options.output === 'json') printJson(io, status);
  else io.stdout.write(renderStatus(status, io));
  return status.databases.every(({ diagnosis }) => diagnosis.cluster === 'ok') ? EXIT.ok : EXIT.found;
}

function renderStatus(status: StatusDocument, io: CliIo): string {
  const nowMs = Date.parse(status.at);
  return [
    agentLine(status),
    ...status.databases.map((database) => clusterLine(database, io)),
    '',
    renderTable(HEADER, status.databases.flatMap(memberRows)).trimEnd(),
    '',
    ...healLines(status.heals, nowMs),
    ...status.backups.map((backup) => backupLine(backup, nowMs)),
    '',
  ].join('\n');
}

function agentLine({ node, version, mode, armed }: StatusDocument): string {
  const state = armed.armed ? 'armed' : 'not armed';
  return printable(`agent ${node}, version ${version}, mode ${mode}, ${state}: ${armed.because}`);
}

/** One line about the cluster of one database, the verdict coloured. */
export function clusterLine({ diagnosis }: DatabaseStatus, io: CliIo): string {
  const { database, cluster, because, frozen } = diagnosis;
  const mood =
    cluster === 'ok' ? 'good' : cluster === 'degraded' || cluster === 'unknown' ? 'passing' : 'bad';
  const note = frozen ? ' (frozen: nothing is compacted or pruned)' : '';
  return `${database} ${paint(cluster, mood, io)}: ${printable(because)}${note}`;
}

function memberRows(status: DatabaseStatus): string[][] {
  return status.diagnosis.members.map((member) => memberRow(status, member));
}

function memberRow({ diagnosis, members }: DatabaseStatus, member: MemberVerdict): string[] {
  const view = members.find(({ node }) => node === member.node);
  const server = view?.evidence?.server.state === 'up' ? view.evidence.server.status : null;
  const report = view?.evidence?.file?.report;
  const file = report?.ok === true ? 'sound' : (report?.problems[0]?.kind ?? NOT_KNOWN);
  return [
    diagnosis.database,
    printable(member.node),
    server?.role ?? NOT_KNOWN,
    member.verdict,
    server === null ? NOT_KNOWN : String(server.term),
    server === null ? NOT_KNOWN : String(commitIndexOf(server)),
    file,
    humanAge(view?.ageMs ?? null),
    printable(member.because),
  ];
}

function healLines(heals: readonly HealDocument[], nowMs: number): string[] {
  if (heals.length === 0) return ['heals: none'];
  return heals
    .slice(-SHOWN_HEALS)
    .reverse()
    .map(({ database, node, remedy, outcome, detail, startedAt }) => {
      const when = humanAge(ageOf(startedAt, nowMs));
      return printable(`heal: ${when}, ${remedy} of ${database} on ${node}: ${outcome}, ${detail}`);
    });
}

function backupLine({ database, newestVerifiedAt, items }: BackupDocument, nowMs: number): string {
  return `backups of ${database}: newest verified ${humanAge(ageOf(newestVerifiedAt, nowMs))}, ${String(items)} kept`;
}
