import { z } from 'zod';
import { Country, DecimalString, formatBytes, formatMoney, Label, parseBytes, Text } from '../contract/units.ts';
import { ImageReference } from '../contract/workload.ts';
import type { Json } from '../contract/canonical.ts';
import type { CelType, Value } from './expression.ts';
import { holdsSecret, isSecretPair } from './secret.ts';

/** Most elements of a list parameter. */
const MAX_ITEMS = 64;
/** Longest text of a parameter, in UTF-16 units. */
const MAX_TEXT = 1024;

const Words = z.array(Text(60)).max(240).default([]);
/**
 * How people say it: understanding knows a parameter only through these. `nouns` stand beside the value, `units` after a
 * number, and `implicit` lets a value of the right kind belong here although no noun was said. `bound` says which end of
 * a range this is, of two parameters with the same nouns: `2 to 6 replicas`.
 */
const Hints = z.strictObject({ nouns: Words, units: Words, implicit: z.boolean().default(false), bound: z.enum(['lower', 'upper']).exactOptional() }).default({ nouns: [], units: [], implicit: false });

const described = {
  description: Text(400),
  required: z.boolean().default(false),
  /** A literal, or a text with `${…}`. */
  default: z.json().optional(),
  hints: Hints,
};
const Size = z.string().refine((text) => parseBytes(text) !== undefined, 'expected a size such as 1 GB or 512 MiB');

/** A parameter of a blueprint: a subset of JSON Schema with units and natural-language hints. */
export const Parameter = z.discriminatedUnion('type', [
  /** `memory`: said in GB, it means GiB, as everybody who sells memory does. */
  z.strictObject({ type: z.literal('bytes'), ...described, minimum: Size.optional(), maximum: Size.optional(), memory: z.boolean().optional() }),
  z.strictObject({ type: z.literal('integer'), ...described, minimum: z.int().optional(), maximum: z.int().optional(), unit: z.enum(['hours', 'days', 'months']).optional() }),
  /** Whole numbers in ascending order, such as ports. */
  z.strictObject({ type: z.literal('integers'), ...described, minimum: z.int().optional(), maximum: z.int().optional() }),
  z.strictObject({ type: z.literal('boolean'), ...described }),
  /** What the thing is called; said as `called X`. A DNS label, as the two kinds below. */
  z.strictObject({ type: z.literal('name'), ...described }),
  /** Another label, said beside its nouns. */
  z.strictObject({ type: z.literal('label'), ...described }),
  /** Labels in ascending order. */
  z.strictObject({ type: z.literal('labels'), ...described }),
  z.strictObject({ type: z.literal('text'), ...described, maxLength: z.int().min(1).max(MAX_TEXT).optional() }),
  /** An OCI image. */
  z.strictObject({ type: z.literal('image'), ...described }),
  /** What is run, as it would be typed. */
  z.strictObject({ type: z.literal('command'), ...described }),
  /** A URL, a git address, a bucket or a path. */
  z.strictObject({ type: z.literal('location'), ...described }),
  /** Variables: `KEY=value`. */
  z.strictObject({ type: z.literal('pairs'), ...described }),
  /** Who may reach whom: `web->db:5432`. */
  z.strictObject({ type: z.literal('flows'), ...described }),
  /** `unavailable`: words for what people take to be a choice and is none; asking for it is refused, not passed over. */
  z.strictObject({ type: z.literal('choice'), ...described, choices: z.record(Label, z.strictObject({ nouns: Words })), unavailable: Words }),
  z.strictObject({ type: z.literal('countries'), ...described }),
  z.strictObject({ type: z.literal('cities'), ...described }),
  z.strictObject({ type: z.literal('money'), ...described }),
]);
export type Parameter = z.infer<typeof Parameter>;

const CEL_TYPES: Readonly<Record<Parameter['type'], CelType>> = {
  bytes: 'int', integer: 'int', money: 'int', boolean: 'bool', name: 'string', label: 'string', text: 'string', image: 'string', command: 'string', location: 'string', choice: 'string',
  integers: 'list<int>', labels: 'list<string>', flows: 'list<string>', countries: 'list<string>', cities: 'list<string>', pairs: 'map<string, string>',
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
    case 'integers':
      return integers(parameter, raw);
    case 'name':
    case 'label':
      return Label.safeParse(raw).success ? { ok: true, value: String(raw) } : wrong(raw, 'a name of lower-case letters, digits and hyphens, such as my-archive');
    case 'labels':
      return list(raw, (item) => item.toLowerCase(), (item) => Label.safeParse(item).success, 'names of lower-case letters, digits and hyphens, such as laptop,server');
    case 'text':
      return text(raw, parameter.maxLength ?? MAX_TEXT, 'a text');
    case 'command':
      return open(raw, text(raw, MAX_TEXT, 'a command such as python train.py'), 'the command holds what looks like a password, key or token', 'leave it out of the command');
    case 'location':
      return open(raw, text(raw, MAX_TEXT, 'a URL, git address, bucket or path', /^\S+$/), 'the address has a user, password or key in it', 'give the address without it');
    case 'image':
      return typeof raw === 'string' && ImageReference.safeParse(raw).success ? { ok: true, value: raw } : wrong(raw, 'an image such as nginx:1.27 or ghcr.io/acme/shop:2.1');
    case 'pairs':
      return pairs(raw);
    case 'flows':
      return list(raw, (item) => item.toLowerCase().replace(/\s/g, ''), isFlow, 'flows such as web->db or web->db:5432');
    case 'choice':
      return typeof raw === 'string' && Object.hasOwn(parameter.choices, raw) ? { ok: true, value: raw } : wrong(raw, `one of ${Object.keys(parameter.choices).join(', ')}`);
    case 'countries':
      return list(raw, (item) => item.toUpperCase(), (item) => Country.safeParse(item).success, 'country codes of two letters, such as CH or CH,DE');
    case 'cities':
      return list(raw, (item) => item, (item) => Text(64).safeParse(item).success, 'names of cities');
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
  if (Array.isArray(value)) return parameter.type === 'integers' ? value.map((item) => BigInt(plainText(item))) : value.map(plainText);
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainText(item)]));
  return typeof value === 'boolean' ? value : plainText(value);
}

