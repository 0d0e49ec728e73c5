/**
 * A process that follows one log and keeps a ledger of the lines it dealt with; made to be killed. Not a test.
 * Arguments: LOG CHECKPOINT LEDGER. Prints its counters as one JSON line when it ends.
 */
import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs';
import { once } from 'node:events';
import { systemClock } from '../../src/lib/clock.ts';
import { createTail } from '../../src/watch/tail.ts';

const [path = '', checkpointFile = '', ledger = ''] = process.argv.slice(2);

function dealtWith(): Set<string> {
  if (!existsSync(ledger)) return new Set();
  const content = readFileSync(ledger, 'utf8');
  const whole = content.slice(0, content.lastIndexOf('\n') + 1);
  truncateSync(ledger, Buffer.byteLength(whole));
  return new Set(whole.split('\n').map((line) => line.split('\t')[0] ?? ''));
}

const known = dealtWith();
const warn = (fields: object, message: string): void => {
  process.stderr.write(`${message} ${JSON.stringify(fields)}\n`);
};
const tail = createTail({
  files: [{ path, database: 'nb' }],
  checkpointFile,
  clock: systemClock,
  log: { info: () => undefined, warn },
  lingerMs: 2000,
  checkpointMs: 100,
  onLines: ({ lines }) => {
    const fresh = lines.filter(({ id }) => !known.has(id));
    for (const { id } of fresh) known.add(id);
    appendFileSync(ledger, fresh.map(({ id, text }) => `${id}\t${text}\n`).join(''));
    return Promise.resolve();
  },
});
await tail.start();
await once(process, 'SIGTERM');
await tail.stop();
process.stdout.write(`${JSON.stringify(tail.counters)}\n`);
