import { spawnSync } from 'node:child_process';
import { createCipheriv, createPrivateKey, pbkdf2Sync, scryptSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { generatePkcs8 } from './keys.ts';
import { judgePkcs8Cost, MAX_ITERATIONS } from './pkcs8-cost.ts';
import { readPrivateKey } from './private-key.ts';

const PASSPHRASE = 'five words make it long';
const SALT = Buffer.alloc(16, 7);
const IV = Buffer.alloc(16, 9);
const hasOpenssl = spawnSync('openssl', ['version']).error === undefined;

function value(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const length = content.length < 0x80 ? [content.length] : content.length < 0x100 ? [0x81, content.length] : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}
const sequence = (...parts: Buffer[]): Buffer => value(0x30, ...parts);
const oid = (hex: string): Buffer => value(0x06, Buffer.from(hex, 'hex'));
const integer = (n: number): Buffer => {
  const hex = n.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 1 ? `0${hex}` : hex, 'hex');
  return value(0x02, bytes[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes);
};

interface Derivation { readonly parameters: Buffer; readonly key: () => Buffer }
const pbkdf2 = (iterations: number): Derivation => ({
  parameters: sequence(oid('2a864886f70d01050c'), sequence(value(0x04, SALT), integer(iterations), sequence(oid('2a864886f70d0209'), value(0x05)))),
  key: () => pbkdf2Sync(PASSPHRASE, SALT, iterations, 32, 'sha256'),
});
const scrypt = (N: number, r: number, p: number): Derivation => ({
  parameters: sequence(oid('2b06010401da47040b'), sequence(value(0x04, SALT), integer(N), integer(r), integer(p))),
  key: () => scryptSync(PASSPHRASE, SALT, 32, { N, r, p, maxmem: 64 * 1024 * 1024 }),
});

function encrypted(pkcs8: Buffer, { parameters, key }: Derivation): Buffer {
  const cipher = createCipheriv('aes-256-cbc', key(), IV);
  const sealed = Buffer.concat([cipher.update(pkcs8), cipher.final()]);
  return sequence(sequence(oid('2a864886f70d01050d'), sequence(parameters, sequence(oid('60864801650304012a'), value(0x04, IV)))), value(0x04, sealed));
}
/** With the work still to be done by who opens it: what is sealed is noise. */
const asking = (derivation: Derivation): Buffer => encrypted(Buffer.alloc(48), { ...derivation, key: () => Buffer.alloc(32) });
const pem = (der: Buffer): string => `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${der.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END ENCRYPTED PRIVATE KEY-----\n`;
const given = (): Promise<Buffer> => Promise.resolve(Buffer.from(PASSPHRASE));
const nobody = (): Promise<Buffer> => Promise.reject(new Error('it was not to ask'));

describe('an encrypted PKCS#8 file', () => {
  it.each([['PBKDF2', pbkdf2(2048)], ['scrypt', scrypt(16_384, 8, 1)]])('is opened when it asks for what %s usually takes', async (_, derivation) => {
    const pkcs8 = generatePkcs8('signing');
    const der = encrypted(pkcs8, derivation);
    expect(judgePkcs8Cost(der)).toEqual({ ok: true });
    expect((await readPrivateKey(pem(der), given)).equals(pkcs8)).toBe(true);
  });

  it.each([
    ['more iterations', asking(pbkdf2(MAX_ITERATIONS + 1)), /iterations/],
    ['iterations for a year', asking(pbkdf2(0x7fffffff)), /2147483647 iterations/],
    ['more than a number holds', asking(pbkdf2(2 ** 100)), /iterations/],
    ['scrypt for a year', asking(scrypt(16_384, 8, 2 ** 26)), /N·r·p/],
    ['PBES1 for long', sequence(sequence(oid('2a864886f70d01050a'), sequence(value(0x04, SALT), integer(0x7fffffff))), value(0x04, IV)), /iterations/],
    ['PKCS#12 for long', sequence(sequence(oid('2a864886f70d010c0103'), sequence(value(0x04, SALT), integer(0x7fffffff))), value(0x04, IV)), /iterations/],
    ['a scheme that is not known', sequence(sequence(oid('2a864886f70d01050e'), sequence()), value(0x04, IV)), /not known/],
    ['a negative count', sequence(sequence(oid('2a864886f70d01050a'), sequence(value(0x04, SALT), value(0x02, Buffer.of(0xff)))), value(0x04, IV)), /not known/],
    ['an indefinite length', Buffer.concat([Buffer.from([0x30, 0x80]), asking(pbkdf2(1)).subarray(3), Buffer.alloc(2)]), /not known/],
    ['something behind it', Buffer.concat([asking(pbkdf2(1)), Buffer.of(5, 0)]), /not known/],
    ['nothing', Buffer.alloc(0), /not known|no private key/],
  ])('is refused before any work, and before anybody is asked: %s', async (_, der, message) => {
    await expect(readPrivateKey(pem(der), nobody)).rejects.toMatchObject({ code: 'key_unreadable', message: expect.stringMatching(message) as string });
  });

  it('is refused when it is cut or changed anywhere in its head', () => {
    const der = asking(pbkdf2(2048));
    for (let end = 0; end < der.length; end++) expect(judgePkcs8Cost(der.subarray(0, end)).ok, `${end} bytes`).toBe(false);
  });

  it('is judged by what OpenSSL would open, not by a second one in its text', async () => {
    const both = `${pem(asking(pbkdf2(1)))}${pem(asking(pbkdf2(0x7fffffff)))}`;
    await expect(readPrivateKey(both, nobody)).rejects.toMatchObject({ code: 'key_unreadable' });
  });

  it.for([['-v2', 'aes-256-cbc'], ['-scrypt'], ['-v1', 'PBE-SHA1-3DES'], ['-v2', 'aes-128-cbc', '-iter', '100000']])('that openssl wrote with %j is bearable', (options, context) => {
    if (!hasOpenssl) return context.skip('for want of openssl');
    const key = createPrivateKey({ key: generatePkcs8('signing'), format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' });
    const made = spawnSync('openssl', ['pkcs8', '-topk8', '-outform', 'DER', ...options, '-passout', `pass:${PASSPHRASE}`], { input: key });
    expect(made.status, String(made.stderr)).toBe(0);
    expect(judgePkcs8Cost(made.stdout)).toEqual({ ok: true });
  });
});
