import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { digestOf } from './digest.ts';
import { parseEntry } from './entry.ts';
import { type EntrySigner, openEnvelope, preAuthEncoding, sealEnvelope, type VerifySignature } from './envelope.ts';
import { decodeDidKey, encodeDidKey } from './principal.ts';

const pair = generateKeyPairSync('ed25519');
const signer: EntrySigner = { key: encodeDidKey(new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32))), sign: (message) => new Uint8Array(sign(null, message, pair.privateKey)) };
const verifySignature: VerifySignature = (key, message, signature) => verify(null, message, createPublicKey({ key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), decodeDidKey(key)]), format: 'der', type: 'spki' }), signature);
const grid = digestOf('grid');
const payload = { grid, beat: 7 };

describe('envelope', () => {
  it('encodes what is signed as DSSE v1 does', () => {
    // The example of the DSSE protocol document (secure-systems-lab/dsse, protocol.md).
    const pae = preAuthEncoding('http://example.com/HelloWorld', new TextEncoder().encode('hello world'));
    expect(new TextDecoder().decode(pae)).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world');
  });

  it('opens what it sealed', () => {
    const opened = openEnvelope(sealEnvelope('tick', payload, signer), verifySignature);
    expect(opened).toMatchObject({ ok: true, kind: 'tick', payload, payloadDigest: digestOf(payload), key: signer.key });
  });

  const good = sealEnvelope('tick', payload, signer);
  const signature = good.signatures[0];
  it.each([
    ['another payload', { ...good, payload: Buffer.from(JSON.stringify({ beat: 8, grid })).toString('base64') }, 'signature_invalid'],
    ['another type', { ...good, payloadType: 'application/vnd.3bot.node.alive.v1+json' }, 'signature_invalid'],
    ['a foreign type', { ...good, payloadType: 'text/plain' }, 'envelope_invalid'],
    ['no signature', { ...good, signatures: [] }, 'envelope_invalid'],
    ['two signatures', { ...good, signatures: [signature, signature] }, 'envelope_invalid'],
    ['an unknown field', { ...good, extra: 1 }, 'envelope_invalid'],
    ['white space in base64', { ...good, payload: `${good.payload.slice(0, 4)} ${good.payload.slice(4)}` }, 'envelope_invalid'],
    ['a number', 7, 'envelope_invalid'],
    ['null', null, 'envelope_invalid'],
  ])('refuses %s', (_, envelope, code) => {
    expect(openEnvelope(envelope, verifySignature)).toMatchObject({ ok: false, code });
  });

  it('refuses a payload that is signed but not canonical', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const keyid = encodeDidKey(new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)));
    const bytes = new TextEncoder().encode(JSON.stringify({ grid, beat: 7 }));
    const sig = sign(null, preAuthEncoding(good.payloadType, bytes), privateKey).toString('base64');
    expect(openEnvelope({ ...good, payload: Buffer.from(bytes).toString('base64'), signatures: [{ keyid, sig }] }, verifySignature)).toMatchObject({ ok: false, code: 'envelope_invalid' });
  });

  it('refuses entries of no known kind or another shape', () => {
    for (const kind of ['nothing.known', 'toString', '__proto__', 'constructor']) expect(parseEntry(kind, payload)).toMatchObject({ ok: false, code: 'entry_invalid' });
    expect(parseEntry('tick', { ...payload, extra: 1 })).toMatchObject({ ok: false, code: 'entry_invalid' });
    expect(parseEntry('tick', payload)).toMatchObject({ ok: true });
  });

  it('writes keys as did:key', () => {
    // W3C CCG did:key test vector, Ed25519.
    const did = 'did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp' as typeof signer.key;
    const raw = decodeDidKey(did);
    expect(Buffer.from(raw).toString('hex')).toBe('3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29');
    expect(encodeDidKey(raw)).toBe(did);
    expect(() => encodeDidKey(raw.slice(1))).toThrow(TypeError);
  });
});
