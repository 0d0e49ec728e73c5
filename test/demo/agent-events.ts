import type { MemberEvidence } from '../../src/diagnose/evidence.ts';
import type { JournalEntry } from '../../src/heal/journal.ts';
import type { StatusDocument } from '../../src/heal/status-document.ts';
import type { Database } from '../../src/ovsdb/database.ts';
import type { Tone } from './timeline.ts';

/** Something that an agent saw or did, in words. */
export interface AgentEvent {
  readonly text: string;
  readonly tone: Tone;
}

/** The agent's evidence about its own member. */
export function ownEvidence(status: StatusDocument, database: Database): MemberEvidence | null {
  const view = status.databases.find(({ diagnosis }) => diagnosis.database === database);
  return view?.members.find(({ node }) => node === status.node)?.evidence ?? null;
}

/** What is new in the evidence about a damaged file. Pure. */
export function eventsOfEvidence(
  database: Database,
  before: MemberEvidence | null,
  after: MemberEvidence | null,
): readonly AgentEvent[] {
  const rot = after?.rot ?? null;
  if (rot === null) return [];
  const old = before?.rot?.firstSeenAt === rot.firstSeenAt ? before.rot : null;
  const name = database.toUpperCase();
  const events: AgentEvent[] = [];
  if (old === null) {
    events.push({ text: `agent finds the ${name} file damaged: ${describeProblem(after)}`, tone: 'damage' });
  }
  if (rot.preservedSha256 !== null && (old?.preservedSha256 ?? null) === null) {
    const copy = `sha256 ${rot.preservedSha256.slice(0, 12)}…`;
    events.push({ text: `agent has put a copy of the ${name} file aside (${copy})`, tone: 'plain' });
  }
  if (rot.checkCluster === 'bad' && old?.checkCluster !== 'bad') {
    events.push({ text: `ovsdb-tool check-cluster calls that copy of ${name} bad, too`, tone: 'plain' });
  }
  if (rot.reads >= 2 && (old?.reads ?? 0) < 2) {
    const seconds = (rot.spanMs / 1_000).toFixed(1);
    const text = `a second read of all of ${name}, ${seconds} s later, finds the same`;
    events.push({ text, tone: 'plain' });
  }
  return events;
}

/** A line of the journal in words; null for steps that say nothing to a spectator. Pure. */
export function eventOfJournal(entry: JournalEntry): AgentEvent | null {
  const name = entry.database.toUpperCase();
  switch (entry.step) {
    case 'turn-held':
      return { text: `siblings keep still for ${name}: ${entry.detail}`, tone: 'plain' };
    case 'compacting':
      return { text: `agent asks the ${name} server to compact: all guards pass`, tone: 'plain' };
    case 'closed':
      return closing(entry, name);
    case 'planned':
    case 'confirmed':
    case 'compacted':
    case 'verified':
      return null;
  }
}

function closing({ outcome, detail }: JournalEntry, name: string): AgentEvent {
  if (outcome === 'healed') return { text: `${name} healed: ${detail}`, tone: 'good' };
  const tone = outcome === 'refused' ? 'quiet' : 'bad';
  const wait = outcome === 'refused' ? 'not now' : outcome;
  return { text: `heal of ${name}: ${wait}: ${detail}`, tone };
}

function describeProblem(evidence: MemberEvidence | null): string {
  const problem = evidence?.file?.report.problems[0];
  if (problem === undefined) return 'seen in a full read';
  const where = problem.offset === null ? '' : ` at byte ${String(problem.offset)}`;
  return `${problem.kind}${where}`;
}
