import { join } from 'node:path';

/** The socket on which the agent with this state directory answers the local command line. */
export function agentSocketPath(stateDir: string): string {
  return join(stateDir, 'agent.sock');
}
