import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { type Copies, openCopies } from '../../src/backup/copies.ts';
import { checkObject, extractObject, listObjects } from '../../src/backup/object-store.ts';
import type { PreserveRequest } from '../../src/backup/preserve.ts';
import type { TakeRequest } from '../../src/backup/take.ts';
import type { VerifyCopy } from '../../src/backup/verify-copy.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemCodeOf } from '../../src/lib/errors.ts';
import { verifyFile } from '../../src/ovsdb/verify-file.ts';
import { schemaFile } from '../engine/support/index.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const run = promisify(execFile);

export const verify: VerifyCopy = async (path, signal) =>
  await verifyFile(path, signal === undefined ? {} : { signal });

export interface Bench {
  readonly copies: Copies;
  readonly warnings: string[];
  readonly stateDir: string;
}

/** A store of copies in a directory of its own. */
export async function openBench(t: TestContext): Promise<Bench> {
  const stateDir = await temporaryDirectory(t);
  const warnings: string[] = [];
  return { copies: await openCopies(stateDir, (message) => warnings.push(message)), warnings, stateDir };
}

export function takeRequest(file: string, changes: Partial<TakeRequest> = {}): TakeRequest {
  return { ...common(file), reason: 'a test', ...changes };
}

export function preserveRequest(file: string, changes: Partial<PreserveRequest> = {}): PreserveRequest {
  return { ...common(file), reason: 'a test', serverRunning: false, ...changes };
}

function common(file: string) {
  return {
    database: 'nb' as const,
    node: 'node-1',
    file,
    verify,
    tools: { 'ovn-warden': '0.0.0' },
    minFreeBytes: 0,
    clock: systemClock,
    deadlineMs: 60_000,
  };
}

/** A fresh file of `ovsdb-tool create-cluster` with OVN's schema. */
export async function createDatabase(directory: string, name = 'ovnnb_db.db'): Promise<string> {
  const file = join(directory, name);
  await run('/usr/bin/ovsdb-tool', ['create-cluster', file, schemaFile('nb'), 'tcp:127.0.0.1:6643']);
  return file;
}

/** `ok`, or what `ovsdb-tool check-cluster` says against the stored bytes; they are written to `scratch` and removed again. */
export async function checkClusterOf(copies: Copies, sha256: string, scratch: string): Promise<string> {
  await extractObject(copies.layout, sha256, scratch);
  try {
    await run('/usr/bin/ovsdb-tool', ['check-cluster', scratch]);
    return 'ok';
  } catch (error) {
    return systemCodeOf(error) ?? String((error as { stderr?: unknown }).stderr);
  } finally {
    await rm(scratch, { force: true });
  }
}

/** What is not as it must be in a store at rest: manifests that cannot be read, items whose bytes are not there. */
export async function faultsOf(copies: Copies): Promise<string[]> {
  const { items, corrupt } = await copies.read();
  const faults = corrupt.map(({ path }) => path);
  for (const item of items) {
    for (const { name, sha256 } of item.files) {
      const state = await checkObject(copies.layout, sha256);
      if (state !== 'sound') faults.push(`${item.id} ${name} ${state}`);
    }
  }
  for (const { sha256 } of await listObjects(copies.layout)) {
    if ((await checkObject(copies.layout, sha256)) !== 'sound') faults.push(`${sha256} is no sound object`);
  }
  return faults;
}
