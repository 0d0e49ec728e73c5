import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { ROOT } from './run-command.ts';

const packageSchema = z.object({
  engines: z.object({ node: z.string() }),
  dependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()),
});

async function readPackage(): Promise<z.infer<typeof packageSchema>> {
  return packageSchema.parse(JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')));
}

async function readVersions(): Promise<Map<string, string>> {
  const text = await readFile(join(ROOT, 'tools/versions.env'), 'utf8');
  return new Map([...text.matchAll(/^(\w+)=(\S+)$/gm)].map(([, key = '', value = '']) => [key, value]));
}

function compareVersions(left: string, right: string): number {
  return left.localeCompare(right, 'en', { numeric: true });
}

test('the floor of tools/versions.env is the floor of package.json', async () => {
  const versions = await readVersions();
  assert.equal((await readPackage()).engines.node, `>=${versions.get('NODE_FLOOR') ?? 'missing'}`);
});

for (const [key, major] of [
  ['NODE_22', '22'],
  ['NODE_24', '24'],
] as const) {
  test(`${key} is a full version of its line and not below the floor`, async () => {
    const versions = await readVersions();
    const version = versions.get(key) ?? 'missing';
    assert.match(version, new RegExp(`^${major}\\.\\d+\\.\\d+$`));
    assert.ok(compareVersions(version, versions.get('NODE_FLOOR') ?? 'missing') >= 0);
  });
}

test('every package is pinned to one exact version', async () => {
  const { dependencies, devDependencies } = await readPackage();
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    assert.match(version, /^\d+\.\d+\.\d+$/, name);
  }
});

test('the lockfile names the package of every platform, or npm ci would refuse it', async () => {
  const lock = z
    .object({
      packages: z.record(
        z.string(),
        z.object({ optionalDependencies: z.record(z.string(), z.string()).optional() }),
      ),
    })
    .parse(JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')));
  const wanted = Object.values(lock.packages).flatMap((entry) =>
    Object.keys(entry.optionalDependencies ?? {}),
  );
  assert.ok(wanted.length > 0);
  assert.deepEqual(
    wanted.filter((name) => !(`node_modules/${name}` in lock.packages)),
    [],
  );
});
