import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../../../src/ovsdb/database.ts';
import type { Cluster } from './cluster.ts';
import type { Member } from './member.ts';
import { OvsdbClient } from './ovsdb-client.ts';

/** Root tables whose rows need no reference to anything else, so that the server keeps them. */
const TABLES: Readonly<Record<Database, string>> = { nb: 'Logical_Switch', sb: 'Chassis_Private' };

export interface LedgerOptions {
  /** First part of every row's name; must differ between writers of one cluster. */
  readonly prefix?: string;
  /** At most this many rows a second while started. Default 50. */
  readonly rowsPerSecond?: number;
  /** Ends by itself after so many rows. Default 10000. */
  readonly maxRows?: number;
  /** Bytes of filling in each row's `external_ids`. Default 0. */
  readonly paddingBytes?: number;
  /** Where each acknowledged row is appended as one JSON line. */
  readonly file?: string;
}

/**
 * Writes rows one at a time and remembers which of them the cluster has acknowledged: a promise that a heal must keep.
 * Each name is sent once. A row whose answer got lost is `unsure`: it may be there or not.
 */
export class LedgerWriter {
  /** Row name to row uuid, for every acknowledged row. */
  readonly acknowledged = new Map<string, string>();
  readonly unsure = new Set<string>();
  /** From sending a row to its acknowledgement. */
  readonly latenciesMs: number[] = [];
  readonly #cluster: Cluster;
  readonly #options: Required<Omit<LedgerOptions, 'file'>> & { readonly file: string | undefined };
  #client: OvsdbClient | undefined;
  #written = 0;
  #running: Promise<void> | undefined;
  #stopping = false;

  constructor(cluster: Cluster, options: LedgerOptions = {}) {
    this.#cluster = cluster;
    this.#options = {
      prefix: 'row',
      rowsPerSecond: 50,
      maxRows: 10_000,
      paddingBytes: 0,
      file: undefined,
      ...options,
    };
  }

  /** Writes until `count` more rows are acknowledged. @throws Error when that takes longer than `timeoutMs`. */
  async write(count: number, timeoutMs = 30_000): Promise<void> {
    const wanted = this.acknowledged.size + count;
    const deadline = performance.now() + timeoutMs;
    while (this.acknowledged.size < wanted) {
      if (performance.now() > deadline) throw new Error(`${String(count)} rows took too long`);
      await this.#writeOne();
    }
  }

  /** Writes in the background, through elections and restarts, until `stop`. */
  start(): void {
    this.#stopping = false;
    this.#running ??= this.#loop();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
    this.#running = undefined;
    this.#client?.close();
    this.#client = undefined;
  }

  /** Names of acknowledged rows that `member` does not have, or has under another uuid. */
  async missing(member: Member): Promise<string[]> {
    const rows = await readRows(member);
    return [...this.acknowledged].filter(([name, uuid]) => rows.get(name) !== uuid).map(([name]) => name);
  }

  async #loop(): Promise<void> {
    const { maxRows, rowsPerSecond } = this.#options;
    while (!this.#stopping && this.#written < maxRows) {
      const before = performance.now();
      await this.#writeOne();
      await delay(Math.max(0, 1000 / rowsPerSecond - (performance.now() - before)));
    }
  }

  async #writeOne(): Promise<void> {
    const client = await this.#connect();
    if (client === undefined) {
      await delay(50);
      return;
    }
    const name = `${this.#options.prefix}-${String(this.#written)}`;
    this.#written += 1;
    const before = performance.now();
    try {
      const uuid = await insertRow(client, this.#cluster, name, this.#options.paddingBytes);
      this.#remember(name, uuid, performance.now() - before);
    } catch {
      this.unsure.add(name);
      this.#client?.close();
      this.#client = undefined;
    }
  }

  #remember(name: string, uuid: string, latencyMs: number): void {
    this.acknowledged.set(name, uuid);
    this.latenciesMs.push(latencyMs);
    if (this.#options.file === undefined) return;
    appendFileSync(this.#options.file, `${JSON.stringify({ name, uuid })}\n`);
  }

  /** To the leader when there is one, else to nobody: a row sent to a lone member would only hang. */
  async #connect(): Promise<OvsdbClient | undefined> {
    if (this.#client !== undefined) return this.#client;
    const leader = await this.#cluster.leader();
    if (leader === undefined) return undefined;
    try {
      this.#client = await OvsdbClient.connect(leader.paths.remote);
    } catch {
      return undefined; // it died since it was asked; the next round asks again
    }
    return this.#client;
  }
}

/** Name to uuid of all rows in the writer's table, as this one member has them. */
export async function readRows(member: Member): Promise<Map<string, string>> {
  const client = await OvsdbClient.connect(member.paths.remote);
  try {
    const [result] = await client.transact(member.schemaName, {
      op: 'select',
      table: TABLES[member.database],
      where: [],
      columns: ['name', '_uuid'],
    });
    const rows = result?.['rows'] as { name: string; _uuid: ['uuid', string] }[];
    return new Map(rows.map((row) => [row.name, row._uuid[1]]));
  } finally {
    client.close();
  }
}

async function insertRow(
  client: OvsdbClient,
  cluster: Cluster,
  name: string,
  paddingBytes: number,
): Promise<string> {
  const padding = ['map', paddingBytes === 0 ? [] : [['padding', 'x'.repeat(paddingBytes)]]];
  const [result] = await client.transact(cluster.schemaName, {
    op: 'insert',
    table: TABLES[cluster.database],
    row: { name, external_ids: padding },
  });
  const [, uuid] = result?.['uuid'] as ['uuid', string];
  return uuid;
}
