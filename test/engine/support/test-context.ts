import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Cluster, type ClusterOptions, startCluster } from './cluster.ts';

/** A new directory for one test. It is removed when the test passes, and kept and named when it fails. */
export function temporaryDirectory(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'ovn-warden-'));
  context.after(() => {
    removeIfPassed(context, directory);
  });
  return directory;
}

/** As `startCluster`, in a directory of its own unless `dir` is given; servers and directory go with the test. */
export async function startTestCluster(
  context: TestContext,
  options: Omit<ClusterOptions, 'dir'> & { readonly dir?: string },
): Promise<Cluster> {
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'ovn-warden-'));
  const cluster = await startCluster({ ...options, dir });
  context.after(async () => {
    await cluster.dispose();
    removeIfPassed(context, dir);
  });
  return cluster;
}

function removeIfPassed(context: TestContext, directory: string): void {
  // The type declarations of Node 24 do not know `passed` yet.
  const { passed } = context as TestContext & { readonly passed: boolean };
  if (passed) rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  else context.diagnostic(`files kept in ${directory}`);
}
