import { mkdtemp, readdir, readFile, stat, chmod } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openKeystore } from './keystore.ts';
import { seal } from './seal.ts';
import { verifySignature } from './verify.ts';

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
    await expect(again.signing('../x')).rejects.toMatchObject({ code: 'key_name_invalid' });
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
