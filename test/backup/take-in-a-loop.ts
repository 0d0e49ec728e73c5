// A program for a test to kill: takes one backup after the other of argv[3] into the state directory argv[2].
import { openCopies } from '../../src/backup/copies.ts';
import { prune } from '../../src/backup/prune.ts';
import { takeBackup } from '../../src/backup/take.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { takeRequest } from './support.ts';

const [, , stateDir = '', file = ''] = process.argv;
const copies = await openCopies(stateDir, (message) => {
  throw new Error(message);
});
const policy = { keepLast: 3, maxBytes: 1e9, minFreeBytes: 0, preservedKeepDays: 1 };
process.stdout.write('open\n');
for (;;) {
  await takeBackup(copies, takeRequest(file));
  await prune(copies, { policy, frozen: false, clock: systemClock });
  process.stdout.write('taken\n');
}
