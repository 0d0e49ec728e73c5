import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type ClusterStatus, parseClusterStatus } from '../../../src/ovsdb/cluster-status.ts';
import { type Database, SCHEMA_NAMES } from '../../../src/ovsdb/database.ts';
import { callUnixctl } from '../../../src/ovsdb/unixctl.ts';
import { type ServerExit, type ServerProcess, spawnServer } from './child-servers.ts';
import { waitFor } from './wait.ts';

const OVSDB_SERVER = '/usr/sbin/ovsdb-server';
const CALL_TIMEOUT_MS = 10_000;
const START_TIMEOUT_MS = 20_000;
const EXIT_TIMEOUT_MS = 15_000;
const MAX_SOCKET_PATH_BYTES = 107;

/** Where one member keeps its things; the names are those of OVN. */
export interface MemberPaths {
  readonly directory: string;
  /** `ovnnb_db.db` or `ovnsb_db.db`. */
  readonly file: string;
  /** The control socket. */
  readonly socket: string;
  /** The database socket, where clients connect. */
  readonly remote: string;
  readonly log: string;
  /** Appended to over all starts: the only place of a fatal message at start. */
  readonly stderr: string;
}

export interface MemberOptions {
  readonly database: Database;
  /** A name for people, unique in the cluster: `node-1` and so on. */
  readonly node: string;
  /** Raft address, `tcp:HOST:PORT`. */
  readonly address: string;
  readonly directory: string;
  /** Further arguments for ovsdb-server. */
  readonly serverArguments?: readonly string[];
}

/** One member: its files, which outlive every process, and the server process that may run on them. */
export class Member {
  readonly database: Database;
  readonly schemaName: string;
  readonly node: string;
  readonly address: string;
  readonly paths: MemberPaths;
  readonly #serverArguments: readonly string[];
  #process: ServerProcess | undefined;

  constructor(options: MemberOptions) {
    this.database = options.database;
    this.schemaName = SCHEMA_NAMES[options.database];
    this.node = options.node;
    this.address = options.address;
    this.paths = memberPaths(options.directory, options.database);
    this.#serverArguments = options.serverArguments ?? [];
  }

  get isRunning(): boolean {
    return this.#process !== undefined && this.#process.ended() === undefined;
  }

  /** Of the process that runs or ran last. */
  get pid(): number {
    if (this.#process === undefined) throw new Error(`${this.node} was never started`);
    return this.#process.pid;
  }

  /** Starts the server and waits until its control socket answers. @throws Error with its stderr when it ends first. */
  async start(): Promise<void> {
    const started = this.#spawn();
    await waitFor(`${this.node} to answer`, () => this.#answersOrEnded(started), START_TIMEOUT_MS);
    if (started.ended() !== undefined) throw new Error(`${this.node} did not start:\n${this.stderrText()}`);
  }

  /** Starts a server that is expected to end by itself: exit 1 on a bad file, SIGABRT on an assertion. */
  async startAndAwaitExit(timeoutMs = START_TIMEOUT_MS): Promise<ServerExit> {
    this.#spawn();
    return await this.awaitExit(timeoutMs);
  }

  /** How the process ended. @throws Error when it still runs after `timeoutMs`. */
  async awaitExit(timeoutMs = EXIT_TIMEOUT_MS): Promise<ServerExit> {
    return await waitFor(`${this.node} to end`, () => this.#process?.ended(), timeoutMs);
  }

  /** Graceful: unixctl `exit`, as an operator or the start script would. Does nothing when it does not run. */
  async stop(): Promise<void> {
    if (!this.isRunning) return;
    await this.unixctl('exit');
    await this.awaitExit();
  }

  /** SIGKILL, and waits until the process is gone. */
  async kill9(): Promise<void> {
    await this.#signal('SIGKILL');
  }

  /** SIGSTOP: connected and silent, as a member on a frozen host. `thaw` ends it. */
  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async unixctl(method: string, ...params: string[]): Promise<string> {
    return await callUnixctl(this.paths.socket, method, params, { timeoutMs: CALL_TIMEOUT_MS });
  }

  async status(): Promise<ClusterStatus> {
    return parseClusterStatus(await this.unixctl('cluster/status', this.schemaName));
  }

  /** The server's own line about its storage: `status: ok`, or `status: ` and an error. */
  async storage(): Promise<string> {
    return (await this.unixctl('ovsdb-server/get-db-storage-status', this.schemaName)).trim();
  }

  /**
   * `ovsdb-server/compact` of this database, and waits until the file is another one: a server may say yes before it has
   * written anything. @throws WardenError `server-refused` with the server's words.
   */
  async compact(): Promise<void> {
    const { start } = (await this.status()).log;
    await this.unixctl('ovsdb-server/compact', this.schemaName);
    await waitFor(`${this.node} to write its snapshot`, async () =>
      (await this.status()).log.start > start ? true : undefined,
    );
  }

  logText(): string {
    return readFileSync(this.paths.log, 'utf8');
  }

  stderrText(): string {
    return readFileSync(this.paths.stderr, 'utf8');
  }

  #spawn(): ServerProcess {
    if (this.isRunning) throw new Error(`${this.node} runs already`);
    const { paths } = this;
    const started = spawnServer(
      OVSDB_SERVER,
      [
        `--remote=punix:${paths.remote}`,
        `--unixctl=${paths.socket}`,
        `--log-file=${paths.log}`,
        '-vconsole:off',
        ...this.#serverArguments,
        paths.file,
      ],
      paths.stderr,
    );
    this.#process = started;
    return started;
  }

  async #answersOrEnded(started: ServerProcess): Promise<boolean | undefined> {
    if (started.ended() !== undefined) return true;
    await this.unixctl('version');
    // An answer from a server that is about to die of its file would be no answer.
    await delay(20);
    return true;
  }

  async #signal(signal: NodeJS.Signals): Promise<void> {
    if (!this.isRunning) return;
    this.#process?.kill(signal);
    await this.awaitExit();
  }
}

/** Makes the member's directory; its file is for `ovsdb-tool` to create. */
export async function makeMemberDirectory(member: Member): Promise<void> {
  await mkdir(member.paths.directory, { recursive: true, mode: 0o750 });
}

function memberPaths(directory: string, database: Database): MemberPaths {
  const path = (name: string): string => join(directory, name);
  const stem = `ovn${database}_db`;
  const socket = path(`${stem}.ctl`);
  if (Buffer.byteLength(socket) > MAX_SOCKET_PATH_BYTES) {
    throw new Error(`${socket} is too long for a socket; choose a shorter directory`);
  }
  return {
    directory,
    file: path(`${stem}.db`),
    socket,
    remote: path(`${stem}.sock`),
    log: path(`ovsdb-server-${database}.log`),
    stderr: path(`ovsdb-server-${database}.stderr`),
  };
}
