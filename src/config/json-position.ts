import { messageOf } from '../lib/errors.ts';

/** Where a JSON text stops being JSON, and why. Lines and columns count from 1. */
export interface JsonFault {
  readonly line: number;
  readonly column: number;
  readonly reason: string;
}

/** The first place at which `text` is not JSON; undefined when it is JSON. */
export function findJsonFault(text: string): JsonFault | undefined {
  const reason = parseFailure(text);
  if (reason === undefined) return undefined;
  const offset = faultOffset(text);
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { line, column: offset - before.lastIndexOf('\n'), reason: shorten(reason) };
}

function parseFailure(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/**
 * V8 leaves the position out of some of its messages, so it is searched: the shortest prefix that is wrong for another
 * reason than being too short ends with the offending character.
 */
function faultOffset(text: string): number {
  let low = 0;
  let high = text.length + 1;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isWrongBeforeItsEnd(text.slice(0, middle))) high = middle;
    else low = middle;
  }
  return high - 1;
}

function isWrongBeforeItsEnd(prefix: string): boolean {
  const reason = parseFailure(prefix);
  if (reason === undefined || reason.startsWith('Unexpected end')) return false;
  const position = /at position (\d+)/.exec(reason)?.[1];
  return position === undefined || Number(position) < prefix.length;
}

/** Without V8's own position and without its quotation of the text. */
function shorten(reason: string): string {
  return reason.replace(/( in JSON)? at position.*$/s, '').replace(/, (\.\.\.)?".*$/s, '');
}
