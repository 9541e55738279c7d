import { execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodePrivate } from '../../signer/key-forms.ts';
import { generatePkcs8, signerOf } from '../../signer/keys.ts';
import { verifySignature } from '../../signer/verify.ts';
import { preAuthEncoding } from '../../contract/envelope.ts';
import { browserSignatures } from '../../web/ledger/signatures.ts';
import { didOf, isEncryptedFile, readPrivateKey } from '../../web/keys/private-key.ts';
import { openKey, sealKey, withSeed } from '../../web/keys/vault.ts';

/** What the page does with keys, where Node has the same platform functions as a browser. */

const PASSPHRASE = 'five words make it long';
const hasSshKeygen = spawnSync('ssh-keygen', ['-?']).error === undefined;
const hasOpenssl = spawnSync('openssl', ['version']).error === undefined;

let dir: string;
let made = 0;
beforeAll(() => { dir = mkdtempSync(path.join(os.tmpdir(), '3bot-web-keys-')); });
afterAll(() => { rmSync(dir, { recursive: true, force: true }); });

function sshKeygen(...flags: string[]): string {
  const file = path.join(dir, `key${made++}`);
  execFileSync('ssh-keygen', ['-q', '-C', 'a comment', ...flags, '-f', file]);
  return readFileSync(file, 'utf8');
}

const seedOf = (pkcs8: Buffer): Buffer => pkcs8.subarray(-32);
const refused = async (text: string, passphrase = ''): Promise<unknown> => readPrivateKey(text, passphrase).then(() => undefined, (error: unknown) => (error as { refusal: unknown }).refusal);

