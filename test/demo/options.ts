import { parseArgs } from 'node:util';
import { messageOf } from '../../src/lib/errors.ts';
import { BREAKABLE, type BreakableStep } from './step.ts';

export type DemoOptions =
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly message: string }
  | { readonly kind: 'run'; readonly keep: boolean; readonly broken: BreakableStep | null };

export const HELP = `Two clusters of OVN's databases on this machine with the same damage: one with agents, one without.

  --keep         leave all running at the end, print the addresses, wait for Ctrl-C
  --break STEP   break a step on purpose; the demo must fail then
  --help         print this

Steps that can be broken:
${Object.entries(BREAKABLE)
  .map(([step, how]) => `  ${step.padEnd(10)} ${how}\n`)
  .join('')}`;

export function parseOptions(args: readonly string[]): DemoOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { keep: { type: 'boolean' }, break: { type: 'string' }, help: { type: 'boolean' } },
    });
    if (values.help === true) return { kind: 'help' };
    const broken = values.break ?? null;
    if (broken !== null && !isBreakable(broken)) {
      const known = Object.keys(BREAKABLE).join(', ');
      return { kind: 'wrong', message: `--break: wanted one of ${known}, got "${broken}"` };
    }
    return { kind: 'run', keep: values.keep ?? false, broken };
  } catch (error) {
    return { kind: 'wrong', message: messageOf(error) };
  }
}

function isBreakable(step: string): step is BreakableStep {
  return Object.hasOwn(BREAKABLE, step);
}
