import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { fetchStatus } from '../../src/cli/agent-client.ts';
import type { configSchema } from '../../src/config/schema.ts';
import { agentSocketPath } from '../../src/config/state-paths.ts';
import type { StatusDocument } from '../../src/heal/status-document.ts';
import { DATABASES, type Database } from '../../src/ovsdb/database.ts';
import { type ServerExit, type ServerProcess, spawnServer } from '../engine/support/child-servers.ts';
import { type Cluster, waitFor } from '../engine/support/index.ts';
import type { NodeCertificate } from './certificates.ts';

type ConfigInput = z.input<typeof configSchema>;

/** Sections of the configuration to change for all agents; keys that are left out keep the quick times below. */
export interface AgentOverrides
  extends Partial<Pick<ConfigInput, 'probe' | 'scrub' | 'heal' | 'backup' | 'logLevel' | 'ovsdbTool'>> {
  readonly peer?: Partial<Pick<ConfigInput['peer'], 'intervalMs' | 'timeoutMs' | 'staleAfterMs'>>;
}

export interface StartAgentsOptions {
  /** All clusters have the same nodes; an agent on each watches all databases of its node. */
  readonly clusters: Readonly<Partial<Record<Database, Cluster>>>;
  /** The agent of NODE keeps its configuration, log and state in `dir/NODE`. */
  readonly dir: string;
  /** By node, as `makeCertificates` makes them. */
  readonly certificates: Readonly<Record<string, NodeCertificate>>;
  readonly overrides?: AgentOverrides;
}

interface AgentPlan {
  readonly node: string;
  readonly directory: string;
  readonly httpPort: number;
  readonly peerPort: number;
}

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
const START_TIMEOUT_MS = 30_000;
const EXIT_TIMEOUT_MS = 20_000;
const FIRST_PORT = 11_000;
const PORTS = 9_000; // ends below the ports of the raft addresses and of the kernel's own choice
const PORTS_PER_PROCESS = 16;
const LOG_TAIL_CHARACTERS = 2_000;

/** Seconds instead of minutes, so that a test or a demo sees a whole heal. */
const QUICK = {
  probe: { intervalMs: 500 },
  scrub: { intervalMs: 500, fullIntervalMs: 3_000, confirmAfterMs: 2_000 },
  peer: { intervalMs: 500 },
  heal: {
    armAfterMs: 2_000,
    cooldownMs: 0,
    retryMs: 1_000,
    // An agent that has just started keeps still for one turn.
    turnMs: 8_000,
    compactTimeoutMs: 4_000,
  },
  backup: { minFreeBytes: 1_048_576 },
} as const;

/**
 * Starts a real agent, `node src/cli.ts agent --config FILE`, for every node of the clusters, and waits until all of
 * them answer. They end with this process at the latest. @throws Error with the end of its log when one does not start.
 */
export async function startAgents(options: StartAgentsOptions): Promise<readonly AgentProcess[]> {
  const plans = await planAgents(options);
  const agents: AgentProcess[] = [];
  for (const plan of plans) {
    await mkdir(plan.directory, { recursive: true, mode: 0o700 });
    const agent = new AgentProcess(plan);
    await writeFile(agent.configFile, `${JSON.stringify(configOf(plan, plans, options), null, 2)}\n`);
    agents.push(agent);
  }
  try {
    await Promise.all(agents.map((agent) => agent.start()));
  } catch (error) {
    await Promise.all(agents.map((agent) => agent.kill9()));
    throw error;
  }
  return agents;
}

/** One agent: its files, which outlive every process, and the process that may run on them. */
export class AgentProcess {
  readonly node: string;
  readonly configFile: string;
  readonly stateDir: string;
  /** Answers the command line. */
  readonly socketPath: string;
  /** The page for people. */
  readonly httpUrl: string;
  /** Everything that the agent printed, over all starts. */
  readonly logFile: string;
  #process: ServerProcess | undefined;

  constructor({ node, directory, httpPort }: AgentPlan) {
    this.node = node;
    this.configFile = join(directory, 'config.json');
    this.stateDir = stateDirOf(directory);
    this.socketPath = agentSocketPath(this.stateDir);
    this.httpUrl = `http://127.0.0.1:${String(httpPort)}/`;
    this.logFile = join(directory, 'agent.log');
  }

