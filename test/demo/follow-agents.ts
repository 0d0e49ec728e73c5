import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { RotEvidence } from '../../src/diagnose/evidence.ts';
import { type JournalEntry, parseJournal } from '../../src/heal/journal.ts';
import type { StatusDocument } from '../../src/heal/status-document.ts';
import { DATABASES, type Database } from '../../src/ovsdb/database.ts';
import type { AgentProcess } from '../support/agent-process.ts';
import { type AgentEvent, eventOfJournal, eventsOfEvidence, ownEvidence } from './agent-events.ts';
import type { Fault } from './damage-files.ts';
import type { Timeline } from './timeline.ts';

const POLL_MS = 250;

/** When the agents did what about one fault, in wall milliseconds. */
export interface Course {
  readonly fault: Fault;
  foundAtMs: number | null;
  preservedAtMs: number | null;
  preservedSha256: string | null;
  healedAtMs: number | null;
}

interface News extends AgentEvent {
  readonly host: string;
  readonly atWallMs: number;
}

/** Looks at what the agents say and write, tells it, and remembers the course of every fault. */
export class AgentFollower {
  readonly courses: Course[] = [];
  readonly #agents: readonly AgentProcess[];
  readonly #timeline: Timeline;
  readonly #last = new Map<string, StatusDocument>();
  readonly #journalLines = new Map<string, number>();
  readonly #lastRefusal = new Map<string, string>();
  #running: Promise<void> | undefined;
  #stopping = false;

  constructor(agents: readonly AgentProcess[], timeline: Timeline) {
    this.#agents = agents;
    this.#timeline = timeline;
  }

  expect(faults: readonly Fault[]): void {
    for (const fault of faults) {
      this.courses.push({
        fault,
        foundAtMs: null,
        preservedAtMs: null,
        preservedSha256: null,
        healedAtMs: null,
      });
    }
  }

  /** The newest word of an agent. */
  status(node: string): StatusDocument | undefined {
    return this.#last.get(node);
  }

  start(): void {
    this.#stopping = false;
    this.#running ??= this.#loop();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
    this.#running = undefined;
  }

  async #loop(): Promise<void> {
    while (!this.#stopping) {
      const news = await Promise.all(this.#agents.map((agent) => this.#look(agent)));
      for (const event of news.flat().sort((a, b) => a.atWallMs - b.atWallMs)) {
        this.#timeline.tell({ world: 'with agents', ...event });
      }
      await delay(POLL_MS);
    }
  }

  async #look(agent: AgentProcess): Promise<readonly News[]> {
    if (!agent.isRunning) return [];
    // An agent that is busy or was just killed does not answer; the waits of the demo are bounded.
    const status = await agent.status().catch(() => undefined);
    const seen = status === undefined ? [] : this.#takeStatus(status);
    const entries = await this.#newJournalEntries(agent);
    return [...seen, ...entries.flatMap((entry) => this.#takeEntry(entry))];
  }

  #takeStatus(status: StatusDocument): readonly News[] {
    const before = this.#last.get(status.node);
    this.#last.set(status.node, status);
    return DATABASES.flatMap((database) => {
      const evidence = ownEvidence(status, database);
      this.#noteRot(status.node, database, evidence?.rot ?? null);
      const old = before === undefined ? null : ownEvidence(before, database);
      return eventsOfEvidence(database, old, evidence).map((event) => ({
        ...event,
        host: status.node,
        atWallMs: Date.now(),
      }));
    });
  }

  #noteRot(node: string, database: Database, rot: RotEvidence | null): void {
    const course = this.#openCourse(node, database);
    if (course === undefined || rot === null) return;
    course.foundAtMs ??= Date.parse(rot.firstSeenAt);
    if (rot.preservedSha256 === null) return;
    course.preservedAtMs ??= Date.now();
    course.preservedSha256 ??= rot.preservedSha256;
  }

  #takeEntry(entry: JournalEntry): readonly News[] {
    const atWallMs = Date.parse(entry.at);
    const course = this.#openCourse(entry.node, entry.database);
    if (entry.outcome === 'healed' && course !== undefined) course.healedAtMs = atWallMs;
    const event = eventOfJournal(entry);
    if (event === null || this.#isToldAlready(entry)) return [];
    return [{ ...event, host: entry.node, atWallMs }];
  }

  /** An agent asks again and again until its siblings agree; the same refusal is worth one line. */
  #isToldAlready({ node, database, outcome, detail }: JournalEntry): boolean {
    const key = `${node}/${database}`;
    const refusal = outcome === 'refused' ? detail.replaceAll(/\d+/g, '') : '';
    const isOld = refusal !== '' && this.#lastRefusal.get(key) === refusal;
    if (outcome !== 'running') this.#lastRefusal.set(key, refusal);
    return isOld;
  }

  #openCourse(node: string, database: Database): Course | undefined {
    return this.courses.find(
      ({ fault, healedAtMs }) => fault.node === node && fault.database === database && healedAtMs === null,
    );
  }

  async #newJournalEntries(agent: AgentProcess): Promise<readonly JournalEntry[]> {
    const { entries } = await readJournal(agent);
    const known = this.#journalLines.get(agent.node) ?? 0;
    this.#journalLines.set(agent.node, entries.length);
    return entries.slice(known);
  }
}

/** The journal as it is on the disk. */
export async function readJournal(agent: AgentProcess): Promise<ReturnType<typeof parseJournal>> {
  const text = await readFile(join(agent.stateDir, 'journal.jsonl'), 'utf8').catch(() => '');
  // The last line may be in the middle of being written.
  return parseJournal(text.slice(0, text.lastIndexOf('\n') + 1));
}
