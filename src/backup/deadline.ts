import { WardenError } from '../lib/errors.ts';

/**
 * Runs a task with a signal that aborts after `deadlineMs`, or when the caller's `signal` does.
 * The task is expected to heed it; what it then throws becomes `aborted`, with `what` in its message.
 */
export async function withDeadline<T>(
  options: { readonly what: string; readonly deadlineMs: number; readonly signal?: AbortSignal | undefined },
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = AbortSignal.timeout(Math.ceil(options.deadlineMs));
  const signal = options.signal === undefined ? deadline : AbortSignal.any([options.signal, deadline]);
  try {
    signal.throwIfAborted();
    return await task(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    const why = deadline.aborted ? `did not finish in ${String(options.deadlineMs)} ms` : 'was stopped';
    throw new WardenError('aborted', `${options.what} ${why}`, { cause: error });
  }
}
