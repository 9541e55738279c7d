import { execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodePrivate, fingerprint, openSshPublic } from './key-forms.ts';
import { generatePkcs8, signerOf } from './keys.ts';
import { readPrivateKey } from './private-key.ts';

const PASSPHRASE = 'five words make it long';
const hasSshKeygen = spawnSync('ssh-keygen', ['-?']).error === undefined;
const hasOpenssl = spawnSync('openssl', ['version']).error === undefined;
const nobody = (): Promise<Buffer> => Promise.reject(new Error('this file has no passphrase to ask for'));
const given = (passphrase: string) => (): Promise<Buffer> => Promise.resolve(Buffer.from(passphrase));
const didOf = (pkcs8: Buffer): string => signerOf(Buffer.from(pkcs8)).key;

let dir: string;
let made = 0;
beforeAll(async () => { dir = await mkdtemp(path.join(os.tmpdir(), '3bot-forms-')); });
const file = (): string => path.join(dir, `key${made++}`);
async function saved(text: string): Promise<string> {
  const name = file();
  await writeFile(name, text);
  await chmod(name, 0o600);
  return name;
}

describe('our own forms', () => {
  it.each([['openssh', undefined], ['openssh', PASSPHRASE], ['pkcs8', undefined], ['pkcs8', PASSPHRASE]] as const)('%s with passphrase %s comes back the same', async (form, passphrase) => {
    const pkcs8 = generatePkcs8('signing');
    const text = await encodePrivate(pkcs8, form, { comment: 'alice', passphrase });
    expect((await readPrivateKey(text, passphrase === undefined ? nobody : given(passphrase))).equals(pkcs8)).toBe(true);
    // Line ends of other systems, and space around it.
    expect((await readPrivateKey(`\r\n${text.replaceAll('\n', '\r\n')}\n`, passphrase === undefined ? nobody : given(passphrase))).equals(pkcs8)).toBe(true);
    if (passphrase !== undefined) await expect(readPrivateKey(text, given('another passphrase'))).rejects.toMatchObject({ code: 'passphrase_wrong' });
  });

  it('refuses a passphrase that protects nothing', async () => {
    await expect(encodePrivate(generatePkcs8('signing'), 'openssh', { comment: 'alice', passphrase: 'short' })).rejects.toMatchObject({ code: 'passphrase_unfit' });
  });
});

describe('ssh-keygen', () => {
  it.for(['', PASSPHRASE])('reads what we write, passphrase %j', async (passphrase, context) => {
    if (!hasSshKeygen) return context.skip('for want of ssh-keygen (openssh-client)');
    const pkcs8 = generatePkcs8('signing');
    const { key } = signerOf(Buffer.from(pkcs8));
    const name = await saved(await encodePrivate(pkcs8, 'openssh', { comment: 'alice', ...(passphrase !== '' && { passphrase }) }));
    expect(execFileSync('ssh-keygen', ['-y', '-P', passphrase, '-f', name], { encoding: 'utf8' }).trim()).toBe(openSshPublic(key, 'alice'));
    expect(execFileSync('ssh-keygen', ['-l', '-f', await saved(`${openSshPublic(key, 'alice')}\n`)], { encoding: 'utf8' }).split(' ')[1]).toBe(fingerprint(key));
    if (passphrase !== '') expect(spawnSync('ssh-keygen', ['-y', '-P', 'another passphrase', '-f', name]).status).not.toBe(0);
  });

  it.for([['', undefined], [PASSPHRASE, 'aes256-ctr'], [PASSPHRASE, 'aes256-cbc'], [PASSPHRASE, 'aes128-ctr']] as const)('writes what we read, passphrase %j, cipher %s', async ([passphrase, cipher], context) => {
    if (!hasSshKeygen) return context.skip('for want of ssh-keygen (openssh-client)');
    const name = file();
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', 'a comment', ...(cipher === undefined ? [] : ['-Z', cipher]), '-f', name]);
    const text = readFileSync(name, 'utf8');
    const pkcs8 = await readPrivateKey(text, passphrase === '' ? nobody : given(passphrase));
    const { key } = signerOf(pkcs8);
    expect(`${openSshPublic(key, 'a comment')}\n`).toBe(readFileSync(`${name}.pub`, 'utf8'));
    if (passphrase !== '') await expect(readPrivateKey(text, given('another passphrase'))).rejects.toMatchObject({ code: 'passphrase_wrong' });
  });

  it.for([
    [['-t', 'rsa', '-b', '2048'], 'got a key of type ssh-rsa'],
    [['-t', 'ecdsa'], 'got a key of type ecdsa-sha2-nistp256'],
    [['-t', 'rsa', '-b', '2048', '-m', 'PEM'], 'labelled RSA PRIVATE KEY'],
    [['-t', 'ed25519', '-N', PASSPHRASE, '-Z', 'chacha20-poly1305@openssh.com'], 'encrypted in a way'],
    [['-t', 'ed25519', '-N', PASSPHRASE, '-Z', 'aes256-gcm@openssh.com'], 'encrypted in a way'],
  ] as const)('is told what we do not read: %j', async ([options, message], context) => {
    if (!hasSshKeygen) return context.skip('for want of ssh-keygen (openssh-client)');
    const name = file();
    execFileSync('ssh-keygen', ['-q', ...options, ...(options.some((option) => option === '-N') ? [] : ['-N', '']), '-f', name]);
    await expect(readPrivateKey(readFileSync(name, 'utf8'), nobody)).rejects.toMatchObject({ code: 'key_unreadable', message: expect.stringContaining(message) as string });
    await expect(readPrivateKey(readFileSync(`${name}.pub`, 'utf8'), nobody)).rejects.toMatchObject({ code: 'key_unreadable', message: 'this is a public key' });
  });
});