describe('private key files', () => {
  it.each([['openssh', undefined], ['pkcs8', undefined], ['pkcs8', PASSPHRASE]] as const)('reads what `3bot key export` writes: %s, passphrase %s', async (form, passphrase) => {
    const pkcs8 = generatePkcs8('signing');
    const text = await encodePrivate(pkcs8, form, { comment: 'alice', passphrase });
    expect(isEncryptedFile(text)).toBe(passphrase !== undefined);
    expect(Buffer.from(await readPrivateKey(`\r\n${text.replaceAll('\n', '\r\n')}\n`, passphrase ?? ''))).toEqual(seedOf(pkcs8));
    expect(didOf(seedOf(pkcs8))).toBe(signerOf(pkcs8).key);
    if (passphrase !== undefined) expect(await refused(text, 'another passphrase')).toMatchObject({ code: 'passphrase_wrong' });
  });

  it('reads what ssh-keygen writes, and says what to do with an encrypted or another key', async (context) => {
    if (!hasSshKeygen) return context.skip('for want of ssh-keygen: apt-get install openssh-client');
    expect(await readPrivateKey(sshKeygen('-t', 'ed25519', '-N', ''), '')).toHaveLength(32);
    expect(await refused(sshKeygen('-t', 'ed25519', '-N', PASSPHRASE), PASSPHRASE)).toMatchObject({ code: 'key_unreadable', hint: expect.stringContaining('ssh-keygen -p') as string });
    expect(await refused(sshKeygen('-t', 'ecdsa', '-N', ''))).toMatchObject({ code: 'key_unreadable', message: 'got "ecdsa-sha2-nistp256"' });
  });

  it.for(['aes-128-cbc', 'aes-256-cbc'])('reads what OpenSSL encrypts with %s', async (cipher, context) => {
    if (!hasOpenssl) return context.skip('for want of openssl: apt-get install openssl');
    const pkcs8 = generatePkcs8('signing');
    const plain = await encodePrivate(pkcs8, 'pkcs8', { comment: 'alice' });
    for (const prf of ['hmacWithSHA1', 'hmacWithSHA256', 'hmacWithSHA512']) {
      const text = execFileSync('openssl', ['pkcs8', '-topk8', '-v2', cipher, '-v2prf', prf, '-passout', 'env:P'], { input: plain, encoding: 'utf8', env: { ...process.env, P: PASSPHRASE } });
      expect(Buffer.from(await readPrivateKey(text, PASSPHRASE))).toEqual(seedOf(pkcs8));
    }
  });

  it('refuses everything else, and never quotes what it read', async () => {
    const pkcs8 = generatePkcs8('signing');
    const openssh = await encodePrivate(pkcs8, 'openssh', { comment: 'alice' });
    const body = openssh.split('\n').slice(1, -2).join('');
    const blob = Buffer.from(body, 'base64');
    const wrap = (bytes: Buffer): string => `-----BEGIN OPENSSH PRIVATE ${'KEY'}-----\n${bytes.toString('base64')}\n-----END OPENSSH PRIVATE ${'KEY'}-----\n`;
    const otherHalf = Buffer.from(blob);
    // The seed is not the one of the public half any more.
    const seedAt = blob.indexOf(seedOf(pkcs8));
    otherHalf[seedAt] = (otherHalf[seedAt] ?? 0) ^ 1;
    const x25519 = generateKeyPairSync('x25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    const hostile = ['', 'nothing', 'ssh-ed25519 AAAA', wrap(otherHalf), wrap(blob.subarray(0, -20)), wrap(Buffer.alloc(0)), openssh.replace('OPENSSH', 'RSA'), 'x'.repeat(20_000), x25519];
    for (const text of hostile) expect(await refused(text), text.slice(0, 60)).toMatchObject({ ok: false, code: 'key_unreadable' });
    for (let length = 0; length < blob.length; length += 7) expect(await refused(wrap(blob.subarray(0, length)))).toMatchObject({ code: 'key_unreadable' });
    const words = JSON.stringify(await Promise.all(hostile.map((text) => refused(text))));
    expect(words).not.toContain(seedOf(pkcs8).toString('base64').slice(0, 20));
  });
});

describe('a key at rest', () => {
  it('opens with its passphrase only, and holds nothing readable', async () => {
    const pkcs8 = generatePkcs8('signing');
    const seed = Buffer.from(seedOf(pkcs8));
    const signer = signerOf(pkcs8);
    const sealed = await sealKey({ key: signer.key, name: 'alice', created: '2026-11-20T10:00:00.000Z', seed, passphrase: PASSPHRASE });
    expect(sealed).toMatchObject({ key: signer.key, iterations: 600_000 });
    expect(Buffer.concat([sealed.sealed, sealed.salt, sealed.iv]).includes(seed)).toBe(false);
    await expect(openKey(sealed, 'another passphrase')).rejects.toMatchObject({ refusal: { code: 'passphrase_wrong' } });
    const opener = await openKey(sealed, PASSPHRASE);
    expect(opener.extractable).toBe(false);
    let kept: Uint8Array = new Uint8Array(0);
    await withSeed(sealed, opener, (opened) => { expect(Buffer.from(opened)).toEqual(seed); kept = opened; });
    expect(kept).toEqual(new Uint8Array(32));
    // Bound to its public key: in the place of another it does not open.
    await expect(withSeed({ ...sealed, key: signerOf(generatePkcs8('signing')).key }, opener, () => undefined)).rejects.toMatchObject({ refusal: { code: 'passphrase_wrong' } });
    await expect(sealKey({ key: signer.key, name: 'alice', created: '', seed, passphrase: 'short' })).rejects.toMatchObject({ refusal: { code: 'passphrase_unfit' } });
  }, 60_000);
});

describe('signatures', () => {
  it('agrees with OpenSSL, also on what no honest signer makes', async () => {
    const check = browserSignatures();
    const signer = signerOf(generatePkcs8('signing'));
    const message = Uint8Array.from(preAuthEncoding('x', Buffer.from('a message')));
    const signature = Uint8Array.from(signer.sign(message));
    const flipped = (at: number): Uint8Array<ArrayBuffer> => Uint8Array.from(signature, (byte, i) => (i === at ? byte ^ 1 : byte));
    const items = [signature, flipped(0), flipped(32), flipped(63), signature.slice(1), new Uint8Array(64), new Uint8Array(0)].map((each) => ({ key: signer.key, message, signature: each }));
    expect(await check(items)).toEqual(items.map((item) => verifySignature(item.key, item.message, item.signature)));
    expect(await check([{ key: signer.key, message: message.slice(1), signature }])).toEqual([false]);
  });
});
