import { createPublicKey, verify as opensslVerify } from 'node:crypto';
import { hashes, verify as nobleVerify } from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openEnvelope, preAuthEncoding } from '../contract/envelope.ts';
import { encodeDidKey } from '../contract/principal.ts';
import { countSets, Hex, readVectors, Verdict } from '../contract/vectors/vectors.fixture.ts';
import { verifySignature } from './verify.ts';
import { verifySignatureNoble } from './verify-noble.ts';

/** The one rule twice: both must say on every case what it expects. */
const IMPLEMENTATIONS = [['OpenSSL', verifySignature], ['point arithmetic', verifySignatureNoble]] as const;
const signatures = readVectors('ed25519-rule.json', z.strictObject({ name: z.string(), publicKey: Hex, message: Hex, signature: Hex, expect: Verdict, why: z.string() }));
const envelopes = readVectors('envelopes.json', z.union([
  z.strictObject({ name: z.string(), envelope: z.looseObject({ payloadType: z.string() }), expect: z.literal('accept'), kind: z.string(), payload: Hex, preAuth: Hex, key: z.string() }),
  z.strictObject({ name: z.string(), envelope: z.unknown(), expect: z.enum(['envelope_invalid', 'signature_invalid']) }),
]));

describe('ed25519-rule.json', () => {
  it('has the sets that it names, and cases to accept as well as to refuse', () => {
    expect(countSets(signatures)).toMatchObject({ rfc8032: 4, speccheck: 12, wycheproof: 151 });
    expect(countSets(signatures)['3bot']).toBeGreaterThanOrEqual(90);
    expect(signatures.filter((c) => c.expect === 'accept').length).toBeGreaterThan(100);
    // The edge cases of speccheck all have a bad key or s >= L: a verifier that accepts one follows another rule.
    expect(signatures.filter((c) => c.name.startsWith('speccheck/') && c.expect === 'accept')).toEqual([]);
    expect(signatures.filter((c) => c.name.startsWith('3bot/R with torsion')).map((c) => c.expect)).toEqual(Array(7).fill('refuse'));
  });

  describe.each(IMPLEMENTATIONS)('by %s', (_, verify) => {
    it.each(signatures)('$name', ({ publicKey, message, signature, expect: verdict, why }) => {
      expect(verify(encodeDidKey(publicKey), message, signature), why).toBe(verdict === 'accept');
    });
  });
});

describe('the rules that others follow', () => {
  const bareOpenssl = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean =>
    opensslVerify(null, message, createPublicKey({ key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey]), format: 'der', type: 'spki' }), signature);
  hashes.sha512 = sha512;

  // Were these not told apart, the corpus could not tell a wrong implementation from a right one.
  it.each([
    ['OpenSSL without our look at the key', bareOpenssl, 27],
    ['noble, strict', (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => nobleVerify(signature, message, publicKey, { zip215: false }), 33],
    ['noble, as ZIP 215 has it', (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => nobleVerify(signature, message, publicKey), 56],
  ])('%s accepts what must be refused', (_, verify, count) => {
    const otherwise = signatures.filter((c) => {
      try {
        return verify(c.publicKey, c.message, c.signature) !== (c.expect === 'accept');
      } catch {
        return c.expect === 'accept';
      }
    });
    expect(new Set(otherwise.map((c) => c.expect))).toEqual(new Set(['refuse']));
    expect(otherwise).toHaveLength(count);
  });
});

describe('envelopes.json', () => {
  it('has each outcome', () => {
    expect(new Set(envelopes.map((c) => c.expect))).toEqual(new Set(['accept', 'envelope_invalid', 'signature_invalid']));
    expect(envelopes.length).toBeGreaterThan(55);
  });

  describe.each(IMPLEMENTATIONS)('by %s', (_, verify) => {
    it.each(envelopes)('$name', (c) => {
      const opened = openEnvelope(c.envelope, verify);
      if (c.expect !== 'accept') return expect(opened).toMatchObject({ ok: false, code: c.expect });
      expect(opened).toMatchObject({ ok: true, kind: c.kind, key: c.key, payload: JSON.parse(Buffer.from(c.payload).toString('utf8')) as unknown });
      expect(Buffer.from(preAuthEncoding(c.envelope.payloadType, c.payload)).equals(c.preAuth)).toBe(true);
    });
  });
});
