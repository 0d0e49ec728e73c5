/**
 * The JSON grammar as one table: `next state = GRAMMAR[(state << 5) | CLASS_OF_BYTE[byte]]`. Values from
 * `FIRST_ACTION` on are no states but things for the scanner to do. One table look-up a byte keeps the verifier faster
 * than the checksum that it runs beside.
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
  '1-9',
  'a',
  'b',
  'cd',
  'e',
  'f',
  'l',
  'n',
  'r',
  's',
  't',
  'u',
  'ABCDF',
  'E',
] as const;
type ClassName = (typeof CLASS_NAMES)[number];

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
  'key-string',
  'key-escape',
  'key-hex1',
  'key-hex2',
  'key-hex3',
  'key-hex4',
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
export const CLASS_OF_BYTE: Uint8Array = classifyBytes();
export const GRAMMAR: Uint8Array = buildGrammar();

function numbered<Name extends string>(names: readonly Name[], first: number): Record<Name, number> {
  return Object.fromEntries(names.map((name, at) => [name, first + at])) as Record<Name, number>;
}

function classifyBytes(): Uint8Array {
  const single = new Map<string, number>();
  CLASS_NAMES.forEach((name, at) => {
    if (name.length === 1) single.set(name, at);
  });
  const named = (name: ClassName): number => CLASS_NAMES.indexOf(name);
  return Uint8Array.from({ length: 256 }, (_, byte) => {
    const char = String.fromCharCode(byte);
    if (char === ' ') return named('space');
    if ('\t\n\r'.includes(char)) return named('line-space');
    if (byte < 0x20) return named('control');
    if ('123456789'.includes(char)) return named('1-9');
    if ('cd'.includes(char)) return named('cd');
    if ('ABCDF'.includes(char)) return named('ABCDF');
    return single.get(char) ?? named('other');
  });
}

function buildGrammar(): Uint8Array {
  const table = new Uint8Array(STATE_NAMES.length << 5).fill(SYNTAX_ERROR);
  const rule = (from: StateName, classes: readonly ClassName[], to: StateName | ActionName): void => {
    const result = to in STATE ? STATE[to as StateName] : ACTION[to as ActionName];
    for (const name of classes) table[(STATE[from] << 5) | CLASS_NAMES.indexOf(name)] = result;
  };
  addStructure(rule);
  addStrings(rule, 'string', 'escape', ['hex1', 'hex2', 'hex3', 'hex4'], 'after');
  addStrings(rule, 'key-string', 'key-escape', ['key-hex1', 'key-hex2', 'key-hex3', 'key-hex4'], 'close-key');
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
    rule(state, ['1-9'], 'integer');
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

function addStrings(
  rule: Rule,
  string: StateName,
  escape: StateName,
  hex: readonly [StateName, StateName, StateName, StateName],
  end: StateName | ActionName,
): void {
  const printable = CLASS_NAMES.filter((name) => name !== 'control' && name !== 'line-space');
  rule(string, printable, string);
  rule(string, ['"'], end);
  rule(string, ['\\'], escape);
  rule(escape, ['"', '\\', '/', 'b', 'f', 'n', 'r', 't'], string);
  rule(escape, ['u'], hex[0]);
  const digits: readonly ClassName[] = ['0', '1-9', 'a', 'b', 'cd', 'e', 'f', 'ABCDF', 'E'];
  hex.forEach((state, at) => {
    rule(state, digits, hex[at + 1] ?? string);
  });
}

function addNumbers(rule: Rule): void {
  rule('minus', ['0'], 'zero');
  rule('minus', ['1-9'], 'integer');
  rule('integer', ['0', '1-9'], 'integer');
  for (const state of ['zero', 'integer'] as const) rule(state, ['.'], 'point');
  for (const state of ['point', 'fraction'] as const) rule(state, ['0', '1-9'], 'fraction');
  for (const state of ['zero', 'integer', 'fraction'] as const) rule(state, ['e', 'E'], 'exponent');
  rule('exponent', ['+', '-'], 'exponent-sign');
  for (const state of ['exponent', 'exponent-sign', 'exponent-digits'] as const) {
    rule(state, ['0', '1-9'], 'exponent-digits');
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
