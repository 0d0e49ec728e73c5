/**
 * A bench of real ovsdb-server clusters for tests, benchmarks and the demo.
 *
 * ```ts
 * test('…', async (t) => {
 *   const cluster = await startTestCluster(t, { database: 'nb', members: 3 }); // gone when the test passes
 *   const ledger = new LedgerWriter(cluster);
 *   await ledger.write(50);                                                    // 50 acknowledged rows
 *   await (await cluster.waitForLeader()).kill9();
 *   const leader = await cluster.waitForLeader();
 *   assert.deepEqual(await ledger.missing(leader), []);
 * });
 * ```
 */
export { type Cluster, type ClusterOptions, createJoinFile, schemaFile, startCluster } from './cluster.ts';
export { type LedgerOptions, LedgerWriter, readRows } from './ledger-writer.ts';
export type { Member, MemberPaths } from './member.ts';
export { OvsdbClient } from './ovsdb-client.ts';
export { startTestCluster, temporaryDirectory } from './test-context.ts';
export { waitFor } from './wait.ts';
export {
  appendRecord,
  cutBytes,
  cutPage,
  dropLastCommittedEntry,
  dropRecord,
  flipByte,
  flipRecord,
  rewriteRecord,
  truncateTo,
  zeroPage,
} from './damage.ts';
export {
  loseDataSilently,
  overtakeSoundMember,
  overwriteStranded,
  type SilentLoss,
  type SplitHistory,
  type StrandedMember,
  strandSoundMember,
} from './data-loss.ts';
export { encodeRecord, type FileRecord, listRecords } from './records.ts';
