import type { MemberEvidence } from '../diagnose/evidence.ts';
import type { MemberVerdict } from '../diagnose/verdict.ts';
import type { StatusDocument } from '../heal/status-document.ts';
import { ageOf, humanAge } from '../lib/human-time.ts';
import { commitIndexOf } from '../ovsdb/cluster-status.ts';
import { type Markup, html } from './html.ts';

type DatabaseStatus = StatusDocument['databases'][number];

const REFRESH_SECONDS = 5;
const SHOWN_HEALS = 10;

/** Verdicts that need nobody, and those that pass by themselves. All others are shown as trouble. */
const CALM: readonly string[] = ['healthy', 'ok'];
const PASSING: readonly string[] = ['joining', 'catching-up', 'torn', 'unknown', 'degraded'];

const STYLE = `
  body { font: 15px/1.5 system-ui, sans-serif; margin: 2em; color: #1b1f24; background: #fff; }
  table { border-collapse: collapse; margin: .5em 0 2em; }
  th, td { text-align: left; padding: .3em .9em .3em 0; border-bottom: 1px solid #d8dee4; vertical-align: top; }
  .verdict { padding: .1em .5em; border-radius: .3em; white-space: nowrap; }
  .good { background: #dafbe1; color: #0f5323; }
  .passing { background: #fff3c4; color: #633c01; }
  .bad { background: #ffd8d3; color: #82061e; }
`;

/** The page for people who would rather look than read JSON. It needs no script and loads nothing. */
export function renderStatusPage(status: StatusDocument): string {
  const nowMs = Date.parse(status.at);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="${REFRESH_SECONDS}">
<title>ovn-warden ${status.node}</title>
<style>${{ markup: STYLE }}</style>
</head>
<body>
<h1>ovn-warden on ${status.node}</h1>
<p>Version ${status.version}, mode ${status.mode}, ${status.armed.armed ? 'armed' : 'not armed'}: ${status.armed.because}.
As of ${status.at}.</p>
${status.databases.map(databaseSection)}
<h2>Heals</h2>
${healTable(status, nowMs)}
<h2>Backups</h2>
${backupTable(status, nowMs)}
<p><a href="/api/v1/status">The same for programs</a>, <a href="/metrics">metrics</a></p>
</body>
</html>
`;
  return page.markup;
}

function databaseSection(database: DatabaseStatus): Markup {
  const { diagnosis } = database;
  const frozen = diagnosis.frozen ? ' Frozen: nothing is compacted or pruned.' : '';
  return html`<h2>${diagnosis.database} ${badge(diagnosis.cluster)}</h2>
<p>${diagnosis.because}${frozen}</p>
<table>
<tr><th>Node</th><th>Role</th><th>Verdict</th><th>Term</th><th>Commit index</th><th>File</th><th>Seen</th><th>Because</th></tr>
${diagnosis.members.map((member) => memberRow(member, database))}
</table>`;
}

function memberRow(member: MemberVerdict, database: DatabaseStatus): Markup {
  const view = database.members.find(({ node }) => node === member.node);
  const evidence = view?.evidence ?? null;
  const server = evidence?.server.state === 'up' ? evidence.server.status : null;
  return html`<tr><td>${member.node}</td><td>${server?.role ?? '–'}</td><td>${badge(member.verdict)}</td>
<td>${server?.term ?? '–'}</td><td>${server === null ? '–' : commitIndexOf(server)}</td><td>${fileText(evidence)}</td>
<td>${humanAge(view?.ageMs ?? null)}</td><td>${member.because}</td></tr>`;
}

function fileText(evidence: MemberEvidence | null): string {
  if (evidence?.file === null || evidence?.file === undefined) return '–';
  const { report } = evidence.file;
  return report.ok ? 'sound' : (report.problems[0]?.kind ?? 'not sound');
}

function healTable(status: StatusDocument, nowMs: number): Markup {
  if (status.heals.length === 0) return html`<p>None.</p>`;
  const rows = status.heals
    .slice(-SHOWN_HEALS)
    .reverse()
    .map(
      (
        heal,
      ) => html`<tr><td>${humanAge(ageOf(heal.startedAt, nowMs))}</td><td>${heal.database}</td><td>${heal.node}</td>
<td>${heal.remedy}</td><td>${heal.outcome}</td><td>${heal.detail}</td></tr>`,
    );
  return html`<table>
<tr><th>Started</th><th>Database</th><th>Node</th><th>Remedy</th><th>Outcome</th><th>Detail</th></tr>
${rows}
</table>`;
}

function backupTable(status: StatusDocument, nowMs: number): Markup {
  const rows = status.backups.map(
    ({ database, newestVerifiedAt, items }) =>
      html`<tr><td>${database}</td><td>${humanAge(ageOf(newestVerifiedAt, nowMs))}</td><td>${items}</td></tr>`,
  );
  return html`<table>
<tr><th>Database</th><th>Newest verified</th><th>Kept</th></tr>
${rows}
</table>`;
}

function badge(verdict: string): Markup {
  const kind = CALM.includes(verdict) ? 'good' : PASSING.includes(verdict) ? 'passing' : 'bad';
  return html`<span class="verdict ${kind}">${verdict}</span>`;
}
