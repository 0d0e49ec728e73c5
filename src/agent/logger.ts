import { type Logger, pino } from 'pino';
import type { Config } from '../config/schema.ts';

/** The agent's own log: JSON lines on standard output, for whatever collects them. */
export function createLogger(config: Pick<Config, 'logLevel' | 'node'>): Logger {
  return pino({
    level: config.logLevel,
    base: { node: config.node },
    timestamp: pino.stdTimeFunctions.isoTime,
  });
}
