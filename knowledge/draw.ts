import type { Json } from '../contract/canonical.ts';
import { parseBytes } from '../contract/units.ts';
import type { Draw } from './blueprint.ts';
import { type Parameter, plainText } from './parameter.ts';
import type { Seeded } from './random.ts';

/** Bounds of what has none of its own. */
const DEFAULT_BYTES = [1n, 10n ** 18n] as const;
const DEFAULT_WHOLE = [0n, 1000n] as const;
const MOST_ITEMS = 6;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const COUNTRIES = ['AT', 'BE', 'CH', 'DE', 'ES', 'FR', 'IT', 'NL', 'PL', 'SE'];
const CITIES = ['Berlin', 'Geneva', 'Madrid', 'Milan', 'Paris', 'Vienna', 'Zurich'];
const IMAGES = ['nginx', 'nginx:1.27', 'ghcr.io/acme/shop:2.1', `registry.example.org:5000/a/b/c@sha256:${'0'.repeat(64)}`];
const COMMANDS = ['run', 'python train.py --epochs 3', 'sh -c "echo $HOME; exit 1"'];
const LOCATIONS = ['s3://bucket/data', 'https://example.org/site.tar.gz', 'git@example.org:acme/site.git', '/srv/data'];
const TEXTS = ['x', 'a text', 'Zürich, ½ "quoted" ${not an expression}', 'y'.repeat(200)];

/** A value inside a parameter's bounds and those of the draw; bytes as decimal strings, money as millionths. */
export function drawValue(parameter: Parameter, draw: Draw, random: Seeded): Json {
  if (draw.oneOf) return random.pick(draw.oneOf) ?? null;
  switch (parameter.type) {
    case 'bytes':
    case 'money': {
      const [least, most] = bounds(parameter, draw);
      return random.between(least, most).toString();
    }
    case 'integer': {
      const [least, most] = bounds(parameter, draw);
      return Number(random.between(least, most));
    }
    case 'integers': {
      const [least, most] = bounds(parameter, draw);
      return distinct(random, () => Number(random.between(least, most))).sort((a, b) => a - b);
    }
    case 'boolean': return random.below(2) === 0;
    case 'choice': return random.pick(Object.keys(parameter.choices)) ?? '';
    case 'name':
    case 'label': return label(random);
    case 'labels': return distinct(random, () => label(random)).sort();
    case 'countries': return distinct(random, () => random.pick(COUNTRIES) ?? 'CH').sort();
    case 'cities': return distinct(random, () => random.pick(CITIES) ?? 'Zurich').sort();
    case 'image': return random.pick(IMAGES) ?? 'nginx';
    case 'command': return random.pick(COMMANDS) ?? 'run';
    case 'location': return random.pick(LOCATIONS) ?? '/srv/data';
    case 'text': return (random.pick(TEXTS) ?? '').slice(0, parameter.maxLength);
    case 'pairs': return Object.fromEntries(distinct(random, () => `V${label(random).replaceAll('-', '_').toUpperCase()}`).sort().map((key) => [key, random.pick(TEXTS) ?? '']));
    case 'flows': return distinct(random, () => `${label(random)}1->${label(random)}2${random.below(2) === 0 ? '' : ':443'}`).sort();
  }
}

/** Values that are simpler than this one, the simplest first; none when there is no simpler one, nor for numbers (numberOf). */
export function simplerValues(parameter: Parameter, draw: Draw, value: Json): Json[] {
  if (draw.oneOf) {
    const at = draw.oneOf.findIndex((other) => JSON.stringify(other) === JSON.stringify(value));
    return draw.oneOf.slice(0, Math.max(0, at));
  }
  if (Array.isArray(value)) {
    const items: readonly Json[] = value;
    return [...(items.length > 1 ? [items.slice(0, items.length >> 1), items.slice(items.length >> 1)] : []), ...items.map((_, i) => items.filter((_item, j) => j !== i))].filter((next) => next.length > 0 || items.length > 1 || parameter.type !== 'labels');
  }
  switch (parameter.type) {
    case 'boolean': return value === true ? [false] : [];
    case 'choice': { const names = Object.keys(parameter.choices); return names.slice(0, Math.max(0, names.indexOf(plainText(value)))); }
    case 'name':
    case 'label': return value === 'a' ? [] : ['a'];
    case 'image': return before(IMAGES, value);
    case 'command': return before(COMMANDS, value);
    case 'location': return before(LOCATIONS, value);
    case 'text': return before(TEXTS, value);
    case 'pairs': return typeof value === 'object' && value !== null ? Object.keys(value).map((key) => Object.fromEntries(Object.entries(value).filter(([other]) => other !== key))) : [];
    // Numbers have a search of their own, and lists were taken apart above.
    case 'bytes':
    case 'money':
    case 'integer':
    case 'integers':
    case 'labels':
    case 'flows':
    case 'countries':
    case 'cities': return [];
  }
}

/** The least number that may be drawn, and how a number is written; undefined for what is none. */
export function numberOf(parameter: Parameter, draw: Draw): { readonly least: bigint; readonly write: (n: bigint) => Json } | undefined {
  if (draw.oneOf) return undefined;
  if (parameter.type === 'integer') return { least: bounds(parameter, draw)[0], write: Number };
  return parameter.type === 'bytes' || parameter.type === 'money' ? { least: bounds(parameter, draw)[0], write: String } : undefined;
}

function before(simple: readonly string[], value: Json): string[] {
  return simple.slice(0, Math.max(0, simple.findIndex((other) => other === value)));
}

function bounds(parameter: Extract<Parameter, { type: 'bytes' | 'money' | 'integer' | 'integers' }>, draw: Draw): readonly [bigint, bigint] {
  const sized = parameter.type === 'bytes';
  const [least, most] = sized ? DEFAULT_BYTES : DEFAULT_WHOLE;
  const own: Pick<Draw, 'minimum' | 'maximum'> = parameter.type === 'money' ? {} : parameter;
  const low = whole(draw.minimum, sized) ?? whole(own.minimum, sized) ?? least;
  const high = whole(draw.maximum, sized) ?? whole(own.maximum, sized) ?? (low > most ? low : most);
  return [low, high < low ? low : high];
}

function whole(bound: string | number | undefined, sized: boolean): bigint | undefined {
  if (typeof bound === 'number') return Number.isSafeInteger(bound) ? BigInt(bound) : undefined;
  if (bound === undefined) return undefined;
  return /^\d{1,20}$/.test(bound) ? BigInt(bound) : sized ? parseBytes(bound) : undefined;
}

function label(random: Seeded): string {
  const letter = (): string => LETTERS.charAt(random.below(LETTERS.length));
  const inner = Array.from({ length: random.below(random.below(8) === 0 ? 20 : 5) }, () => (random.below(6) === 0 ? String(random.below(10)) : letter())).join('');
  return `${letter()}${inner}${letter()}`;
}

/** One to six different values. */
function distinct<T>(random: Seeded, one: () => T): T[] {
  const wanted = 1 + random.below(MOST_ITEMS);
  const found = new Set<T>();
  for (let tries = 0; tries < 4 * wanted && found.size < wanted; tries++) found.add(one());
  return [...found];
}
