import { mkdtemp, readdir, readFile, stat, chmod } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeDidKey } from '../contract/principal.ts';
import { openKeystore } from './keystore.ts';
import { seal } from './seal.ts';
import { verifySignature } from './verify.ts';
import { verifySignatureNoble } from './verify-noble.ts';

const VECTORS = path.join(import.meta.dirname, '../../shared/vectors');

describe('the one verification rule', () => {
  it('refuses all 12 edge cases of ed25519-speccheck, in both implementations', (context) => {
    if (!existsSync(VECTORS)) return context.skip('for want of ../shared/vectors beside the checkout');
    const cases = JSON.parse(readFileSync(path.join(VECTORS, 'ed25519-speccheck.json'), 'utf8')) as { message: string; pub_key: string; signature: string }[];
    expect(cases).toHaveLength(12);
    const results = cases.map((c) => {
      const raw = Buffer.from(c.pub_key, 'hex');
      const args = [encodeDidKey(raw), Buffer.from(c.message, 'hex'), Buffer.from(c.signature, 'hex')] as const;
      expect(verifySignature(...args)).toBe(verifySignatureNoble(...args));
      return verifySignature(...args);
    });
    // Each has a key that is of small order (0, 1), not torsion-free (2-5, 8) or not canonical (9-11), or s >= L (6, 7).
    expect(results.flatMap((ok, i) => (ok ? [i] : []))).toEqual([]);
  });

  it('agrees with Wycheproof', (context) => {
    if (!existsSync(VECTORS)) return context.skip('for want of ../shared/vectors beside the checkout');
    const corpus = JSON.parse(readFileSync(path.join(VECTORS, 'wycheproof-ed25519_test.json'), 'utf8')) as { testGroups: { publicKey: { pk: string }; tests: { tcId: number; msg: string; sig: string; result: string }[] }[] };
    let count = 0;
    for (const group of corpus.testGroups) {
      const key = encodeDidKey(Buffer.from(group.publicKey.pk, 'hex'));
      for (const t of group.tests) {
        expect(verifySignature(key, Buffer.from(t.msg, 'hex'), Buffer.from(t.sig, 'hex')), `case ${t.tcId}`).toBe(t.result === 'valid');
        count += 1;
      }
    }
    expect(count).toBeGreaterThan(100);
  });
});

describe('keystore', () => {
  it('keeps keys over restarts, encrypted, and hands out use only', async () => {
    const dir = await mkdtemp(path.join(os.tmpdir(), '3bot-keys-'));
    const options = { dir: path.join(dir, 'keys'), unlock: path.join(dir, 'unlock'), create: true };
    const first = await openKeystore(options);
    const [signer, overlay, sealing] = [await first.signing('node'), await first.overlay('node'), await first.sealing('node')];
    const again = await openKeystore({ ...options, create: false });
    expect((await again.signing('node')).key).toBe(signer.key);
    expect((await again.overlay('node')).publicKey).toEqual(overlay.publicKey);
    const message = Buffer.from('hello');
    expect(verifySignature(signer.key, message, signer.sign(message))).toBe(true);
    expect(verifySignature(signer.key, Buffer.from('other'), signer.sign(message))).toBe(false);
    expect(Buffer.from(await (await again.sealing('node')).unseal(await seal(message, sealing.recipient))).toString()).toBe('hello');
    expect(await again.list()).toEqual(['node.overlay', 'node.sealing', 'node.signing']);
    for (const file of await readdir(options.dir)) {
      expect((await stat(path.join(options.dir, file))).mode & 0o777).toBe(0o600);
      const bytes = Buffer.from(await readFile(path.join(options.dir, file), 'utf8'), 'base64').toString('latin1');
      expect(bytes.startsWith('age-encryption.org/v1')).toBe(true);
      expect(bytes).not.toContain('secret');
    }
    await expect(again.signing('other')).rejects.toMatchObject({ code: 'key_missing' });
    await expect(again.signing('../x')).rejects.toMatchObject({ code: 'key_missing' });
    await chmod(options.unlock, 0o644);
    await expect(openKeystore(options)).rejects.toMatchObject({ code: 'unlock_unsafe' });
  });

  it('makes one key when two openers ask at once', async () => {
    const dir = await mkdtemp(path.join(os.tmpdir(), '3bot-keys-'));
    const options = { dir: path.join(dir, 'keys'), unlock: path.join(dir, 'unlock'), create: true };
    const store = await openKeystore(options);
    const keys = await Promise.all(Array.from({ length: 4 }, async () => (await store.signing('x')).key));
    expect(new Set(keys).size).toBe(1);
  });
});
