import { z } from 'zod';
import { Country, DecimalString, formatBytes, formatMoney, Label, parseBytes } from '../contract/units.ts';
import type { Json } from '../contract/canonical.ts';
import type { CelType, Value } from './expression.ts';

/** Most elements of a list parameter. */
const MAX_ITEMS = 64;
/** Longest text of a parameter, in UTF-16 units. */
const MAX_TEXT = 1024;

const Words = z.array(z.string().min(1).max(60)).max(80).default([]);
/**
 * How people say it: understanding knows a parameter only through these. `nouns` stand beside the value, `units` after a
 * number, and `implicit` lets a value of the right kind belong here although no noun was said.
 */
const Hints = z.strictObject({ nouns: Words, units: Words, implicit: z.boolean().default(false) }).default({ nouns: [], units: [], implicit: false });

const described = {
  description: z.string().min(1).max(400),
  required: z.boolean().default(false),
  /** A literal, or a text with `${…}`. */
  default: z.json().optional(),
  hints: Hints,
};
const Size = z.string().refine((text) => parseBytes(text) !== undefined, 'expected a size such as 1 GB or 512 MiB');

/** A parameter of a blueprint: a subset of JSON Schema with units and natural-language hints. */
export const Parameter = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('bytes'), ...described, minimum: Size.optional(), maximum: Size.optional() }),
  z.strictObject({ type: z.literal('integer'), ...described, minimum: z.int().optional(), maximum: z.int().optional(), unit: z.enum(['days', 'months']).optional() }),
  z.strictObject({ type: z.literal('boolean'), ...described }),
  z.strictObject({ type: z.literal('name'), ...described }),
  z.strictObject({ type: z.literal('text'), ...described, maxLength: z.int().min(1).max(MAX_TEXT).optional() }),
  z.strictObject({ type: z.literal('choice'), ...described, choices: z.record(Label, z.strictObject({ nouns: Words })) }),
  z.strictObject({ type: z.literal('countries'), ...described }),
  z.strictObject({ type: z.literal('cities'), ...described }),
  z.strictObject({ type: z.literal('money'), ...described }),
]);
export type Parameter = z.infer<typeof Parameter>;

const CEL_TYPES: Readonly<Record<Parameter['type'], CelType>> = {
  bytes: 'int', integer: 'int', money: 'int', boolean: 'bool', name: 'string', text: 'string', choice: 'string', countries: 'list<string>', cities: 'list<string>',
};

export function celType(parameter: Parameter): CelType {
  return CEL_TYPES[parameter.type];
}

export type Canonical = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly message: string; readonly hint: string };

/**
 * The one form of a parameter's value: bytes and money (millionths of the grid's currency) as decimal strings, lists
 * ascending without repeats, integers as numbers. Takes that form or a person's (`1 PB`, `500 EUR`, `CH,DE`).
 */
export function canonicalValue(parameter: Parameter, raw: unknown, currency = 'EUR'): Canonical {
  switch (parameter.type) {
    case 'bytes':
      return bytes(parameter, raw);
    case 'integer':
      return integer(parameter, raw);
    case 'boolean':
      if (raw === true || raw === 'true') return { ok: true, value: true };
      return raw === false || raw === 'false' ? { ok: true, value: false } : wrong(raw, 'true or false');
    case 'name':
      return Label.safeParse(raw).success ? { ok: true, value: String(raw) } : wrong(raw, 'a name of lower-case letters, digits and hyphens, such as my-archive');
    case 'text':
      return typeof raw === 'string' && raw.isWellFormed() && raw.length <= (parameter.maxLength ?? MAX_TEXT) ? { ok: true, value: raw } : wrong(raw, `a text of at most ${parameter.maxLength ?? MAX_TEXT} characters`);
    case 'choice':
      return typeof raw === 'string' && Object.hasOwn(parameter.choices, raw) ? { ok: true, value: raw } : wrong(raw, `one of ${Object.keys(parameter.choices).join(', ')}`);
    case 'countries':
      return list(raw, (item) => item.toUpperCase(), (item) => Country.safeParse(item).success, 'country codes of two letters, such as CH or CH,DE');
    case 'cities':
      return list(raw, (item) => item, (item) => item.length > 0 && item.length <= 64 && item.isWellFormed(), 'names of cities');
    case 'money':
      return money(raw, currency);
  }
}

/** A JSON value as text: scalars as they are, the rest as JSON. */
export function plainText(value: Json): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** A canonical value as expressions see it. */
export function celValue(parameter: Parameter, value: Json): Value {
  if (CEL_TYPES[parameter.type] === 'int') return BigInt(plainText(value));
  if (Array.isArray(value)) return value.map(plainText);
  return typeof value === 'boolean' ? value : plainText(value);
}

