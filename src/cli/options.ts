import { agentSocketPath } from '../config/state-paths.ts';

export const DEFAULT_CONFIG_PATH = '/etc/ovn-warden/config.json';

/** How a command that talks to the local agent finds it. */
export interface AgentOptions {
  /** Path of the configuration file. */
  readonly config: string;
  /** Path of the agent's socket; when absent it is derived from the configuration. */
  readonly socket?: string;
}

/** The socket of the local agent: as named, or `agent.sock` in the state directory of the configuration. */
export async function findAgentSocket(options: AgentOptions): Promise<string> {
  if (options.socket !== undefined) return options.socket;
  const { loadConfig } = await import('../config/load.ts');
  return agentSocketPath((await loadConfig(options.config)).stateDir);
}