  /** The process that runs or ran last. */
  get process(): ServerProcess {
    if (this.#process === undefined) throw new Error(`the agent of ${this.node} was never started`);
    return this.#process;
  }

  get isRunning(): boolean {
    return this.#process !== undefined && this.#process.ended() === undefined;
  }

  /**
   * Starts the agent and waits until it answers. @throws Error with the end of its log when it does not.
   * @param nodeArguments go to Node itself, for example `--import` of a file that makes the process die somewhere.
   */
  async start(nodeArguments: readonly string[] = []): Promise<void> {
    if (this.isRunning) throw new Error(`the agent of ${this.node} runs already`);
    const args = [...nodeArguments, CLI, 'agent', '--config', this.configFile];
    const started = spawnServer(process.execPath, args, this.logFile);
    this.#process = started;
    const what = `the agent of ${this.node} to answer (its log: ${this.logFile})`;
    await waitFor(what, async () => started.ended() ?? (await this.status()), START_TIMEOUT_MS);
    if (started.ended() !== undefined) throw new Error(await this.#obituary());
  }

  /** What the agent knows now. */
  async status(): Promise<StatusDocument> {
    return await fetchStatus(this.socketPath);
  }

  /** SIGTERM, and waits until it has ended by itself. */
  async stop(): Promise<ServerExit> {
    return await this.#end('SIGTERM');
  }

  /** SIGKILL, as a host that loses power. */
  async kill9(): Promise<void> {
    if (this.isRunning) await this.#end('SIGKILL');
  }

  async restart(): Promise<void> {
    if (this.isRunning) await this.stop();
    await this.start();
  }

  async #end(signal: NodeJS.Signals): Promise<ServerExit> {
    const running = this.process;
    if (running.ended() === undefined) running.kill(signal);
    return await waitFor(`the agent of ${this.node} to end`, () => running.ended(), EXIT_TIMEOUT_MS);
  }

  async #obituary(): Promise<string> {
    const log = await readFile(this.logFile, 'utf8').catch(() => '');
    const end = JSON.stringify(this.process.ended());
    return `the agent of ${this.node} ended with ${end}; its log ends with:\n${log.slice(-LOG_TAIL_CHARACTERS)}`;
  }
}

function stateDirOf(directory: string): string {
  return join(directory, 'state');
}

async function planAgents({ clusters, dir }: StartAgentsOptions): Promise<readonly AgentPlan[]> {
  const nodes = DATABASES.map((database) => clusters[database])
    .find((cluster) => cluster !== undefined)
    ?.members.map(({ node }) => node);
  if (nodes === undefined) throw new Error('agents need a cluster to watch');
  const ports = await freePorts(nodes.length * 2);
  return nodes.map((node, index) => {
    const [httpPort, peerPort] = ports.slice(index * 2);
    if (httpPort === undefined || peerPort === undefined) throw new Error('too few free ports');
    return { node, directory: join(dir, node), httpPort, peerPort };
  });
}

function configOf(
  { node, directory, httpPort, peerPort }: AgentPlan,
  all: readonly AgentPlan[],
  { clusters, certificates, overrides = {} }: StartAgentsOptions,
): ConfigInput {
  const tls = certificates[node];
  if (tls === undefined) throw new Error(`there is no certificate for ${node}`);
  const own = DATABASES.flatMap((database) => {
    const member = clusters[database]?.members.find((candidate) => candidate.node === node);
    return member === undefined ? [] : [{ database, paths: member.paths }];
  });
  const { peer, probe, scrub, heal, backup, ...rest } = overrides;
  return {
    ...rest,
    node,
    stateDir: stateDirOf(directory),
    databases: Object.fromEntries(
      own.map(({ database, paths }) => [database, { file: paths.file, socket: paths.socket }]),
    ),
    logs: own.flatMap(({ database, paths }) => [
      { path: paths.log, database },
      { path: paths.stderr, database },
    ]),
    http: { port: httpPort },
    peer: {
      ...QUICK.peer,
      ...peer,
      port: peerPort,
      tls,
      siblings: all
        .filter((sibling) => sibling.node !== node)
        .map((sibling) => ({ node: sibling.node, url: `https://127.0.0.1:${String(sibling.peerPort)}` })),
    },
    probe: { ...QUICK.probe, ...probe },
    scrub: { ...QUICK.scrub, ...scrub },
    heal: { ...QUICK.heal, ...heal },
    backup: { ...QUICK.backup, ...backup },
  };
}

/** Siblings must know each other's port before they start, so the kernel cannot choose at start. */
async function freePorts(count: number): Promise<number[]> {
  const offset = (process.pid * PORTS_PER_PROCESS) % PORTS;
  const ports: number[] = [];
  for (let tried = 0; tried < PORTS && ports.length < count; tried += 1) {
    const port = FIRST_PORT + ((offset + tried) % PORTS);
    if (await isFree(port)) ports.push(port);
  }
  if (ports.length < count) throw new Error(`wanted ${String(count)} free ports on 127.0.0.1`);
  return ports;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  server.once('error', () => {
    resolve(false);
  });
  server.listen(port, '127.0.0.1', () => {
    server.close(() => {
      resolve(true);
    });
  });
  return await promise;
}
