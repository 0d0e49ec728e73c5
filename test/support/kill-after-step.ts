import { Journal } from '../../src/heal/journal.ts';

/**
 * Preloaded into a real agent (`--import …/kill-after-step.ts?step=compacting&delayMs=0`): the process kills itself with
 * SIGKILL as soon as its journal holds the step, before anything that follows, or a little later.
 */
const query = new URL(import.meta.url).searchParams;
const step = query.get('step');
const delayMs = Number(query.get('delayMs') ?? '0');

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own `this` below
const { append } = Journal.prototype;
Journal.prototype.append = async function (entry) {
  const written = await append.call(this, entry);
  if (entry.step !== step) return written;
  if (delayMs === 0) process.kill(process.pid, 'SIGKILL');
  setTimeout(() => {
    process.kill(process.pid, 'SIGKILL');
  }, delayMs);
  return written;
};
