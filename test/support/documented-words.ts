import { readFileSync } from 'node:fs';

/** The words in the first column of each table of a page under `docs/reference`, in code quotes, table by table. */
export function documentedWords(page: string): string[][] {
  const text = readFileSync(new URL(`../../docs/reference/${page}`, import.meta.url), 'utf8');
  const tables: string[][] = [];
  let isInTable = false;
  for (const line of text.split('\n')) {
    if (!line.startsWith('|')) isInTable = false;
    else if (!isInTable) {
      isInTable = true;
      tables.push([]);
    }
    const word = /^\| `([^`]+)` \|/.exec(line)?.[1];
    if (word !== undefined) tables.at(-1)?.push(word);
  }
  return tables;
}
