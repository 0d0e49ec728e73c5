import { rm, stat } from 'node:fs/promises';
import type { Copies } from '../backup/copies.ts';
import { checkObject, extractObject, stagingPath } from '../backup/object-store.ts';
import { preserve } from '../backup/preserve.ts';
import { type TakeResult, takeBackup } from '../backup/take.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../lib/clock.ts';
import { WardenError } from '../lib/errors.ts';
import { wardenVersion } from '../lib/version.ts';
import type { Database } from '../ovsdb/database.ts';
import { type OvsdbTool, isOlderThan } from '../ovsdb/ovsdb-tool.ts';
import { verifyFile } from '../ovsdb/verify-file.ts';

/** A copy takes as long as its bytes: a slow disk writes this many in a second, and there is always a minute. */
const SLOW_BYTES_PER_MS = 5_000;
const LEAST_DEADLINE_MS = 60_000;

/** Copies of the databases of this host: backups on a schedule, and preserved files before anything is done to them. */
export class CopyKeeper {
  readonly #copies: Copies;
  readonly #config: Config;
  readonly #tool: OvsdbTool;
  readonly #clock: Clock;

  constructor(options: { copies: Copies; config: Config; tool: OvsdbTool; clock: Clock }) {
    this.#copies = options.copies;
    this.#config = options.config;
    this.#tool = options.tool;
    this.#clock = options.clock;
  }

  async backup(database: Database, reason: string, signal?: AbortSignal): Promise<TakeResult> {
    return await takeBackup(this.#copies, {
      ...(await this.#common(database, reason)),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** The SHA-256 of the preserved database file. */
  async preserve(database: Database, reason: string, serverRunning: boolean): Promise<string> {
    const { dbSha256 } = await preserve(this.#copies, {
      ...(await this.#common(database, reason)),
      serverRunning,
    });
    if (dbSha256 === null)
      throw new WardenError('file-unreadable', `there is no ${database} file to preserve`);
    return dbSha256;
  }

  /** Does the stored copy still read back as what it was? */
  async isSafe(sha256: string): Promise<boolean> {
    return (await checkObject(this.#copies.layout, sha256)) === 'sound';
  }

  /** The word of `ovsdb-tool check-cluster` on a stored copy; a tool older than the server has no word. */
  async checkCluster(sha256: string, serverVersion: string): Promise<'bad' | 'clean' | 'tool-too-old'> {
    if (isOlderThan(await this.#tool.version(), serverVersion)) return 'tool-too-old';
    const path = stagingPath(this.#copies.layout);
    try {
      await extractObject(this.#copies.layout, sha256, path);
      return (await this.#tool.checkCluster(path)).ok ? 'clean' : 'bad';
    } finally {
      await rm(path, { force: true });
    }
  }

  async #common(database: Database, reason: string) {
    const file = this.#config.databases[database]?.file;
    if (file === undefined) throw new WardenError('usage', `wanted a database of this host, got ${database}`);
    const { size } = await stat(file).catch(() => ({ size: 0 }));
    return {
      database,
      node: this.#config.node,
      file,
      reason,
      verify: async (path: string, signal?: AbortSignal) =>
        await verifyFile(path, signal === undefined ? {} : { signal }),
      tools: { 'ovn-warden': wardenVersion() },
      minFreeBytes: this.#config.backup.minFreeBytes,
      clock: this.#clock,
      deadlineMs: LEAST_DEADLINE_MS + Math.ceil(size / SLOW_BYTES_PER_MS),
    };
  }
}
