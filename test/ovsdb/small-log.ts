import { encodeRecord } from '../engine/support/index.ts';

/** Small logs by hand, for what no real server would write. */
export const SELF = '11111111-1111-4111-8111-111111111111';
export const OTHER = '22222222-2222-4222-8222-222222222222';
export const CLUSTER = '33333333-3333-4333-8333-333333333333';
export const ADDRESS = 'tcp:127.0.0.1:6643';
const PREV_EID = '44444444-4444-4444-8444-444444444444';

export function eidOf(number: number): string {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
}

/** The first record: a snapshot at index 1 and term 1. */
export function header(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    server_id: SELF,
    name: 'OVN_Northbound',
    local_address: ADDRESS,
    cluster_id: CLUSTER,
    prev_servers: { [SELF]: ADDRESS },
    prev_index: 1,
    prev_term: 1,
    prev_eid: PREV_EID,
    prev_data: [{}, {}],
    ...changes,
  };
}

export function entry(index: number, term = 1, changes: Readonly<Record<string, unknown>> = {}): unknown {
  return { term, index, data: [null, { row: index }], eid: eidOf(index), ...changes };
}

export function commit(index: number): unknown {
  return { commit_index: index };
}

/** Entries `from` to `to`, each committed. */
export function entries(from: number, to: number, term = 1): unknown[] {
  return Array.from({ length: to - from + 1 }, (_, at) => [entry(from + at, term), commit(from + at)]).flat();
}

export function logOf(...records: readonly unknown[]): Buffer {
  return Buffer.concat(records.map(encodeRecord));
}
