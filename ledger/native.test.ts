import { base64 } from '@scure/base';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalBytes } from '../contract/canonical.ts';
import { digestBytes, digestOf } from '../contract/digest.ts';
import { encodeDidKey } from '../contract/principal.ts';
import { envelopeDigest, type Leaf, leafBytes } from './leaf.ts';
import { equalHash, leafHash, nodeHash } from './merkle.ts';
import { decodeBase64, nativeLeafHash, nativeNodeHash, sha256Digest } from './native.ts';

const SEED = 20_261_120;
const sure = (property: fc.IProperty<unknown>): void => fc.assert(property, { seed: SEED, numRuns: 500 });
const bytes = fc.uint8Array({ maxLength: 300 });
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });

/** The bytes, or that there are none. */
function attempt(decode: (text: string) => Uint8Array, text: string): number[] | 'refused' {
  try {
    return [...decode(text)];
  } catch {
    return 'refused';
  }
}

describe('native hashes, base64 and leaves', () => {
  it('are the portable ones', () => {
    sure(fc.property(bytes, hash, hash, (data, left, right) => {
      expect(sha256Digest(data)).toBe(digestBytes(data));
      expect(equalHash(nativeLeafHash(data), leafHash(data))).toBe(true);
      expect(equalHash(nativeNodeHash(left, right), nodeHash(left, right))).toBe(true);
      expect(attempt(decodeBase64, base64.encode(data))).toEqual([...data]);
    }));
    expect(() => nativeNodeHash(new Uint8Array(31), new Uint8Array(32))).toThrow(TypeError);
  });

  it('refuse the base64 that the portable decoder refuses', () => {
    const alphabet = fc.constantFrom(...'ABCDwxyz0189+/-_= \n%é\ud800');
    const text = fc.array(alphabet, { maxLength: 12 }).map((letters) => letters.join(''));
    const nearly = fc.tuple(bytes, fc.nat(), alphabet).map(([data, at, letter]) => {
      const encoded = base64.encode(data);
      const i = at % (encoded.length + 1);
      return encoded.slice(0, i) + letter + encoded.slice(i + 1);
    });
    let refused = 0;
    sure(fc.property(fc.oneof(text, nearly), (candidate) => {
      const portable = attempt(base64.decode, candidate);
      if (portable === 'refused') refused += 1;
      expect(attempt(decodeBase64, candidate)).toEqual(portable);
    }));
    expect(refused).toBeGreaterThan(100);
    for (const odd of ['A', 'AA', 'AA=', 'AB==', 'AAB=', 'AA==\n', ' AA==', 'AA==AA==', '====', '-_-_', 'AAAA====']) {
      expect([odd, attempt(decodeBase64, odd)]).toEqual([odd, 'refused']);
      expect([odd, attempt(base64.decode, odd)]).toEqual([odd, 'refused']);
    }
  });

  it('leaves and envelope digests are byte for byte the canonical form', () => {
    const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 40 }), fc.base64String({ maxLength: 200 }));
    const leaf: fc.Arbitrary<Leaf> = fc.record({
      seq: fc.oneof(fc.nat(), fc.maxSafeNat()), time: text,
      envelope: fc.record({ payloadType: text, payload: text, signatures: fc.tuple(fc.record({ keyid: hash.map(encodeDidKey), sig: text })) }),
    });
    sure(fc.property(leaf, (value) => {
      expect(Buffer.from(leafBytes(value)).equals(canonicalBytes(value))).toBe(true);
      expect(envelopeDigest(value.envelope)).toBe(digestOf(value.envelope));
    }));
    const lone: Leaf = { seq: 0, time: '\ud800', envelope: { payloadType: '', payload: '', signatures: [{ keyid: encodeDidKey(new Uint8Array(32)), sig: '' }] } };
    expect(() => leafBytes(lone)).toThrow(TypeError);
    expect(() => canonicalBytes(lone)).toThrow(TypeError);
  });
});
