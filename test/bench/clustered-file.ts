import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { schemaFile } from '../engine/support/index.ts';

/** `log`: a snapshot without rows, then one entry and one commit a row. `compacted`: everything in the first record. */
export type FileShape = 'log' | 'compacted';

const OWN_ID = '3c7f1f9a-54d5-4cbb-8f0a-0d8b6a1f5f01';
const CLUSTER_ID = '8a0c6f0e-4c5b-44b7-9d0c-5a3b1d2e6f70';
const ADDRESS = 'tcp:127.0.0.1:6643';
const LABEL = 'a logical switch as a network plug-in writes it, with "quotes" and a \\ backslash; ';

/**
 * Writes a clustered NB file of about `wantedBytes`, byte for byte as a server does: 570 bytes of row, about 1130 bytes
 * for an entry with its commit record. `ovsdb-tool check-cluster` finds nothing wrong with it.
 * @returns the index of the last entry.
 */
export async function writeClusteredFile(
  path: string,
  shape: FileShape,
  wantedBytes: number,
): Promise<number> {
  const file = createWriteStream(path);
  let written = 0;
  const write = async (body: unknown): Promise<void> => {
    const bytes = encode(body);
    written += bytes.length;
    if (!file.write(bytes)) await once(file, 'drain');
  };
  await write(header(shape === 'compacted' ? rowsOf(wantedBytes) : {}));
  await write({ term: 2, vote: OWN_ID });
  await write({ term: 2, leader: OWN_ID });
  let index = 1;
  while (written < wantedBytes) {
    index += 1;
    await write(entry(index));
    await write({ commit_index: index });
  }
  file.end();
  await once(file, 'finish');
  return index;
}

/** One more entry with its commit record, to be appended to a file that ends at `index - 1`. */
export function nextRecords(index: number): Buffer {
  return Buffer.concat([encode(entry(index)), encode({ commit_index: index })]);
}

function header(rows: Record<string, unknown>): unknown {
  const schema: unknown = JSON.parse(readFileSync(schemaFile('nb'), 'utf8'));
  return {
    ...{ server_id: OWN_ID, cluster_id: CLUSTER_ID, name: 'OVN_Northbound', local_address: ADDRESS },
    ...{ prev_servers: { [OWN_ID]: ADDRESS }, prev_index: 1, prev_term: 1, prev_eid: randomUUID() },
    prev_data: [schema, { Logical_Switch: rows, _date: 1_700_000_000_000 }],
  };
}

function rowsOf(wantedBytes: number): Record<string, unknown> {
  const rows: Record<string, unknown> = {};
  let written = 0;
  for (let number = 0; written < wantedBytes; number += 1) {
    const content = row(number);
    written += JSON.stringify(content).length + 40;
    rows[randomUUID()] = content;
  }
  return rows;
}

function entry(index: number): unknown {
  const rows = { [randomUUID()]: row(index) };
  const data = { Logical_Switch: rows, _date: 1_700_000_000_000 + index, _comment: LABEL, _is_diff: true };
  return { eid: randomUUID(), data: [null, data], term: 2, index };
}

function row(number: number): unknown {
  const pairs = ['vendor', 'subnet', 'owner', 'zone'].map((key) => [key, `${LABEL}${key} ${String(number)}`]);
  const ports = Array.from({ length: 4 }, () => ['uuid', randomUUID()]);
  return { name: `switch-${String(number)}`, external_ids: ['map', pairs], ports: ['set', ports] };
}

function encode(body: unknown): Buffer {
  const json = Buffer.from(`${JSON.stringify(body)}\n`);
  const sha1 = createHash('sha1').update(json).digest('hex');
  return Buffer.concat([Buffer.from(`OVSDB CLUSTER ${String(json.length)} ${sha1}\n`), json]);
}
