import { chmod, mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { armor } from 'age-encryption';
import { describe, expect, it } from 'vitest';
import { generatePkcs8, signerOf } from './keys.ts';
import { openKeystore, openKeystoreFiles } from './keystore.ts';
import { requireFitPassphrase } from './passphrase.ts';
import { changePassphrase, protectedFile, protectKeystore, protectionOf } from './unlock.ts';

const PASSPHRASE = 'grün häuser, five words';
const QUICK = { workFactor: 4 };
const say = (passphrase: string) => ({ unlocking: { passphrase: () => Promise.resolve(passphrase) } });

async function place(): Promise<{ dir: string; unlock: string }> {
  const root = await mkdtemp(path.join(os.tmpdir(), '3bot-keys-'));
  return { dir: path.join(root, 'keys'), unlock: path.join(root, 'unlock') };
}

describe('a keystore under a passphrase', () => {
  it('keeps its keys when it comes under one, and its identity never lies in the clear when it begins so', async () => {
    const at = await place();
    const { key } = await (await openKeystoreFiles({ ...at, create: true })).newSigning('alice');
    await protectKeystore({ ...at, passphrase: PASSPHRASE, ...QUICK });
    expect(await protectionOf(at)).toBe('passphrase');
    expect((await (await openKeystore({ ...at, ...say(PASSPHRASE) })).signing('alice')).key).toBe(key);
    await expect(stat(at.unlock)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(protectKeystore({ ...at, passphrase: PASSPHRASE, ...QUICK })).rejects.toMatchObject({ code: 'keystore_protected' });

    const fresh = await place();
    await protectKeystore({ ...fresh, passphrase: PASSPHRASE, ...QUICK });
    expect(await readdir(path.dirname(fresh.unlock))).toEqual(['unlock.age']);
    expect((await stat(protectedFile(fresh))).mode & 0o777).toBe(0o600);
    // `create` makes keys, and no second way in.
    await (await openKeystoreFiles({ ...fresh, create: true, ...say(PASSPHRASE) })).newSigning('alice');
    expect(await protectionOf(fresh)).toBe('passphrase');
  });

  it('says the same to every wrong passphrase, and the file to look at', async () => {
    const at = await place();
    await protectKeystore({ ...at, passphrase: PASSPHRASE, ...QUICK });
    const said = new Set<string>();
    for (const wrong of ['', 'x', `${PASSPHRASE} `, PASSPHRASE.toUpperCase(), 'y'.repeat(1000)]) {
      const error: unknown = await openKeystore({ ...at, ...say(wrong) }).catch((e: unknown) => e);
      expect(error).toMatchObject({ code: 'passphrase_wrong' });
      expect(error).not.toHaveProperty('cause');
      said.add(error instanceof Error ? error.message : '');
    }
    expect([...said]).toEqual([`the passphrase does not open ${protectedFile(at)}`]);
    await expect(openKeystore(at)).rejects.toMatchObject({ code: 'keystore_locked' });
    await chmod(protectedFile(at), 0o640);
    await expect(openKeystore({ ...at, ...say(PASSPHRASE) })).rejects.toMatchObject({ code: 'unlock_unsafe' });
  });

  it('changes its passphrase', async () => {
    const at = await place();
    await protectKeystore({ ...at, passphrase: PASSPHRASE, ...QUICK });
    await expect(changePassphrase({ ...at, old: 'not the old one', passphrase: 'a new passphrase', ...QUICK })).rejects.toMatchObject({ code: 'passphrase_wrong' });
    await expect(changePassphrase({ ...at, old: PASSPHRASE, passphrase: 'short', ...QUICK })).rejects.toMatchObject({ code: 'passphrase_unfit' });
    await openKeystore({ ...at, ...say(PASSPHRASE) });
    await changePassphrase({ ...at, old: PASSPHRASE, passphrase: 'a new passphrase', ...QUICK });
    await openKeystore({ ...at, ...say('a new passphrase') });
    await expect(openKeystore({ ...at, ...say(PASSPHRASE) })).rejects.toMatchObject({ code: 'passphrase_wrong' });
  });

  it('asks of scrypt what age does: 2^18', async () => {
    const at = await place();
    await protectKeystore({ ...at, passphrase: PASSPHRASE });
    expect(Buffer.from(armor.decode(await readFile(protectedFile(at), 'utf8'))).toString('latin1')).toMatch(/^age-encryption\.org\/v1\n-> scrypt \S{22} 18\n/);
  });

  it.each([
    ['cut short', (text: string) => text.slice(0, 200)],
    ['empty', () => ''],
    ['not age at all', () => 'hello\n'],
    ['with a factor that would take for ever', (text: string) => armor.encode(Buffer.from(Buffer.from(armor.decode(text)).toString('latin1').replace(/( )4\n/, '$129\n'), 'latin1'))],
    ['with its payload changed', (text: string) => armor.encode(Buffer.from(armor.decode(text)).map((byte, i, all) => (i === all.length - 1 ? byte ^ 1 : byte)))],
  ])('names its file when that is damaged: %s', async (_, damage) => {
    const at = await place();
    await protectKeystore({ ...at, passphrase: PASSPHRASE, ...QUICK });
    await writeFile(protectedFile(at), damage(await readFile(protectedFile(at), 'utf8')));
    await expect(openKeystore({ ...at, ...say(PASSPHRASE) })).rejects.toMatchObject({ code: 'unlock_damaged', message: `${protectedFile(at)} is damaged` });
  });

  it('throws nothing away when two unlock files hold different identities', async () => {
    const [at, other] = [await place(), await place()];
    await openKeystore({ ...at, create: true });
    await protectKeystore({ ...other, passphrase: PASSPHRASE, ...QUICK });
    await writeFile(protectedFile(at), await readFile(protectedFile(other)), { mode: 0o600 });
    await expect(openKeystore({ ...at, ...say(PASSPHRASE) })).rejects.toMatchObject({ code: 'unlock_damaged', message: expect.stringContaining('different identities') as string });
    expect(await readFile(at.unlock, 'utf8')).toMatch(/^AGE-SECRET-KEY-/);
  });

  it.each([['eleven char', 'at least 12'], ['x'.repeat(1025), 'at most 1024'], ['with a\nsecond line', 'control']])('refuses a new passphrase that is not fit: %.20s', (passphrase, message) => {
    expect(() => { requireFitPassphrase(passphrase); }).toThrowError(expect.objectContaining({ code: 'passphrase_unfit', message: expect.stringContaining(message) as string }) as Error);
  });
});

describe('the owner of a keystore', () => {
  it('never overwrites a key, by making or by taking one in', async () => {
    const store = await openKeystoreFiles({ ...(await place()), create: true });
    const made = await Promise.allSettled(Array.from({ length: 8 }, () => store.newSigning('alice')));
    const kept = made.flatMap((result) => (result.status === 'fulfilled' ? [result.value.key] : []));
    expect(kept).toEqual([(await store.signing('alice')).key]);
    await expect(store.importSigning('alice', generatePkcs8('signing'))).rejects.toMatchObject({ code: 'key_exists' });
    expect((await store.signing('alice')).key).toBe(kept[0]);
    await expect(store.newSigning('Alice/..')).rejects.toMatchObject({ code: 'key_name_invalid' });
    await expect(store.importSigning('bob', generatePkcs8('overlay'))).rejects.toThrow('expected an ed25519 key');
    expect(await store.list()).toEqual(['alice.signing']);
  });

  it('takes in a key and overwrites what brought it', async () => {
    const store = await openKeystoreFiles({ ...(await place()), create: true });
    const pkcs8 = generatePkcs8('signing');
    const { key } = signerOf(Buffer.from(pkcs8));
    expect((await store.importSigning('alice', pkcs8)).key).toBe(key);
    expect(pkcs8.every((byte) => byte === 0)).toBe(true);
    expect((await store.signing('alice')).key).toBe(key);
  });

  it('rotates: the same next key until the switch, the new one after it, the old one kept', async () => {
    const at = await place();
    const store = await openKeystoreFiles({ ...at, create: true });
    const { key } = await store.newSigning('alice');
    expect(await store.pendingRotation('alice')).toBeUndefined();
    const { current, next } = await store.rotate('alice');
    expect(current.key).toBe(key);
    expect(next.key).not.toBe(key);
    const elsewhere = await openKeystoreFiles(at);
    expect((await elsewhere.rotate('alice')).next.key).toBe(next.key);
    expect((await elsewhere.pendingRotation('alice'))?.key).toBe(next.key);
    expect((await elsewhere.signing('alice')).key).toBe(key);
    expect(await elsewhere.list()).toEqual(['alice.signing']);
    await expect(store.commitRotation('alice', signerOf(generatePkcs8('signing')).key)).rejects.toMatchObject({ code: 'rotation_missing' });
    expect((await store.commitRotation('alice', next.key)).key).toBe(next.key);
    expect((await store.commitRotation('alice', next.key)).key).toBe(next.key);
    expect((await elsewhere.signing('alice')).key).toBe(next.key);
    expect(await store.pendingRotation('alice')).toBeUndefined();
    const second = await store.rotate('alice');
    expect(second.current.key).toBe(next.key);
    await store.commitRotation('alice', second.next.key);
    expect(await readdir(path.join(at.dir, 'retired'))).toHaveLength(2);
    await expect(store.rotate('bob')).rejects.toMatchObject({ code: 'key_missing' });
  });
});
