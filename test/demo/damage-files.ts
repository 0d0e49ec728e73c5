import type { Database } from '../../src/ovsdb/database.ts';
import { type Member, cutPage, flipRecord, listRecords, waitFor } from '../engine/support/index.ts';
import type { World } from './world.ts';

export interface Fault {
  readonly node: string;
  readonly database: Database;
  readonly what: string;
  /** Wall time just before it was made. */
  readonly atMs: number;
}

/** Each round damages one member of each database, on two hosts; after both rounds only the sound member is whole. */
export const ROUNDS: readonly Readonly<Record<Database, number>>[] = [
  { nb: 1, sb: 2 },
  { nb: 2, sb: 1 },
];

/**
 * Damages live files in place, under running servers: one bit flipped in the middle of the NB file of one member, one
 * page cut out of the SB file of another.
 */
export async function damageFiles(world: World, round: Readonly<Record<Database, number>>): Promise<Fault[]> {
  const nb = world.clusters.nb.member(round.nb);
  const sb = world.clusters.sb.member(round.sb);
  const atMs = Date.now();
  const flipped = await whileWhole(nb, () => flipRecord(nb.paths.file));
  const cutAt = await whileWhole(sb, () => cutFromTheMiddle(sb.paths.file));
  return [
    {
      node: nb.node,
      database: 'nb',
      what: `one bit flipped in record ${String(flipped.number)} of the live file`,
      atMs,
    },
    {
      node: sb.node,
      database: 'sb',
      what: `4096 bytes cut out of the live file at byte ${String(cutAt)}`,
      atMs,
    },
  ];
}

function cutFromTheMiddle(file: string): number {
  const records = listRecords(file);
  const middle = records[Math.floor(records.length / 2)];
  const snapshot = records[0];
  if (middle === undefined || snapshot === undefined) throw new Error(`${file} is empty`);
  const offset = middle.bodyOffset - (middle.bodyOffset % 4096);
  if (offset < snapshot.bodyOffset + snapshot.bodyBytes) throw new Error(`${file} is too short yet`);
  cutPage(file, offset);
  return offset;
}

/** A server may be in the middle of a write when its file is read; the next look sees it whole. */
async function whileWhole<T>(member: Member, damage: () => T): Promise<T> {
  return await waitFor(`the ${member.database} file of ${member.node} to have a middle`, damage);
}
