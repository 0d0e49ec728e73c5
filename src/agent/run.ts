import { agentSocketPath } from '../config/state-paths.ts';
import type { Database } from '../ovsdb/database.ts';
import { createHttpServer } from '../http/http-server.ts';
import { createSocketServer } from '../http/socket-server.ts';
import type { AgentSources } from '../http/agent-app.ts';
import { messageOf } from '../lib/errors.ts';
import { createPeerServer, peerGet, peerPost } from '../peers/peer-server.ts';
import type { Agent } from './agent.ts';
import { type BackupsOptions, runBackups, takeByRequest } from './backups.ts';
import { PEER_PATHS, type PeerState, releaseSchema, turnRequestSchema } from './exchange.ts';
import { repeat } from './lifecycle.ts';
import { learnFromSiblings } from './member.ts';
import { followLogs } from './follow-logs.ts';

const STOP_DEADLINE_MS = 5_000;
/** Between two looks at which copies there are. */
const COPIES_INTERVAL_MS = 5_000;

/** Starts an agent part by part and runs it until its signal aborts; then stops the parts in reverse order. */
export async function run(agent: Agent): Promise<void> {
  try {
    await start(agent);
    agent.log.info({ version: agent.status().version, mode: agent.config.heal.mode }, 'watching');
    await watchUntilStopped(agent);
  } finally {
    await agent.lifecycle.stop(STOP_DEADLINE_MS);
  }
}

async function start(agent: Agent): Promise<void> {
  const { lifecycle, members, healer, journal, client } = agent;
  lifecycle.onStop('journal', async () => {
    await journal.close();
  });
  lifecycle.onStop('peer client', async () => {
    await client.close();
  });
  for (const member of members) await member.watch.start();
  await followLogs(agent);
  await serveSiblings(agent);
  await servePeople(agent);
  await healer.resume();
}

async function serveSiblings(agent: Agent): Promise<void> {
  const { config, tls, healer, lifecycle, log } = agent;
  const state = (): PeerState => ({
    node: config.node,
    members: agent.members.map(({ watch }) => watch.evidence()),
  });
  const server = await createPeerServer({
    host: config.peer.host,
    port: config.peer.port,
    tls,
    allowedNodes: config.peer.siblings.map(({ node }) => node),
    onError: (error) => {
      log.warn({ error: messageOf(error) }, 'a question of a sibling failed');
    },
    routes: [
      peerGet(PEER_PATHS.state, async () => await Promise.resolve(state())),
      peerPost(PEER_PATHS.turn, turnRequestSchema, async (caller, request) => {
        const answer =
          caller === request.node
            ? await healer.answerTurn(request)
            : { granted: false, because: `${caller} may not ask for ${request.node}` };
        return {
          granted: answer.granted,
          because: 'because' in answer ? answer.because : 'keeping still',
          state: state(),
        };
      }),
      peerPost(PEER_PATHS.release, releaseSchema, async (caller, { healId }) => {
        healer.releaseTurn(healId, caller);
        return await Promise.resolve({ released: true });
      }),
    ],
  });
  lifecycle.onStop('peer server', async () => {
    await server.close(STOP_DEADLINE_MS);
  });
}

async function servePeople(agent: Agent): Promise<void> {
  const { config, lifecycle, log } = agent;
  const sources: AgentSources = {
    getStatus: () => agent.status(),
    isWatching: () => isWatching(agent),
    metrics: async () => {
      agent.metrics.observe(agent.status());
      return await agent.metrics.render();
    },
    onError: (error) => {
      log.warn({ error: messageOf(error) }, 'a request failed');
    },
  };
  const http = await createHttpServer({ ...sources, host: config.http.host, port: config.http.port });
  lifecycle.onStop('http server', async () => {
    http.stopReadiness();
    await http.close(STOP_DEADLINE_MS);
  });
  const takeBackups = async (databases: readonly Database[]): Promise<unknown> => {
    const taken = [];
    for (const database of databases) taken.push(await takeByRequest(backupOptions(agent), database));
    await agent.refreshCopies();
    return { backups: taken };
  };
  const socket = await createSocketServer({
    ...sources,
    path: agentSocketPath(config.stateDir),
    takeBackups,
  });
  lifecycle.onStop('local socket', async () => {
    await socket.close(STOP_DEADLINE_MS);
  });
  log.info({ http: `http://${http.host}:${String(http.port)}/`, socket: socket.path }, 'listening');
}

/** Watching means that every file was read and every server was asked; being armed is something else. */
function isWatching(agent: Agent): { ok: boolean; because: string } {
  const unread = agent.members
    .filter(({ watch }) => watch.evidence().file === null)
    .map(({ database }) => database);
  if (unread.length > 0) return { ok: false, because: `not read yet: ${unread.join(', ')}` };
  return { ok: true, because: 'every database of this host is watched' };
}

async function watchUntilStopped(agent: Agent): Promise<void> {
  const { config, clock, signal, members, exchange, healer, armory, log } = agent;
  const onError = (error: unknown): void => {
    log.error({ error: messageOf(error) }, 'a round failed');
  };
  const every = async (intervalMs: number, task: () => Promise<void>): Promise<void> => {
    await repeat({ task, intervalMs, clock, signal, onError });
  };
  const backups = runBackups(
    backupOptions(agent),
    members.map(({ database }) => database),
  );
  await Promise.all([
    ...members.map(async ({ watch }) => {
      await every(Math.min(config.probe.intervalMs, config.scrub.intervalMs), async () => {
        await watch.look();
      });
    }),
    every(config.peer.intervalMs, async () => {
      await exchange.pull();
      for (const member of members) await learnFromSiblings(member, exchange);
      await armory.update(agent.views());
      agent.metrics.certificateExpiry(agent.tls.certificateExpiry());
    }),
    every(config.probe.intervalMs, async () => {
      await healer.round();
    }),
    every(COPIES_INTERVAL_MS, async () => {
      await agent.refreshCopies();
    }),
    backups,
  ]);
}

function backupOptions(agent: Agent): BackupsOptions {
  const { config, copies, copyKeeper, clock, signal, log, metrics } = agent;
  return {
    config,
    copies,
    keeper: copyKeeper,
    clock,
    signal,
    stopTimeoutMs: STOP_DEADLINE_MS,
    isFrozen: () => agent.views().some(({ diagnosis }) => diagnosis.frozen),
    events: {
      taken(database, outcome, detail) {
        metrics.backupEnded(database, outcome);
        const fields = { database, outcome, detail: outcome === 'failed' ? messageOf(detail) : detail };
        if (outcome === 'verified') log.info(fields, 'backup taken');
        else log.warn(fields, 'backup is not a good one');
      },
      skipped(database, why) {
        log.warn({ database, why }, 'a planned backup was skipped');
      },
      pruneFailed(error) {
        log.warn({ error: messageOf(error) }, 'surplus copies could not be removed');
      },
      pruned(removedItems, missingBytes) {
        if (removedItems > 0) log.info({ removedItems }, 'surplus copies removed');
        if (missingBytes > 0)
          log.warn({ missingBytes }, 'copies exceed their budget, and none of them may go');
      },
    },
  };
}
