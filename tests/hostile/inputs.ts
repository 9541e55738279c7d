import type { Envelope, EntrySigner } from '../../contract/envelope.ts';
import { payloadTypeOf, preAuthEncoding } from '../../contract/envelope.ts';
import { canonicalBytes } from '../../contract/canonical.ts';
import type { Random } from '../e2e/random.ts';

/** A valid payload, and who would sign it. */
export interface Sample { readonly kind: string; readonly payload: object; readonly signer: EntrySigner }

/** One in so many inputs is as large as an envelope may be, or larger: these cost most to look at. */
const ONE_LARGE = 200;
const LARGE = 128 * 1024;
const MAX_MUTATIONS = 3;
const MAX_PLACES = 500;
/** What plain objects have by birth, and what a parser may trip over. */
const BORN = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', '', '\u0000', 'a'.repeat(300), 'é', '\u202e'];

/** Signs bytes as they are, canonical or not: what reaches the parser has a good signature. */
export function sealBytes(payloadType: string, bytes: Uint8Array, signer: EntrySigner): Envelope {
  const sig = signer.sign(preAuthEncoding(payloadType, bytes));
  return { payloadType, payload: Buffer.from(bytes).toString('base64'), signatures: [{ keyid: signer.key, sig: Buffer.from(sig).toString('base64') }] };
}

/** Makes what no honest client sends. The same seed makes the same inputs. */
export class Hostile {
  readonly #random: Random;
  readonly #samples: readonly Sample[];
  readonly #stranger: EntrySigner;
  /** Values of the samples by what they look like. */
  readonly #alike = new Map<string, unknown[]>();

  constructor(options: { random: Random; samples: readonly Sample[]; stranger: EntrySigner }) {
    this.#random = options.random;
    this.#samples = options.samples;
    this.#stranger = options.stranger;
    for (const { holder, key } of this.#samples.flatMap(({ payload }) => placesOf(payload))) {
      const value: unknown = Reflect.get(holder, key);
      const look = lookOf(value);
      this.#alike.set(look, [...(this.#alike.get(look) ?? []), value]);
    }
  }

  /** Something in the place of an envelope, as JSON gives it to a server. */
  next(): unknown {
    const sample = this.#one(this.#samples);
    const share = this.#random.below(100);
    if (share < 25) return this.#plausible(sample);
    if (share < 55) return this.#payload(sample);
    if (share < 70) return this.#bytes(sample);
    if (share < 95) return this.#envelope(sample);
    return this.#anything();
  }

  /** A payload of the right shape with values from elsewhere: this gets as far as the state machine. */
  #plausible({ kind, payload, signer }: Sample): unknown {
    const value: unknown = structuredClone(payload);
    const places = placesOf(value).filter(({ key }) => key !== 'grid' && key !== 'by');
    for (let n = this.#random.below(MAX_MUTATIONS + 1); n > 0; n--) {
      const { holder, key } = this.#one(places);
      const before: unknown = Reflect.get(holder, key);
      const alike: unknown = typeof before === 'number' ? this.#one([1, 2, 3, before + 1, 1_000_000]) : this.#one(this.#alike.get(lookOf(before)) ?? [before]);
      put(holder, key, structuredClone(alike));
    }
    return sealBytes(payloadTypeOf(kind), encode(value), this.#random.below(10) === 0 ? this.#one(this.#samples).signer : signer);
  }

  /** A payload of the right encoding that says something else, well signed by the right key or by another. */
  #payload({ kind, payload, signer }: Sample): unknown {
    let value: unknown = structuredClone(payload);
    for (let n = 1 + this.#random.below(MAX_MUTATIONS); n > 0; n--) value = this.#mutate(value);
    const as = this.#random.below(5) === 0 ? this.#stranger : signer;
    const type = this.#random.below(20) === 0 ? this.#one(this.#samples).kind : kind;
    return sealBytes(payloadTypeOf(type), encode(value), as);
  }

  /** Bytes that are not canonical JSON, or not JSON at all, well signed. */
  #bytes({ kind, payload, signer }: Sample): unknown {
    const text = Buffer.from(encode(payload)).toString('utf8');
    return sealBytes(payloadTypeOf(kind), this.#distort(text), signer);
  }

