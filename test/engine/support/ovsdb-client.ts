import { connect, type Socket } from 'node:net';
import { JsonEndFinder } from '../../../src/ovsdb/unixctl-json-end.ts';

type Json = Record<string, unknown>;

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

const CALL_TIMEOUT_MS = 8_000;

/** A small OVSDB client (RFC 7047) on a server's database socket: `transact`, and answers to the server's `echo`. */
export class OvsdbClient {
  readonly #socket: Socket;
  readonly #pending = new Map<number, Pending>();
  #finder = new JsonEndFinder();
  #chunks: Buffer[] = [];
  #nextId = 1;
  #closed: Error | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#receive(chunk);
    });
    socket.once('error', (error) => {
      this.#fail(error);
    });
    socket.once('close', () => {
      this.#fail(new Error('the database connection was closed'));
    });
  }

  static async connect(socketPath: string): Promise<OvsdbClient> {
    const socket = connect({ path: socketPath });
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    socket.once('connect', () => {
      resolve(undefined);
    });
    socket.once('error', reject);
    await promise;
    return new OvsdbClient(socket);
  }

  /** The result of each operation. @throws Error when one failed, the connection broke, or no answer came in time. */
  async transact(schemaName: string, ...operations: readonly Json[]): Promise<Json[]> {
    const results = (await this.#call('transact', [schemaName, ...operations])) as (Json | null)[];
    const failed = results.find((result) => result !== null && 'error' in result);
    if (failed !== undefined) throw new Error(`transaction failed: ${JSON.stringify(failed)}`);
    return results.map((result) => result ?? {});
  }

  close(): void {
    this.#socket.destroy();
  }

  async #call(method: string, params: unknown[]): Promise<unknown> {
    if (this.#closed !== undefined) throw this.#closed;
    const id = this.#nextId;
    this.#nextId += 1;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#pending.set(id, { resolve, reject });
    const timer = setTimeout(() => {
      reject(new Error(`${method} was not answered in ${String(CALL_TIMEOUT_MS)} ms`));
    }, CALL_TIMEOUT_MS);
    this.#socket.write(JSON.stringify({ id, method, params }));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#pending.delete(id);
    }
  }

  #receive(chunk: Buffer): void {
    let rest = chunk;
    for (;;) {
      const end = this.#finder.feed(rest);
      this.#chunks.push(rest.subarray(0, end));
      if (end === undefined) return;
      const message = JSON.parse(Buffer.concat(this.#chunks).toString('utf8')) as Json;
      this.#chunks = [];
      this.#finder = new JsonEndFinder();
      this.#dispatch(message);
      rest = rest.subarray(end);
      if (rest.length === 0) return;
    }
  }

  #dispatch(message: Json): void {
    if (message['method'] === 'echo') {
      this.#socket.write(JSON.stringify({ id: message['id'], result: message['params'], error: null }));
      return;
    }
    const pending = this.#pending.get(Number(message['id']));
    if (message['error'] === null || message['error'] === undefined) pending?.resolve(message['result']);
    else pending?.reject(new Error(`the server refused: ${JSON.stringify(message['error'])}`));
  }

  #fail(error: Error): void {
    this.#closed ??= error;
    for (const { reject } of this.#pending.values()) reject(error);
  }
}
