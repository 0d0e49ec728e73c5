import type { Config } from '../config/schema.ts';
import type { MemberEvidence, Observation } from '../diagnose/evidence.ts';
import { diagnose } from '../diagnose/diagnose.ts';
import type { Diagnosis } from '../diagnose/verdict.ts';
import type { Database } from '../ovsdb/database.ts';
import type { MemberWatch } from '../watch/member-watch.ts';
import type { Exchange } from './exchange.ts';

/** One database on this host: where it is, who watches it, and how all agents together see it. */
export interface Member {
  readonly database: Database;
  readonly file: string;
  readonly socket: string;
  readonly watch: MemberWatch;
}

export interface MemberView {
  readonly member: Member;
  readonly observation: Observation;
  readonly diagnosis: Diagnosis;
}

/** Judges one database from what is known now. */
export function viewOf(member: Member, exchange: Exchange, config: Config): MemberView {
  const observation = exchange.observe(
    member.database,
    member.watch.evidence(),
    member.watch.evidenceAgeMs(),
  );
  return {
    member,
    observation,
    diagnosis: diagnose(observation, { staleAfterMs: config.peer.staleAfterMs }),
  };
}

/** Hands the marks and proofs of the siblings to this member's watch. */
export async function learnFromSiblings(member: Member, exchange: Exchange): Promise<void> {
  const evidences: readonly MemberEvidence[] = exchange.fromSiblings(member.database);
  const marks = evidences.flatMap(({ standings }) => standings.map(({ mark }) => mark));
  await member.watch.learn(marks, evidences);
}
