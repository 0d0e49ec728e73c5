import type { z } from 'zod';
import { nearestWord } from '../lib/nearest-word.ts';

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

const MAX_QUOTED_CHARACTERS = 80;

/**
 * Lines such as `heal.mode: wanted "auto" or "observe", got "yolo"`; one for each thing that is wrong. `knownKeys` are
 * the dotted keys of the schema, from which a misspelt one is guessed.
 */
export function explainIssue(issue: Issue, input: unknown, knownKeys: readonly string[]): readonly string[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => unknownKey(issue.path, key, knownKeys));
  return [`${keyOf(issue.path)}: wanted ${wanted(issue)}, got ${got(input, issue.path)}`];
}

function wanted(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return typeName(issue.expected);
    case 'invalid_value':
      return issue.values.map((value) => JSON.stringify(value)).join(' or ');
    case 'too_small':
      return `at least ${amount(issue.minimum, issue.origin)}`;
    case 'too_big':
      return `at most ${amount(issue.maximum, issue.origin)}`;
    case 'invalid_format':
      return issue.format === 'url' ? 'an https address' : stripWanted(issue.message);
    default:
      return stripWanted(issue.message);
  }
}

function stripWanted(message: string): string {
  return message.replace(/^wanted /, '');
}

function typeName(expected: string): string {
  if (expected === 'int') return 'a whole number';
  return /^[aeiou]/.test(expected) ? `an ${expected}` : `a ${expected}`;
}

function amount(limit: number | bigint, origin: string): string {
  if (origin === 'string') return `${String(limit)} characters`;
  if (origin === 'array') return `${String(limit)} items`;
  return String(limit);
}

function got(input: unknown, path: Path): string {
  const value = valueAt(input, path);
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${String(value.length)}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value);
  return text.length <= MAX_QUOTED_CHARACTERS ? text : `${text.slice(0, MAX_QUOTED_CHARACTERS)}…`;
}

function valueAt(input: unknown, path: Path): unknown {
  let value = input;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}

/** `peer.siblings[0].url`; the empty path is the file itself. */
function keyOf(path: Path): string {
  let key = '';
  for (const step of path) {
    if (typeof step === 'number') key += `[${String(step)}]`;
    else key += key === '' ? String(step) : `.${String(step)}`;
  }
  return key === '' ? 'the file' : key;
}

function unknownKey(path: Path, key: string, keys: readonly string[]): string {
  const parent = path.length === 0 ? '' : `${keyOf(path)}.`;
  const generalParent = parent.replaceAll(/\[\d+\]/g, '[]');
  const siblings = keys
    .filter((known) => known.startsWith(generalParent))
    .map((known) => known.slice(generalParent.length))
    .filter((name) => /^\w+$/.test(name));
  const meant = nearestWord(key, siblings);
  const elsewhere = keys.find((known) => known.endsWith(`.${key}`));
  if (meant !== undefined) return `${parent}${key}: unknown key; did you mean ${parent}${meant}?`;
  if (elsewhere !== undefined) return `${parent}${key}: unknown key here; did you mean ${elsewhere}?`;
  return `${parent}${key}: unknown key; known are ${siblings.join(', ')}`;
}
