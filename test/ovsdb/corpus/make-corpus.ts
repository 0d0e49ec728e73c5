/**
 * The damage corpus: real files, and what can happen to them. Run by hand it writes all of it to a directory, for a look
 * with other tools: `node test/ovsdb/corpus/make-corpus.ts DIRECTORY`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { startCluster } from '../../engine/support/index.ts';
import { makeBaseFiles } from './base-files.ts';
import { CONTENT_DAMAGES, HEADER_DAMAGES, STRANGE_RECORD_DAMAGES } from './content-damages.ts';
import { type Damage, placeDamages } from './damage.ts';
import { FILE_DAMAGES, FRAME_DAMAGES } from './frame-damages.ts';
import { readLogBytes } from './log-bytes.ts';

export const DAMAGES: readonly Damage[] = [
  ...FRAME_DAMAGES,
  ...FILE_DAMAGES,
  ...CONTENT_DAMAGES,
  ...STRANGE_RECORD_DAMAGES,
  ...HEADER_DAMAGES,
];

async function writeCorpus(directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const cluster = await startCluster({ database: 'nb', members: 3, dir: directory });
  try {
    const { formerLeader, follower, compacted } = await makeBaseFiles(cluster, directory);
    for (const [base, file] of Object.entries({ formerLeader, follower, compacted })) {
      for (const { name, bytes } of placeDamages(DAMAGES, readLogBytes(file))) {
        writeFileSync(join(directory, `${base}-${name.replace(' @', '-')}.db`), bytes);
      }
    }
  } finally {
    await cluster.dispose();
  }
}

if (import.meta.main) await writeCorpus(resolve(process.argv[2] ?? 'corpus'));
