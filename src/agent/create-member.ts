import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import type { RecentFinding } from '../diagnose/evidence.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Database } from '../ovsdb/database.ts';
import { LiveFileVerifier } from '../ovsdb/live-file-verifier.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { MarkStore } from '../watch/mark-store.ts';
import { MemberWatch, type MemberWatchEvents, type MemberWatchPort } from '../watch/member-watch.ts';
import { probeServer } from '../watch/probe.ts';
import type { CopyKeeper } from './copy-keeper.ts';
import type { Member } from './member.ts';

export interface MemberParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly copies: CopyKeeper;
  readonly findings: () => readonly RecentFinding[];
  readonly signal: AbortSignal;
}

/** Wires the watch over one database of this host; null when this host does not have it. */
export function createMember(database: Database, parts: MemberParts): Member | null {
  const place = parts.config.databases[database];
  if (place === undefined) return null;
  const { config, clock } = parts;
  const watch = new MemberWatch({
    node: config.node,
    database,
    fullIntervalMs: config.scrub.fullIntervalMs,
    confirmAfterMs: config.scrub.confirmAfterMs,
    port: watchPort(database, place, parts),
    events: watchEvents(database, parts),
    marks: new MarkStore(join(config.stateDir, `marks-${database}.json`)),
    clock,
  });
  return { database, ...place, watch };
}

function watchPort(
  database: Database,
  place: { file: string; socket: string },
  parts: MemberParts,
): MemberWatchPort {
  const verifier = new LiveFileVerifier(place.file);
  const { config, copies, findings, signal } = parts;
  let serverIsUp = false;
  return {
    async probe() {
      const evidence = await probeServer(
        { database, socket: place.socket, timeoutMs: config.probe.timeoutMs },
        signal,
      );
      serverIsUp = evidence.state !== 'down';
      return evidence;
    },
    async readFile(mode, writerAlive) {
      return await verifier.check({ mode, direct: mode === 'full', writerAlive });
    },
    preserve: async (reason) => await copies.preserve(database, reason, serverIsUp),
    checkCopy: async (sha256, serverVersion) => await copies.checkCluster(sha256, serverVersion),
    recentFindings: findings,
  };
}

function watchEvents(database: Database, { log, metrics, clock }: MemberParts): MemberWatchEvents {
  return {
    corruption(problem, inode) {
      log.error({ database, problem, inode }, 'database file is damaged');
      metrics.corruptionFound(database, problem.kind, clock.nowMs()).catch((error: unknown) => {
        log.warn({ database, error: messageOf(error) }, 'corruption count could not be stored');
      });
    },
    cleared(inode) {
      log.info({ database, inode }, 'database file verifies again');
    },
    read(_mode, bytesRead) {
      metrics.scrubbed(database, bytesRead);
    },
    trouble(what, error) {
      log.warn({ database, what, error: messageOf(error) }, 'watch goes on without this');
    },
  };
}
