import { Journal } from '../../src/heal/journal.ts';
import { entryOf } from './journal-entries.ts';

/**
 * A program for the tests: appends entries to the journal at argv[2], one after the other, and prints the sequence of
 * each one that `append` has acknowledged, or `failed`. It ends after argv[3] acknowledged ones, or when killed.
 */
const [, , path = '', count = '0'] = process.argv;
const journal = await Journal.open(path, () => undefined);
for (let done = 0; done < Number(count); ) {
  try {
    const { sequence } = await journal.append(entryOf({ healId: `heal-${String(done)}` }));
    done += 1;
    process.stdout.write(`${String(sequence)}\n`);
  } catch {
    process.stdout.write('failed\n');
    // Time for the test to make room.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
