/**
 * The JSON grammar as one table: `next state = GRAMMAR[(state << 8) | byte]`. Values from `FIRST_ACTION` on are no
 * states but things for the scanner to do. One table look-up a byte keeps the verifier about as fast as the checksum
 * that it runs beside.
 */

const CLASS_NAMES = [
  'other',
  'space',
  'line-space',
  'control',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '/',
  '+',
  '-',
  '.',
  '0',
  '1-7',
  '89',
  'a',
  'b',
  'c',
  'd',
  'e',
  'f',
  'l',
  'n',
  'r',
  's',
  't',
  'u',
  'AB',
  'CF',
  'D',
  'E',
] as const;
type ClassName = (typeof CLASS_NAMES)[number];

const DIGITS_1_TO_9: readonly ClassName[] = ['1-7', '89'];
const HEX_8_TO_B: readonly ClassName[] = ['89', 'a', 'b', 'AB'];
const HEX_C_TO_F: readonly ClassName[] = ['c', 'd', 'e', 'f', 'CF', 'D', 'E'];
const HEX_DIGITS: readonly ClassName[] = ['0', '1-7', ...HEX_8_TO_B, ...HEX_C_TO_F];

const STATE_NAMES = [
  'start',
  'value',
  'value-or-end',
  'key',
  'key-or-end',
  'colon',
  'after',
  'done',
  'string',
  'escape',
  'hex1',
  'hex2',
  'hex3',
  'hex4',
  'hex2-after-0',
  'hex3-after-00',
  'hex4-after-000',
  'hex2-after-d',
  'high3',
  'high4',
  'low-escape',
  'low-u',
  'low1',
  'low2',
  'key-string',
  'key-escape',
  'key-hex1',
  'key-hex2',
  'key-hex3',
  'key-hex4',
  'key-hex2-after-0',
  'key-hex3-after-00',
  'key-hex4-after-000',
  'key-hex2-after-d',
  'key-high3',
  'key-high4',
  'key-low-escape',
  'key-low-u',
  'key-low1',
  'key-low2',
  'minus',
  'zero',
  'integer',
  'point',
  'fraction',
  'exponent',
  'exponent-sign',
  'exponent-digits',
  'tr',
  'tru',
  'true',
  'fa',
  'fal',
  'fals',
  'false',
  'nu',
  'nul',
  'null',
] as const;
type StateName = (typeof STATE_NAMES)[number];

export const ACTIONS = [
  'open-object',
  'open-array',
  'close-object',
  'close-array',
  'comma',
  'open-key',
  'close-key',
] as const;
type ActionName = (typeof ACTIONS)[number];

/** Results of the table from here on are actions. */
export const FIRST_ACTION = 128;
/** The result of the table for a byte that may not stand where it does. */
export const SYNTAX_ERROR = 255;

export const STATE = numbered(STATE_NAMES, 0);
export const ACTION = numbered(ACTIONS, FIRST_ACTION);
export const GRAMMAR: Uint8Array = buildGrammar();
/** 1 for each byte that leaves a string as it is: nearly all of a database is inside strings. */
export const IS_PLAIN: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  GRAMMAR[(STATE.string << 8) | byte] === STATE.string ? 1 : 0,
);

function numbered<Name extends string>(names: readonly Name[], first: number): Record<Name, number> {
  return Object.fromEntries(names.map((name, at) => [name, first + at])) as Record<Name, number>;
}

function bytesByClass(): Readonly<Record<ClassName, number[]>> {
  const bytes = Object.fromEntries(CLASS_NAMES.map((name) => [name, []])) as unknown as Record<
    ClassName,
    number[]
  >;
  for (let byte = 0; byte < 256; byte++) bytes[classOf(byte)].push(byte);
  return bytes;
}

function classOf(byte: number): ClassName {
  const char = String.fromCharCode(byte);
  if (char === ' ') return 'space';
  if ('\t\n\r'.includes(char)) return 'line-space';
  if (byte < 0x20) return 'control';
  if (char >= '1' && char <= '7') return '1-7';
  for (const name of ['89', 'AB', 'CF'] as const) if (name.includes(char)) return name;
  return CLASS_NAMES.find((name) => name === char) ?? 'other';
}

function buildGrammar(): Uint8Array {
  const table = new Uint8Array(STATE_NAMES.length << 8).fill(SYNTAX_ERROR);
  const bytesOf = bytesByClass();
  const rule = (from: StateName, classes: readonly ClassName[], to: StateName | ActionName): void => {
    const result = to in STATE ? STATE[to as StateName] : ACTION[to as ActionName];
    for (const name of classes) for (const byte of bytesOf[name]) table[(STATE[from] << 8) | byte] = result;
  };
  addStructure(rule);
  addStrings(rule, '', 'after');
  addStrings(rule, 'key-', 'close-key');
  addNumbers(rule);
  addWords(rule);
  return table;
}

type Rule = (from: StateName, classes: readonly ClassName[], to: StateName | ActionName) => void;

