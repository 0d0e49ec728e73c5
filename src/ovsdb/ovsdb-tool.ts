import { isAbsolute } from 'node:path';
import { WardenError } from '../lib/errors.ts';
import { type RunResult, runProcess } from '../lib/run-process.ts';

export interface OvsdbToolOptions {
  /** Absolute path of `ovsdb-tool`. */
  readonly path: string;
  /** For each run. `check-cluster` takes 1 to 3 seconds for 80 MB. */
  readonly timeoutMs: number;
}

/** What `check-cluster` says of a file: exit code 0 or not, and all that it printed. */
export interface CheckClusterResult {
  readonly ok: boolean;
  readonly output: string;
}

/** The engine's own program for database files, as a second opinion on ours. */
export interface OvsdbTool {
  /**
   * `ovsdb-tool check-cluster FILE`. It does not bear a torn tail, and a file fresh from `create-cluster` that no server
   * has opened yet fails with "all logs are empty".
   */
  checkCluster(file: string, signal?: AbortSignal): Promise<CheckClusterResult>;
  /** For example `3.1.0`. */
  version(signal?: AbortSignal): Promise<string>;
}

/** @throws WardenError `config-invalid` for a relative path; each call: `tool-failed` or `aborted`. */
export function createOvsdbTool(options: OvsdbToolOptions): OvsdbTool {
  const { path, timeoutMs } = options;
  if (!isAbsolute(path)) {
    throw new WardenError('config-invalid', `the path of ovsdb-tool must be absolute, got "${path}"`);
  }
  const run = async (args: readonly string[], signal?: AbortSignal): Promise<RunResult> =>
    await runProcess({ file: path, args, timeoutMs, ...(signal === undefined ? {} : { signal }) });
  return {
    async checkCluster(file, signal) {
      const { exitCode, stdout, stderr } = await run(['--', 'check-cluster', file], signal);
      if (exitCode === null) throw new WardenError('tool-failed', `${path} check-cluster died of a signal`);
      return { ok: exitCode === 0, output: `${stdout}${stderr}`.trim() };
    },
    async version(signal) {
      const { stdout, stderr } = await run(['--version'], signal);
      return parseToolVersion(`${stdout}${stderr}`);
    },
  };
}

/** The version in `ovsdb-tool (Open vSwitch) 3.1.0`. @throws WardenError `tool-failed` when there is none. */
export function parseToolVersion(text: string): string {
  const version = /^ovsdb-tool \(Open vSwitch\) (\d+\.\d+\.\d+\S*)/m.exec(text)?.[1];
  if (version !== undefined) return version;
  const got = text.trim().slice(0, 120);
  throw new WardenError('tool-failed', `wanted "ovsdb-tool (Open vSwitch) N.N.N", got "${got}"`);
}

/**
 * Whether a tool is older than the server that wrote a file, by major and minor version: a patch release changes no
 * file format. Such a tool is no source of truth: it may not know a newer record and call a sound file bad.
 */
export function isOlderThan(toolVersion: string, serverVersion: string): boolean {
  const [toolMajor, toolMinor] = majorMinor(toolVersion);
  const [serverMajor, serverMinor] = majorMinor(serverVersion);
  return toolMajor < serverMajor || (toolMajor === serverMajor && toolMinor < serverMinor);
}

function majorMinor(version: string): [major: number, minor: number] {
  const [, major, minor] = /^(\d+)\.(\d+)(?:\.|$)/.exec(version) ?? [];
  if (major === undefined || minor === undefined) {
    throw new WardenError('reply-invalid', `wanted a version N.N.N, got "${version}"`);
  }
  return [Number(major), Number(minor)];
}
