import { open } from 'node:fs/promises';
import { validate as isCronExpression } from 'node-cron';
import { WardenError, messageOf } from '../lib/errors.ts';
import { explainIssue } from './explain-issue.ts';
import { findJsonFault } from './json-position.ts';
import { listOptions } from './options.ts';
import { type Config, configSchema } from './schema.ts';

const MAX_CONFIG_BYTES = 1024 * 1024;
const MAX_LINES = 50;

/**
 * Reads and checks the configuration file (JSON). Whatever is wrong is reported at once, one line a key.
 * @throws WardenError `config-invalid`; `details.problems` holds the lines.
 */
export async function loadConfig(path: string): Promise<Config> {
  return parseConfig(await readText(path), path);
}

/** As {@link loadConfig}, from text; `path` is for messages only. */
export function parseConfig(text: string, path: string): Config {
  const fault = findJsonFault(text);
  if (fault !== undefined) {
    const place = `${path}:${String(fault.line)}:${String(fault.column)}`;
    throw new WardenError('config-invalid', `${place}: wanted JSON, got: ${fault.reason}`);
  }
  const input: unknown = JSON.parse(text);
  const result = configSchema.safeParse(input);
  if (!result.success) {
    const keys = listOptions().map((option) => option.key);
    throw invalid(
      path,
      result.error.issues.flatMap((issue) => explainIssue(issue, input, keys)),
    );
  }
  const contradictions = findContradictions(result.data);
  if (contradictions.length > 0) throw invalid(path, contradictions);
  return result.data;
}

function invalid(path: string, problems: readonly string[]): WardenError {
  const shown = problems.slice(0, MAX_LINES);
  if (problems.length > MAX_LINES) shown.push(`and ${String(problems.length - MAX_LINES)} more`);
  const count = problems.length === 1 ? '1 problem' : `${String(problems.length)} problems`;
  return new WardenError('config-invalid', `${path} has ${count}:\n  ${shown.join('\n  ')}`, {
    hint: 'every key is described in docs/reference/configuration.md',
    details: { problems: shown },
  });
}

/** What the schema cannot say: values that do not fit together, and the grammar of the schedule. */
function findContradictions(config: Config): string[] {
  const problems: string[] = [];
  const seen = new Map<string, string>([[config.node, 'node']]);
  for (const [index, sibling] of config.peer.siblings.entries()) {
    const key = `peer.siblings[${String(index)}].node`;
    const taken = seen.get(sibling.node);
    if (taken !== undefined)
      problems.push(`${key}: wanted another name than ${taken}, got "${sibling.node}" twice`);
    seen.set(sibling.node, key);
  }
  const { staleAfterMs, intervalMs } = config.peer;
  if (staleAfterMs <= intervalMs) {
    const values = `${String(staleAfterMs)} and ${String(intervalMs)}`;
    problems.push(`peer.staleAfterMs: wanted more than peer.intervalMs, got ${values}`);
  }
  if (!isCronExpression(config.backup.schedule))
    problems.push(`backup.schedule: wanted a cron expression, got "${config.backup.schedule}"`);
  return problems;
}

async function readText(path: string): Promise<string> {
  try {
    const handle = await open(path, 'r');
    try {
      const { size } = await handle.stat();
      if (size > MAX_CONFIG_BYTES) throw new Error(`it is larger than ${String(MAX_CONFIG_BYTES)} bytes`);
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new WardenError('config-invalid', `${path} cannot be read: ${messageOf(error)}`, {
      hint: 'name the file with --config, or in the environment variable OVN_WARDEN_CONFIG',
      cause: error,
    });
  }
}