function addStructure(rule: Rule): void {
  for (const state of [
    'start',
    'value',
    'value-or-end',
    'key',
    'key-or-end',
    'colon',
    'after',
    'done',
  ] as const) {
    rule(state, ['space', 'line-space'], state);
  }
  rule('start', ['{'], 'open-object');
  for (const state of ['value', 'value-or-end'] as const) {
    rule(state, ['{'], 'open-object');
    rule(state, ['['], 'open-array');
    rule(state, ['"'], 'string');
    rule(state, ['-'], 'minus');
    rule(state, ['0'], 'zero');
    rule(state, DIGITS_1_TO_9, 'integer');
    rule(state, ['t'], 'tr');
    rule(state, ['f'], 'fa');
    rule(state, ['n'], 'nu');
  }
  rule('value-or-end', [']'], 'close-array');
  rule('key', ['"'], 'open-key');
  rule('key-or-end', ['"'], 'open-key');
  rule('key-or-end', ['}'], 'close-object');
  rule('colon', [':'], 'value');
  addEndOfValue(rule, 'after');
}

function addEndOfValue(rule: Rule, state: StateName): void {
  rule(state, ['space', 'line-space'], 'after');
  rule(state, [','], 'comma');
  rule(state, ['}'], 'close-object');
  rule(state, [']'], 'close-array');
}

function addStrings(rule: Rule, of: '' | 'key-', end: StateName | ActionName): void {
  const printable = CLASS_NAMES.filter((name) => name !== 'control' && name !== 'line-space');
  rule(`${of}string`, printable, `${of}string`);
  rule(`${of}string`, ['"'], end);
  rule(`${of}string`, ['\\'], `${of}escape`);
  rule(`${of}escape`, ['"', '\\', '/', 'b', 'f', 'n', 'r', 't'], `${of}string`);
  rule(`${of}escape`, ['u'], `${of}hex1`);
  addHexDigits(rule, of);
  addExceptions(rule, of);
}

function addHexDigits(rule: Rule, of: '' | 'key-'): void {
  rule(`${of}hex1`, HEX_DIGITS, `${of}hex2`);
  for (const state of ['hex2', 'hex2-after-0', 'hex2-after-d'] as const)
    rule(`${of}${state}`, HEX_DIGITS, `${of}hex3`);
  for (const state of ['hex3', 'hex3-after-00'] as const) rule(`${of}${state}`, HEX_DIGITS, `${of}hex4`);
  rule(`${of}hex4`, HEX_DIGITS, `${of}string`);
  const notZero = HEX_DIGITS.filter((name) => name !== '0');
  rule(`${of}hex4-after-000`, notZero, `${of}string`);
}

/**
 * Stricter than JSON, as the server is (`json_lex_unicode` in OVS `lib/json.c`): no `\u0000`, and the first half of a
 * surrogate pair needs its second.
 */
function addExceptions(rule: Rule, of: '' | 'key-'): void {
  rule(`${of}hex1`, ['0'], `${of}hex2-after-0`);
  rule(`${of}hex2-after-0`, ['0'], `${of}hex3-after-00`);
  rule(`${of}hex3-after-00`, ['0'], `${of}hex4-after-000`);
  rule(`${of}hex1`, ['d', 'D'], `${of}hex2-after-d`);
  rule(`${of}hex2-after-d`, HEX_8_TO_B, `${of}high3`);
  rule(`${of}high3`, HEX_DIGITS, `${of}high4`);
  rule(`${of}high4`, HEX_DIGITS, `${of}low-escape`);
  rule(`${of}low-escape`, ['\\'], `${of}low-u`);
  rule(`${of}low-u`, ['u'], `${of}low1`);
  rule(`${of}low1`, ['d', 'D'], `${of}low2`);
  rule(`${of}low2`, HEX_C_TO_F, `${of}hex3`);
}

function addNumbers(rule: Rule): void {
  rule('minus', ['0'], 'zero');
  rule('minus', DIGITS_1_TO_9, 'integer');
  rule('integer', ['0', ...DIGITS_1_TO_9], 'integer');
  for (const state of ['zero', 'integer'] as const) rule(state, ['.'], 'point');
  for (const state of ['point', 'fraction'] as const) rule(state, ['0', ...DIGITS_1_TO_9], 'fraction');
  for (const state of ['zero', 'integer', 'fraction'] as const) rule(state, ['e', 'E'], 'exponent');
  rule('exponent', ['+', '-'], 'exponent-sign');
  for (const state of ['exponent', 'exponent-sign', 'exponent-digits'] as const) {
    rule(state, ['0', ...DIGITS_1_TO_9], 'exponent-digits');
  }
  for (const state of ['zero', 'integer', 'fraction', 'exponent-digits'] as const) addEndOfValue(rule, state);
}

function addWords(rule: Rule): void {
  const words: readonly (readonly [StateName, ClassName, StateName])[] = [
    ['tr', 'r', 'tru'],
    ['tru', 'u', 'true'],
    ['true', 'e', 'after'],
    ['fa', 'a', 'fal'],
    ['fal', 'l', 'fals'],
    ['fals', 's', 'false'],
    ['false', 'e', 'after'],
    ['nu', 'u', 'nul'],
    ['nul', 'l', 'null'],
    ['null', 'l', 'after'],
  ];
  for (const [from, name, to] of words) rule(from, [name], to);
}
