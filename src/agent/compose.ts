import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openCopies } from '../backup/copies.ts';
import { freeBytes } from '../backup/room.ts';
import type { Config } from '../config/schema.ts';
import { Journal } from '../heal/journal.ts';
import { TurnKeeper } from '../heal/turn.ts';
import { type Clock, isoTime } from '../lib/clock.ts';
import { makeDirectoryDurably } from '../lib/durable-file.ts';
import { messageOf } from '../lib/errors.ts';
import { availableMemoryBytes } from '../lib/memory.ts';
import { wardenVersion } from '../lib/version.ts';
import { createMetrics } from '../metrics/metrics.ts';
import { DATABASES, SCHEMA_NAMES } from '../ovsdb/database.ts';
import { createOvsdbTool } from '../ovsdb/ovsdb-tool.ts';
import { compact } from '../ovsdb/server.ts';
import { createPeerClient } from '../peers/peer-client.ts';
import { openTlsStore } from '../peers/tls-store.ts';
import { dirname } from 'node:path';
import type { Agent } from './agent.ts';
import { createArmory } from './armory.ts';
import { CopyKeeper } from './copy-keeper.ts';
import { createMember } from './create-member.ts';
import { Exchange } from './exchange.ts';
import { healDocuments } from './heal-history.ts';
import { Healer } from './healer.ts';
import { Lifecycle } from './lifecycle.ts';
import type { Logger } from 'pino';
import { type Member, type MemberView, viewOf } from './member.ts';
import { RecentFindings } from './recent-findings.ts';
import { statusDocument } from './status.ts';

const TOOL_TIMEOUT_MS = 120_000;

/** Builds every part of an agent and starts none. The one place that says `new`. */
export async function composeAgent(
  config: Config,
  log: Logger,
  clock: Clock,
  signal: AbortSignal,
): Promise<Agent> {
  const { stateDir, node } = config;
  const databases = DATABASES.filter((database) => config.databases[database] !== undefined);
  await makeDirectoryDurably(stateDir);
  const trouble = (what: string, error: unknown): void => {
    log.warn({ what, error: messageOf(error) }, 'trouble');
  };
  const metrics = await createMetrics({
    node,
    version: wardenVersion(),
    databases,
    siblings: config.peer.siblings.map((sibling) => sibling.node),
    stateDir,
    onProblem: (error) => {
      trouble('metrics', error);
    },
  });
  const tls = await openTlsStore(config.peer.tls, {
    node,
    onProblem: (error) => {
      trouble('certificates', error);
    },
  });
  const client = createPeerClient({ tls, timeoutMs: config.peer.timeoutMs });
  const exchange = new Exchange({
    node,
    siblings: config.peer.siblings,
    client,
    clock,
    onAnswer: metrics.peerAsked,
    onTrouble: (sibling, error) => {
      log.debug({ sibling, error: messageOf(error) }, 'sibling did not answer');
    },
  });
  const copies = await openCopies(stateDir, (message) => {
    log.warn(message);
  });
  const tool = createOvsdbTool({ path: config.ovsdbTool, timeoutMs: TOOL_TIMEOUT_MS });
  const copyKeeper = new CopyKeeper({ copies, config, tool, clock });
  const findings = new RecentFindings();
  const members = databases.flatMap((database): Member[] => {
    const member = createMember(database, {
      config,
      clock,
      log,
      metrics,
      copies: copyKeeper,
      findings: (of) => findings.of(of, clock.nowMs()),
      signal,
    });
    return member === null ? [] : [member];
  });
  const armory = await createArmory(join(stateDir, 'armed.json'), config.heal.armAfterMs, clock);
  const journal = await Journal.open(join(stateDir, 'journal.jsonl'), (line) => {
    log.warn({ line }, 'journal line cannot be read');
  });
  const keeper = new TurnKeeper(clock, config.heal.turnMs);
  const healer = new Healer({
    config,
    clock,
    journal,
    keeper,
    exchange,
    members,
    armed: () => armory.state(),
    random: Math.random,
    port: {
      compact: async (member) =>
        await compact(member.socket, SCHEMA_NAMES[member.database], {
          timeoutMs: config.heal.compactTimeoutMs,
        }),
      isPreserved: async (sha256) => await copyKeeper.isSafe(sha256),
      preserve: async (member, reason) =>
        await copyKeeper.preserve(member.database, reason, member.watch.evidence().server.state !== 'down'),
      freeBytes: async (path) => await freeBytes(dirname(path)),
      availableMemoryBytes,
      fileSizeBytes: async (path) => (await stat(path)).size,
      onEnd: (database, end) => {
        log.warn({ database, ...end }, 'heal ended');
        if (end.outcome !== 'running') metrics.healEnded(database, 'compact', end.outcome);
      },
      onTrouble: trouble,
    },
  });
  const views = (): readonly MemberView[] => members.map((member) => viewOf(member, exchange, config));
  let known = (await copies.read()).items;
  return {
    config,
    log,
    clock,
    signal,
    metrics,
    tls,
    client,
    exchange,
    copies,
    copyKeeper,
    findings,
    members,
    armory,
    journal,
    healer,
    lifecycle: new Lifecycle(trouble),
    refreshCopies: async () => {
      known = (await copies.read()).items;
    },
    views,
    status: () =>
      statusDocument({
        config,
        version: wardenVersion(),
        at: isoTime(clock.nowMs()),
        armed: armory.state(),
        views: views(),
        planFor: (database) => healer.planFor(database),
        heals: healDocuments(journal.entries),
        copies: known,
      }),
  };
}