/** A canonical value as people read it. */
export function formatValue(parameter: Parameter, value: Json, currency = 'EUR'): string {
  if (parameter.type === 'bytes') return parameter.memory ? formatMemory(BigInt(plainText(value))) : formatBytes(BigInt(plainText(value)));
  if (parameter.type === 'money') return formatMoney(BigInt(plainText(value)), currency);
  if (parameter.type === 'integer' && parameter.unit) return `${plainText(value)} ${parameter.unit}`;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.entries(value).map(([key, item]) => `${key}=${plainText(item)}`).join(', ');
  return Array.isArray(value) ? value.map(plainText).join(', ') : plainText(value);
}

/** `8 GiB`, where that is what it is. */
function formatMemory(bytes: bigint): string {
  for (const [unit, size] of [['TiB', 2n ** 40n], ['GiB', 2n ** 30n], ['MiB', 2n ** 20n]] as const) if (bytes >= size && (bytes * 4n) % size === 0n) return `${(Number((bytes * 100n) / size) / 100).toString()} ${unit}`;
  return formatBytes(bytes);
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

function integers(parameter: Extract<Parameter, { type: 'integers' }>, raw: unknown): Canonical {
  const items: unknown[] = Array.isArray(raw) ? raw : typeof raw === 'string' && raw.length <= MAX_TEXT ? raw.split(',').map((item) => item.trim()).filter((item) => item !== '') : [raw];
  if (items.length > MAX_ITEMS) return wrong(`${items.length} of them`, `at most ${MAX_ITEMS}`);
  const numbers: number[] = [];
  for (const item of items) {
    const one = integer({ ...parameter, type: 'integer' }, item);
    if (!one.ok) return one;
    numbers.push(Number(one.value));
  }
  return { ok: true, value: [...new Set(numbers)].sort((a, b) => a - b) };
}

function text(raw: unknown, most: number, what: string, form = /\S/): Canonical {
  return typeof raw === 'string' && form.test(raw) && Text(most).safeParse(raw).success ? { ok: true, value: raw } : wrong(raw, `${what} of at most ${most} characters, without control characters`);
}

/** What everybody may read: refuses a text with a secret in it, and never says it again. */
function open(raw: unknown, made: Canonical, message: string, hint: string): Canonical {
  return typeof raw === 'string' && holdsSecret(raw) ? secret(message, hint) : made;
}

function secret(message: string, hint: string): Canonical {
  return { ok: false, message: `${message}, and everybody on the grid can read a contract`, hint: `${hint}; a secret is named in a blueprint and sealed to the node that needs it` };
}

/** `{KEY: value}`, or `KEY=value,KEY=value`. */
function pairs(raw: unknown): Canonical {
  const expected = 'variables such as MODE=production,LEVEL=info';
  const entries: (readonly [string, unknown])[] = typeof raw === 'string' && raw.length <= MAX_TEXT
    ? raw.split(',').filter((item) => item.trim() !== '').map((item) => { const at = item.indexOf('='); return [item.slice(0, at).trim(), at < 0 ? undefined : item.slice(at + 1).trim()] as const; })
    : typeof raw === 'object' && raw !== null && !Array.isArray(raw) ? Object.entries(raw) : [['', undefined]];
  if (entries.length > MAX_ITEMS) return wrong(`${entries.length} of them`, `at most ${MAX_ITEMS}`);
  const made: Record<string, string> = {};
  for (const [key, value] of entries) {
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(key) || key === '__proto__' || typeof value !== 'string' || (value !== '' && !Text(MAX_TEXT).safeParse(value).success)) return wrong([], expected);
    made[key] = value;
  }
  const secrets = Object.keys(made).filter((key) => isSecretPair(key, made[key] ?? ''));
  if (secrets.length > 0) return secret(`${secrets.slice(0, 8).join(', ')} looks like a secret`, 'leave it out');
  return { ok: true, value: Object.fromEntries(Object.entries(made).sort(([a], [b]) => (a < b ? -1 : 1))) };
}

function isFlow(text: string): boolean {
  const flow = /^([a-z0-9-]{1,63})->([a-z0-9-]{1,63})(?::([1-9]\d{0,4}))?$/.exec(text);
  return flow !== null && flow[1] !== flow[2] && Label.safeParse(flow[1]).success && Label.safeParse(flow[2]).success && Number(flow[3] ?? 1) <= 65_535;
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
