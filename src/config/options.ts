import { z } from 'zod';
import { configSchema } from './schema.ts';

/** One key of the configuration file, as the schema describes it. */
export interface ConfigOption {
  /** Dotted, with `[]` for the items of a list: `peer.siblings[].url`. */
  readonly key: string;
  readonly type: string;
  /** JSON text of the default; null when there is none. */
  readonly defaultValue: string | null;
  readonly required: boolean;
  /** Limits in words; empty when there are none. */
  readonly range: string;
  readonly description: string;
}

/** The part of JSON Schema that zod produces for the configuration. */
interface SchemaNode {
  readonly type?: string;
  readonly format?: string;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
}

/** Every key of the configuration file, in the order of the schema; objects before what they hold. */
export function listOptions(): readonly ConfigOption[] {
  const root = z.toJSONSchema(configSchema, { io: 'input' }) as SchemaNode;
  return optionsBelow(root, '');
}

function optionsBelow(node: SchemaNode, prefix: string): ConfigOption[] {
  const options: ConfigOption[] = [];
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    const key = `${prefix}${name}`;
    const required = (node.required ?? []).includes(name);
    options.push(optionOf(key, child, required));
    options.push(...optionsBelow(child, `${key}.`));
    if (child.items !== undefined) options.push(...optionsBelow(child.items, `${key}[].`));
  }
  return options;
}

function optionOf(key: string, node: SchemaNode, required: boolean): ConfigOption {
  const isSection = node.properties !== undefined;
  return {
    key,
    type: typeOf(node),
    defaultValue: node.default === undefined || isSection ? null : JSON.stringify(node.default),
    required,
    range: rangeOf(node),
    description: node.description ?? '',
  };
}

function typeOf(node: SchemaNode): string {
  if (node.enum !== undefined) return node.enum.map((value) => JSON.stringify(value)).join(' or ');
  if (node.pattern?.startsWith('^\\/') === true) return 'absolute path';
  if (node.format === 'uri') return 'https address';
  if (node.type === 'array') return 'list';
  return node.type ?? 'any';
}

function rangeOf(node: SchemaNode): string {
  if (node.enum !== undefined || node.format === 'uri') return '';
  if (node.maxItems !== undefined) return `at most ${String(node.maxItems)} items`;
  if (node.minimum !== undefined) return numberRange(node.minimum, node.maximum);
  if (node.minLength !== undefined && node.maxLength !== undefined)
    return `${String(node.minLength)} to ${String(node.maxLength)} characters`;
  return node.minLength === undefined ? '' : 'not empty';
}

function numberRange(minimum: number, maximum: number | undefined): string {
  if (maximum === undefined || maximum === Number.MAX_SAFE_INTEGER) return `at least ${String(minimum)}`;
  return `${String(minimum)} to ${String(maximum)}`;
}