  #distort(text: string): Buffer {
    const at = this.#random.below(text.length + 1);
    const insert = (what: string): Buffer => Buffer.from(text.slice(0, at) + what + text.slice(at));
    const depth = 1 + this.#random.below(this.#isLarge() ? LARGE / 2 : 200);
    switch (this.#random.below(16)) {
      case 0: return insert(' ');
      case 1: return insert('\ufeff');
      case 2: return Buffer.concat([Buffer.from(text.slice(0, at)), this.#one([Buffer.from([0xff]), Buffer.from([0xc0, 0x80]), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from([0xf5, 0x80, 0x80, 0x80])]), Buffer.from(text.slice(at))]);
      case 3: return Buffer.from(text.slice(0, at));
      case 4: return Buffer.from(text.replace('{', '{"name":"twice",'));
      case 5: return Buffer.from(text.replace('{', '{"__proto__":{"by":1},'));
      case 6: return Buffer.from(text.replace(/:\s*\d+/, this.#one([':1e999', ':-0', ':1.0', ':01', ':9007199254740993', `:${'9'.repeat(400)}`, ':1e-400'])));
      case 7: return Buffer.from('['.repeat(depth) + ']'.repeat(depth));
      case 8: return Buffer.from('{"a":'.repeat(depth) + '1' + '}'.repeat(depth));
      case 9: return Buffer.from('['.repeat(depth));
      case 10: return Buffer.from(`[${Array(depth).fill('0').join(',')}]`);
      case 11: return Buffer.from(text.replace(/"([a-z]+)":/, '"\\u0041$1":'));
      case 12: return Buffer.from(text.replace(/:"/, ':"\\ud800'));
      case 13: return this.#random.bytes(4 + this.#random.below(300));
      case 14: return Buffer.from([0x1f, 0x8b, 0x08, 0, ...this.#random.bytes(40)]);
      default: return insert(this.#one(['}', '"', '\\', '\u0000', '\u2028', ',', 'NaN', 'null', '/*', 'Infinity']));
    }
  }

  #envelope({ kind, payload, signer }: Sample): unknown {
    const envelope = sealBytes(payloadTypeOf(kind), encode(payload), signer);
    const [{ keyid, sig }] = envelope.signatures;
    const flip = (text: string): string => {
      const at = this.#random.below(text.length);
      return text.slice(0, at) + this.#one([...'AQgw+/=-_ é\u0000']) + text.slice(at + 1);
    };
    switch (this.#random.below(12)) {
      case 0: return { ...envelope, payload: flip(envelope.payload) };
      case 1: return { ...envelope, signatures: [{ keyid, sig: flip(sig) }] };
      case 2: return { ...envelope, signatures: [{ keyid: flip(keyid), sig }] };
      case 3: return { ...envelope, signatures: [{ keyid: this.#stranger.key, sig }] };
      case 4: return { ...envelope, signatures: Array.from({ length: this.#random.below(this.#isLarge() ? 2000 : 4) }, () => ({ keyid, sig })) };
      case 5: return { ...envelope, payload: envelope.payload + 'A'.repeat(this.#random.below(this.#isLarge() ? 2 * LARGE : 8)) };
      case 6: return { ...envelope, payload: envelope.payload.replace(/=*$/, '') };
      case 7: return { ...envelope, payloadType: this.#one([flip(envelope.payloadType), payloadTypeOf('constructor.prototype'), payloadTypeOf('a'.repeat(this.#isLarge() ? LARGE : 90) + '.b'), 'application/json', payloadTypeOf('tick') + '\n']) };
      // The zero point, a point of small order, and a did:key of something else in the same length.
      case 8: return { ...envelope, signatures: [{ keyid: `did:key:z6Mk${'1'.repeat(44)}`, sig }] };
      case 9: return { ...envelope, signatures: [{ keyid, sig: Buffer.alloc(64, this.#random.below(2) * 255).toString('base64') }] };
      case 10: return sealBytes(payloadTypeOf(kind), encode(payload), this.#stranger);
      default: return this.#mutate(envelope);
    }
  }

  #anything(): unknown {
    return this.#random.below(2) === 0 ? this.#value() : this.#mutate(this.#mutate([this.#value(), { a: this.#value() }]));
  }

  /** One change somewhere in a JSON value. */
  #mutate(value: unknown): unknown {
    const copy: unknown = structuredClone(value);
    const places = placesOf(copy);
    if (places.length === 0) return this.#value();
    const { holder, key } = this.#one(places);
    const before: unknown = Reflect.get(holder, key);
    switch (this.#random.below(9)) {
      case 0: case 1: case 2: put(holder, key, this.#value()); break;
      case 3: if (Array.isArray(holder)) holder.splice(Number(key), 1); else Reflect.deleteProperty(holder, key); break;
      case 4: put(holder, this.#one(BORN), this.#value()); break;
      case 5: put(holder, key, this.#near(before)); break;
      case 6: put(holder, key, [before]); break;
      case 7: put(holder, key, Array(this.#isLarge() ? 2000 : 1 + this.#random.below(70)).fill(before)); break;
      default: {
        const from = this.#one(places);
        put(holder, key, structuredClone(Reflect.get(from.holder, from.key)));
        break;
      }
    }
    return copy;
  }

  /** Nearly the same: what a bound, a unit or an encoding is off by. */
  #near(value: unknown): unknown {
    if (typeof value === 'number') return this.#one([value + 1, value - 1, -value, value + 0.5, value * 1e15, value * 2 ** 53]);
    if (typeof value === 'boolean') return this.#one([!value, 'true', 1]);
    if (typeof value !== 'string') return this.#value();
    const at = this.#random.below(value.length + 1);
    return this.#one([
      value.toUpperCase(), `${value} `, value.slice(0, at), value + value, `0${value}`, `-${value}`, `${value}.0`, value.normalize('NFD'),
      value.slice(0, at) + this.#one([...'0aZ:\u0000é\u202e']) + value.slice(at + 1), /^\d+$/.test(value) ? '9'.repeat(30) : `${value}\n`,
    ]);
  }

  #value(): unknown {
    const length = this.#isLarge() ? LARGE : 1 + this.#random.below(200);
    return this.#one<() => unknown>([
      () => null, () => true, () => 0, () => -1, () => 1.5, () => 1e308, () => Number.MAX_SAFE_INTEGER, () => -0, () => '', () => 'x'.repeat(length), () => '\u0000'.repeat(Math.min(length, 1000)),
      () => '\ud800', () => '9'.repeat(length), () => '2026-13-45T99:99:99Z', () => '2026-02-30T24:00:00.000Z', () => [], () => ({}), () => Array<number>(Math.min(length, 40_000)).fill(0),
      () => Object.fromEntries(Array.from({ length: Math.min(length, 5000) }, (_, i) => [`k${i}`, i])),
      () => nested(1 + this.#random.below(60), (inner) => [inner]), () => nested(1 + this.#random.below(40), (inner) => ({ all: [inner] })),
      () => nested(1 + this.#random.below(12), (inner) => ({ all: [inner], any: [inner], k: 1, of: [inner, inner], over: inner })), () => `sha256:${'0'.repeat(64)}`, () => 'constructor', () => '__proto__',
    ])();
  }

  #isLarge(): boolean {
    return this.#random.below(ONE_LARGE) === 0;
  }

  #one<T>(of: readonly T[]): T {
    return of[this.#random.below(of.length)]!;
  }
}

function lookOf(value: unknown): string {
  if (typeof value !== 'string') return Array.isArray(value) ? `array of ${typeof value[0]}` : typeof value;
  const looks = [/^sha256:/, /^did:key:/, /^\d{4}-\d\d-/, /^[0-9a-f]{32}$/, /^\d+$/, /^[A-Z]{2,3}$/, /^\w+:\/\//, /^[a-z0-9-]+$/];
  return `text ${looks.findIndex((look) => look.test(value))}`;
}

/** Canonical where that is possible, else as JSON has it. */
function encode(value: unknown): Uint8Array {
  try {
    return canonicalBytes(value);
  } catch {
    return Buffer.from(JSON.stringify(value) ?? 'null');
  }
}

/** `__proto__` becomes a property like any other, as JSON.parse makes it. */
function put(holder: object, key: string, value: unknown): void {
  Object.defineProperty(holder, key === 'length' ? '0' : key, { value, enumerable: true, configurable: true, writable: true });
}

/** Where something stands in a JSON value, the first few of many. */
function placesOf(value: unknown): { holder: object; key: string }[] {
  const places: { holder: object; key: string }[] = [];
  const waiting: unknown[] = [value];
  while (waiting.length > 0 && places.length < MAX_PLACES) {
    const holder = waiting.pop();
    if (typeof holder !== 'object' || holder === null) continue;
    for (const key in holder) {
      if (places.length >= MAX_PLACES) break;
      places.push({ holder, key });
      waiting.push(Reflect.get(holder, key));
    }
  }
  return places;
}

function nested(depth: number, around: (inner: unknown) => unknown): unknown {
  let value: unknown = 1;
  // A value that stands twice in itself doubles with each step when it is written out.
  for (let n = 0; n < depth && JSON.stringify(value).length < LARGE / 8; n++) value = around(value);
  return value;
}
