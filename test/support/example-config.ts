import type { z } from 'zod';
import type { configSchema } from '../../src/config/schema.ts';

/** A small valid configuration, as it stands in a file: no defaults filled in. */
export function exampleConfig(): z.input<typeof configSchema> {
  return {
    node: 'a',
    databases: {
      nb: { file: '/etc/ovn/ovnnb_db.db', socket: '/var/run/ovn/ovnnb_db.ctl' },
      sb: { file: '/etc/ovn/ovnsb_db.db', socket: '/var/run/ovn/ovnsb_db.ctl' },
    },
    peer: { tls: { caFile: '/tls/ca.pem', certFile: '/tls/a.pem', keyFile: '/tls/a.key' } },
  };
}
