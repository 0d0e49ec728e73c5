import type { AgentSources } from '../../src/http/agent-app.ts';
import { exampleStatusDocument } from '../support/example-status.ts';

/** Sources of a healthy agent, with parts replaced. */
export function exampleSources(parts: Partial<AgentSources> = {}): AgentSources {
  return {
    getStatus: exampleStatusDocument,
    isWatching: () => ({ ok: true, because: 'both databases were looked at 2 s ago' }),
    metrics: () => Promise.resolve('# TYPE up gauge\nup 1\n'),
    onError: (error) => {
      throw error;
    },
    ...parts,
  };
}
