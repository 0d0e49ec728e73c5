import { composeAgent } from './agent/compose.ts';
import { createLogger } from './agent/logger.ts';
import { run } from './agent/run.ts';
import type { Config } from './config/schema.ts';
import { systemClock } from './lib/clock.ts';

/** Runs the agent until SIGTERM or SIGINT. */
export async function runAgent(config: Config): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      stop.abort();
    });
  }
  const log = createLogger(config);
  try {
    await run(await composeAgent(config, log, systemClock, stop.signal));
    log.info('stopped');
  } finally {
    // A start that failed half-way must not leave loops behind.
    stop.abort();
  }
}