describe('openssl', () => {
  it.for([[], ['-aes-256-cbc'], ['-aes-128-cbc']])('writes what we read, reads what we write: %s', async (cipher, context) => {
    if (!hasOpenssl) return context.skip('for want of openssl');
    const encrypted = cipher.length > 0;
    const [name, phrase] = [file(), await saved(PASSPHRASE)];
    execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519', ...cipher, ...(encrypted ? ['-pass', `file:${phrase}`] : []), '-out', name], { stdio: 'pipe' });
    const pkcs8 = await readPrivateKey(readFileSync(name, 'utf8'), encrypted ? given(PASSPHRASE) : nobody);
    const theirs = execFileSync('openssl', ['pkey', '-in', name, '-passin', `file:${phrase}`, '-pubout', '-outform', 'DER']);
    const ours = await saved(await encodePrivate(pkcs8, 'pkcs8', { comment: 'alice', ...(encrypted && { passphrase: PASSPHRASE }) }));
    expect(execFileSync('openssl', ['pkey', '-in', ours, '-passin', `file:${phrase}`, '-pubout', '-outform', 'DER']).equals(theirs)).toBe(true);
  });

  it('reads its scrypt form as well', async (context) => {
    if (!hasOpenssl) return context.skip('for want of openssl');
    const pkcs8 = generatePkcs8('signing');
    const [plain, phrase, name] = [await saved(await encodePrivate(pkcs8, 'pkcs8', { comment: '' })), await saved(PASSPHRASE), file()];
    execFileSync('openssl', ['pkcs8', '-topk8', '-scrypt', '-in', plain, '-passout', `file:${phrase}`, '-out', name]);
    expect(didOf(await readPrivateKey(await readFile(name, 'utf8'), given(PASSPHRASE)))).toBe(didOf(pkcs8));
  });
});

describe('what is not a key for us', () => {
  const pem = (label: string, body = 'AAAA'): string => `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  it.each([
    ['nothing', '', 'no private key'],
    ['a did:key', 'did:key:z6MkucET6x8pBpbu95CJfREjrv5hN9yHHpNKR4dT3ExgWb6T', 'public key'],
    ['a public key in PEM', rsa.publicKey.export({ format: 'pem', type: 'spki' }).toString(), 'labelled PUBLIC KEY'],
    ['an RSA key', rsa.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), 'got a key of type rsa'],
    ['an EC key in its old form', pem('EC PRIVATE KEY'), 'labelled EC PRIVATE KEY'],
    ['a damaged PKCS#8', pem('PRIVATE KEY'), 'damaged'],
    ['a damaged OpenSSH key', pem('OPENSSH PRIVATE KEY'), 'damaged'],
    ['a file of 17 KB', 'x'.repeat(17_000), 'at most 16384 bytes'],
  ])('%s', async (_, text, message) => {
    await expect(readPrivateKey(text, nobody)).rejects.toMatchObject({ code: 'key_unreadable', message: expect.stringContaining(message) as string });
  });

  it('an OpenSSH key whose halves do not belong together, or that asks for endless work', async () => {
    const [one, other] = await Promise.all([1, 2].map(() => encodePrivate(generatePkcs8('signing'), 'openssh', { comment: 'alice' })));
    const blob = (text = ''): Buffer => Buffer.from(text.split('\n').slice(1, -2).join(''), 'base64');
    const [a, b] = [blob(one), blob(other)];
    // Private part: two check integers, the type, the public half (32 bytes), then seed and public half (64 bytes).
    const seedOf = (bytes: Buffer): number => bytes.indexOf(Buffer.from('ssh-ed25519'), bytes.indexOf(Buffer.from('ssh-ed25519')) + 11) + 11 + 4 + 32 + 4;
    b.copy(a, seedOf(a), seedOf(b), seedOf(b) + 32);
    await expect(readPrivateKey(pem('OPENSSH PRIVATE KEY', a.toString('base64')), nobody)).rejects.toMatchObject({ code: 'key_unreadable', message: expect.stringContaining('halves') as string });
    const slow = blob(await encodePrivate(generatePkcs8('signing'), 'openssh', { comment: 'alice', passphrase: PASSPHRASE }));
    slow.writeUInt32BE(0xffff_ffff, slow.indexOf(Buffer.from('bcrypt')) + 6 + 4 + 4 + 16);
    await expect(readPrivateKey(pem('OPENSSH PRIVATE KEY', slow.toString('base64')), nobody)).rejects.toMatchObject({ code: 'key_unreadable', message: expect.stringContaining('4294967295 rounds') as string });
  });

  it('a file with any byte flipped: refused by code, or still the same key', async () => {
    const pkcs8 = generatePkcs8('signing');
    const text = await encodePrivate(pkcs8, 'openssh', { comment: 'alice' });
    const bytes = Buffer.from(text.split('\n').slice(1, -2).join(''), 'base64');
    let refused = 0;
    for (let i = 0; i < bytes.length; i++) {
      const flipped = Buffer.from(bytes);
      flipped[i] = (flipped[i] ?? 0) ^ 0x41;
      const read = await readPrivateKey(pem('OPENSSH PRIVATE KEY', flipped.toString('base64')), () => Promise.resolve(randomBytes(8))).catch((error: unknown) => error);
      if (Buffer.isBuffer(read)) expect(didOf(read)).toBe(didOf(pkcs8));
      else expect(read).toMatchObject({ name: 'KeystoreError' });
      if (!Buffer.isBuffer(read)) refused += 1;
    }
    expect(refused).toBeGreaterThan(100);
  });
});
