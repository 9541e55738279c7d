import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Hex, readVectors, Verdict } from '../contract/vectors/vectors.fixture.ts';
import { dhKeyOf } from '../signer/keys.ts';
import { dhKeyFromPrivate, sharedSecret } from './x25519.ts';

const cases = readVectors(new URL('vectors/x25519.json', import.meta.url), z.strictObject({ name: z.string(), public: Hex, private: Hex, shared: Hex, expect: Verdict }));
const PKCS8_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');

describe.each([
  ['one handshake', dhKeyFromPrivate],
  ['the keystore', (raw: Uint8Array) => dhKeyOf(Buffer.concat([PKCS8_PREFIX, raw]))],
])('X25519 with a key of %s', (_, keyOf) => {
  it('shares what Wycheproof says, and never a secret of zeroes', () => {
    const refused = new Set<string>();
    for (const c of cases) {
      const key = keyOf(c.private);
      if (c.expect === 'accept') expect(Buffer.from(sharedSecret(key, c.public)).equals(c.shared), c.name).toBe(true);
      else {
        expect(() => sharedSecret(key, c.public), c.name).toThrow();
        refused.add(c.name);
      }
    }
    expect([cases.length, refused.size]).toEqual([518, 31]);
  });
});
