import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { ROOT } from './run-command.ts';

const TOP_PAGES = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'];

async function listPages(): Promise<readonly string[]> {
  const inDocs = await readdir(join(ROOT, 'docs'), { recursive: true });
  return [...TOP_PAGES, ...inDocs.filter((name) => name.endsWith('.md')).map((name) => join('docs', name))];
}

/** Paths, from the root of the checkout, that a page links to; addresses elsewhere and places inside a page are left out. */
async function linksOf(page: string): Promise<readonly string[]> {
  const text = await readFile(join(ROOT, page), 'utf8');
  const prose = text.replaceAll(/^```.*?^```$/gms, '');
  return [...prose.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => relative(ROOT, resolve(ROOT, dirname(page), target)));
}

test('every link of every page leads to a file', async () => {
  const broken: string[] = [];
  for (const page of await listPages()) {
    for (const target of await linksOf(page)) {
      const there = await stat(join(ROOT, target)).then(
        () => true,
        () => false,
      );
      if (!there) broken.push(`${page} → ${target}`);
    }
  }
  assert.deepEqual(broken, []);
});

test('every page can be reached from the index', async () => {
  const seen = new Set<string>();
  const waiting = ['docs/index.md'];
  for (let page = waiting.pop(); page !== undefined; page = waiting.pop()) {
    if (seen.has(page)) continue;
    seen.add(page);
    waiting.push(...(await linksOf(page)).filter((target) => target.endsWith('.md')));
  }
  assert.deepEqual(
    (await listPages()).filter((page) => !seen.has(page)),
    [],
  );
});
