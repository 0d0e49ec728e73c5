import { SIGNATURES, type Signature } from './signature-catalogue.ts';

/** One pass over a line rules nearly all of them out before any real pattern runs. */
const ANY_NEEDLE = new RegExp(
  [...new Set(SIGNATURES.flatMap((signature) => signature.needles))].map(escaped).join('|'),
);

/**
 * The first signature that matches a line (without newline and without a container runtime's prefix), or undefined.
 * Linear in the length of the line, whatever it contains.
 */
export function matchSignature(text: string): Signature | undefined {
  if (!ANY_NEEDLE.test(text)) return undefined;
  return SIGNATURES.find(
    ({ needles, pattern }) => needles.some((needle) => text.includes(needle)) && pattern.test(text),
  );
}

function escaped(literal: string): string {
  return literal.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&');
}