/** A canonical value as people read it. */
export function formatValue(parameter: Parameter, value: Json, currency = 'EUR'): string {
  if (parameter.type === 'bytes') return formatBytes(BigInt(plainText(value)));
  if (parameter.type === 'money') return formatMoney(BigInt(plainText(value)), currency);
  if (parameter.type === 'integer' && parameter.unit) return `${plainText(value)} ${parameter.unit}`;
  return Array.isArray(value) ? value.map(plainText).join(', ') : plainText(value);
}

function bytes(parameter: Extract<Parameter, { type: 'bytes' }>, raw: unknown): Canonical {
  const size = typeof raw === 'number' && Number.isSafeInteger(raw) && raw >= 0 ? BigInt(raw) : DecimalString.safeParse(raw).success ? BigInt(String(raw)) : typeof raw === 'string' ? parseBytes(raw) : undefined;
  if (size === undefined) return wrong(raw, 'a size such as 1 PB or 500 TiB');
  const minimum = parameter.minimum === undefined ? 0n : (parseBytes(parameter.minimum) ?? 0n);
  const maximum = parameter.maximum === undefined ? 2n ** 63n - 1n : (parseBytes(parameter.maximum) ?? 0n);
  if (size < minimum) return outOfBounds(formatBytes(size), 'at least', formatBytes(minimum));
  if (size > maximum) return outOfBounds(formatBytes(size), 'at most', formatBytes(maximum));
  return { ok: true, value: size.toString() };
}

function integer(parameter: Extract<Parameter, { type: 'integer' }>, raw: unknown): Canonical {
  const number = typeof raw === 'number' ? raw : typeof raw === 'string' && /^-?\d{1,15}$/.test(raw) ? Number(raw) : NaN;
  if (!Number.isSafeInteger(number)) return wrong(raw, 'a whole number');
  if (parameter.minimum !== undefined && number < parameter.minimum) return outOfBounds(String(number), 'at least', String(parameter.minimum));
  if (parameter.maximum !== undefined && number > parameter.maximum) return outOfBounds(String(number), 'at most', String(parameter.maximum));
  return { ok: true, value: number === 0 ? 0 : number };
}

function money(raw: unknown, currency: string): Canonical {
  const expected = `an amount such as 500 ${currency}, or millionths of it as a decimal string`;
  if (typeof raw !== 'string') return wrong(raw, expected);
  const said = /^\s*(\d{1,15})(?:\.(\d{1,6}))?\s*([A-Z]{3})\s*$/.exec(raw);
  if (said && said[3] !== currency) return { ok: false, message: `${said[3] ?? ''} is not the currency of this grid`, hint: `give the amount in ${currency}` };
  const millionths = said ? BigInt(`${said[1] ?? ''}${(said[2] ?? '').padEnd(6, '0')}`) : /^(0|[1-9]\d{0,18})$/.test(raw) ? BigInt(raw) : undefined;
  if (millionths === undefined) return wrong(raw, expected);
  return millionths <= 2n ** 63n - 1n ? { ok: true, value: millionths.toString() } : wrong(raw, expected);
}

function list(raw: unknown, normal: (item: string) => string, valid: (item: string) => boolean, expected: string): Canonical {
  const items: unknown[] = Array.isArray(raw) ? raw : typeof raw === 'string' && raw.length <= MAX_TEXT ? raw.split(',').filter((item) => item.trim() !== '') : [null];
  if (items.length > MAX_ITEMS) return wrong(`${items.length} of them`, `at most ${MAX_ITEMS}`);
  const texts = items.map((item) => (typeof item === 'string' ? normal(item.trim()) : ''));
  return texts.every(valid) ? { ok: true, value: [...new Set(texts)].sort() } : wrong(raw, expected);
}

function wrong(raw: unknown, expected: string): Canonical {
  const got = typeof raw === 'string' ? JSON.stringify(raw.slice(0, 60)) : Array.isArray(raw) ? 'a list' : typeof raw === 'number' || typeof raw === 'boolean' ? String(raw) : raw === null ? 'nothing' : `a value of type ${typeof raw}`;
  return { ok: false, message: `got ${got}, expected ${expected}`, hint: `give ${expected}` };
}

function outOfBounds(got: string, relation: string, bound: string): Canonical {
  return { ok: false, message: `${got} is out of bounds: it must be ${relation} ${bound}`, hint: `give ${relation} ${bound}` };
}
