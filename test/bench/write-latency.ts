import { setTimeout as delay } from 'node:timers/promises';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { OvsdbClient } from '../engine/support/index.ts';

const INTERVAL_MS = 10;

interface WriterData {
  readonly remote: string;
  readonly schemaName: string;
}

/** Latencies in milliseconds of all writes that were acknowledged since they were last asked for. */
export interface LatencyWriter {
  take(): Promise<number[]>;
  stop(): Promise<void>;
}

/**
 * Sends a hundred rows a second to a server from a thread of its own: what the bench does in the main thread must not
 * count as latency of the server. Latency is counted from the moment when a row was due.
 */
export function startLatencyWriter(data: WriterData): LatencyWriter {
  const worker = new Worker(new URL(import.meta.url), { workerData: data });
  const failed = Promise.withResolvers<never>();
  worker.once('error', failed.reject);
  failed.promise.catch(() => undefined); // reported by the next `take`
  return {
    async take() {
      const { promise, resolve } = Promise.withResolvers<number[]>();
      worker.once('message', resolve);
      worker.postMessage('take');
      return await Promise.race([promise, failed.promise]);
    },
    async stop() {
      await worker.terminate();
    },
  };
}

async function writeForEver({ remote, schemaName }: WriterData): Promise<never> {
  let latenciesMs: number[] = [];
  parentPort?.on('message', () => {
    parentPort?.postMessage(latenciesMs);
    latenciesMs = [];
  });
  const client = await OvsdbClient.connect(remote);
  const write = async (row: number, dueMs: number): Promise<void> => {
    const name = `latency-${String(row)}`;
    await client.transact(schemaName, { op: 'insert', table: 'Logical_Switch', row: { name } });
    latenciesMs.push(performance.now() - dueMs);
  };
  const startMs = performance.now();
  for (let row = 0; ; row += 1) {
    const dueMs = startMs + row * INTERVAL_MS;
    await delay(Math.max(0, dueMs - performance.now()));
    // Not awaited: a writer that waits for its answer would count a stall of seconds as one slow write.
    void write(row, dueMs);
  }
}

if (!isMainThread) await writeForEver(workerData as WriterData);
