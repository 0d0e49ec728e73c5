import { z } from 'zod';

/** Timers of Node hold no more than 2^31 - 1 milliseconds, a little more than this. */
const MAX_MILLISECONDS = 24 * 86_400_000;

const milliseconds = (defaultMs: number, description: string, minMs = 1, maxMs = MAX_MILLISECONDS) =>
  z.int().min(minMs).max(maxMs).default(defaultMs).describe(`${description} In milliseconds.`);

const absolutePath = z.string().startsWith('/', 'wanted an absolute path').max(4096);

const logFile = z.strictObject({
  path: absolutePath.describe('A log to follow by name, across rotations.'),
  database: z
    .enum(['nb', 'sb'])
    .optional()
    .describe('The database that its lines speak of when they name none.'),
});

const database = z.strictObject({
  file: absolutePath.describe('The live database file.'),
  socket: absolutePath.describe('The control socket of its server, for example /var/run/ovn/ovnnb_db.ctl.'),
});

const port = z.int().min(0).max(65_535);

const sibling = z.strictObject({
  node: z.string().min(1).max(253).describe("The sibling's own `node`."),
  url: z.url({ protocol: /^https$/ }).describe('Its peer address, for example https://10.0.0.2:10671.'),
});

const http = z
  .strictObject({
    host: z.string().min(1).default('127.0.0.1').describe('Address for people and Prometheus.'),
    port: port.default(10_670).describe('Port for people and Prometheus; 0 lets the kernel choose.'),
  })
  .prefault({});

const peer = z
  .strictObject({
    host: z.string().min(1).default('127.0.0.1').describe('Address on which siblings reach this agent.'),
    port: port.default(10_671).describe('Port on which siblings reach this agent; 0 lets the kernel choose.'),
    tls: z
      .strictObject({
        caFile: absolutePath.describe('Authority that signed the certificates of all agents.'),
        certFile: absolutePath.describe('Certificate of this agent; its common name is `node`.'),
        keyFile: absolutePath.describe('Private key of this agent.'),
      })
      .describe('Mutual TLS between agents.'),
    siblings: z.array(sibling).max(16).default([]).describe('The agents on the other ovn-central hosts.'),
    intervalMs: milliseconds(5_000, 'Time between two exchanges with each sibling.', 100),
    timeoutMs: milliseconds(5_000, 'Longest wait for an answer of a sibling.', 100),
    staleAfterMs: milliseconds(30_000, 'Evidence older than this counts as absent.', 1_000),
  })
  .describe('Talk with the agents on the other hosts.');

const probe = z
  .strictObject({
    intervalMs: milliseconds(5_000, 'Time between two questions to a server.', 100),
    timeoutMs: milliseconds(
      10_000,
      'Longest wait for its answer; it is silent for seconds while it compacts.',
      100,
    ),
  })
  .prefault({});

const scrub = z
  .strictObject({
    intervalMs: milliseconds(
      10_000,
      'Time between two looks at the new bytes of a file; a look also asks the server, so the shorter interval counts.',
      100,
    ),
    fullIntervalMs: milliseconds(
      6 * 3_600_000,
      'Time between two reads of every byte, past the page cache.',
      100,
    ),
    confirmAfterMs: milliseconds(60_000, 'Least time between the two reads that confirm damage.', 100),
  })
  .prefault({});

const heal = z
  .strictObject({
    mode: z.enum(['auto', 'observe']).default('auto').describe('`observe` does everything but act.'),
    armAfterMs: milliseconds(
      600_000,
      'All members must have been healthy for this long before anything acts.',
      0,
    ),
    cooldownMs: milliseconds(300_000, 'Least time between two compactions of one member.', 0),
    compactionsPerDay: z
      .int()
      .min(1)
      .max(1_000)
      .default(24)
      .describe('Budget of compactions for one member a day.'),
    retryMs: milliseconds(30_000, 'Least time between two attempts at a heal that was refused.', 100),
    turnMs: milliseconds(
      300_000,
      'How long siblings keep still for one heal; must leave more than heal.compactTimeoutMs once they have answered.',
      1_000,
    ),
    compactTimeoutMs: milliseconds(120_000, 'Longest wait for a compaction.', 1_000),
    minMemoryFactor: z
      .number()
      .min(1)
      .max(100)
      .default(10)
      .describe('Free memory needed for a compaction, as a multiple of the file size.'),
  })
  .prefault({});

const backup = z
  .strictObject({
    schedule: z.string().min(9).max(100).default('17 * * * *').describe('Cron expression, in UTC.'),
    maxAgeMs: milliseconds(2 * 3_600_000, 'A backup is taken when the newest verified one is older.', 1_000),
    keepLast: z.int().min(1).max(10_000).default(48).describe('Backups kept of each database and cluster.'),
    maxBytes: z
      .int()
      .min(1_048_576)
      .default(10 * 1_073_741_824)
      .describe('Budget of all backups, preserved and quarantined copies together, in bytes.'),
    minFreeBytes: z
      .int()
      .min(0)
      .default(1_073_741_824)
      .describe('Free space that copies always leave on their filesystem, in bytes.'),
    preservedKeepDays: z
      .int()
      .min(1)
      .max(3_650)
      .default(30)
      .describe('Days that a preserved copy is kept at least.'),
  })
  .prefault({});

/** The configuration file, whole: the only place where options, defaults and limits are written down. */
export const configSchema = z.strictObject({
  node: z.string().min(1).max(253).describe('Name of this host; unique among the agents.'),
  stateDir: absolutePath
    .default('/var/lib/ovn-warden')
    .describe('Where the agent keeps marks, journal and copies.'),
  databases: z
    .strictObject({ nb: database.optional(), sb: database.optional() })
    .refine((value) => value.nb !== undefined || value.sb !== undefined, 'wanted at least one of nb, sb')
    .describe('The databases on this host.'),
  logs: z.array(logFile).max(64).default([]).describe('Logs to follow.'),
  ovsdbTool: absolutePath
    .default('/usr/bin/ovsdb-tool')
    .describe('The ovsdb-tool of the servers that run here.'),
  http,
  peer,
  probe,
  scrub,
  heal,
  backup,
  logLevel: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .describe("Level of the agent's own log."),
});

export type Config = z.infer<typeof configSchema>;
