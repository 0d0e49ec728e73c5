import { join } from 'node:path';
import { createLogScanner } from '../watch/log-scanner.ts';
import type { Agent } from './agent.ts';
import { repeat } from './lifecycle.ts';

const COUNT_INTERVAL_MS = 5_000;

/** Follows the configured logs; what they say is remembered for the judgement and counted. */
export async function followLogs({
  config,
  clock,
  log,
  metrics,
  findings,
  lifecycle,
  signal,
}: Agent): Promise<void> {
  if (config.logs.length === 0) return;
  const scanner = createLogScanner({
    files: config.logs.map(({ path, database }) => ({ path, database: database ?? null })),
    checkpointFile: join(config.stateDir, 'log-positions.json'),
    clock,
    log,
    async onFindings(found) {
      for (const finding of found) {
        findings.add(finding, clock.nowMs());
        if (!finding.historic) metrics.findingSeen(finding.database, finding.class);
        log.warn({ finding }, 'log line matches a signature');
      }
      await Promise.resolve();
    },
  });
  await scanner.start();
  let counted = 0;
  const counting = repeat({
    async task() {
      metrics.tailLines(scanner.counters.lines - counted);
      counted = scanner.counters.lines;
      await Promise.resolve();
    },
    intervalMs: COUNT_INTERVAL_MS,
    clock,
    signal,
    onError: () => undefined,
  });
  lifecycle.onStop('log scanner', async () => {
    await scanner.stop();
    await counting;
  });
}
