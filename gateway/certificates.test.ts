import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAuthority, generateLeafKey } from './authority.ts';
import { LEAF_LIFE_MS, LeafStore } from './certificates.ts';

const DAY_MS = 86_400_000;
const names = { id: 'app', dnsNames: ['app.3bot.test', 'localhost'], addresses: ['127.0.0.1'] };

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gw-ca-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

function opensslVerify(leafFile: string, ...more: string[]): string {
  try {
    return execFileSync('openssl', ['verify', '-x509_strict', '-CAfile', join(dir, 'ca.pem'), ...more, leafFile], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    return String((error as { stderr?: unknown }).stderr);
  }
}

describe('the authority', () => {
  it('is made once, keeps its key private and lives for ten years', async () => {
    const first = await createAuthority(dir, { domain: '3bot.test' });
    const again = await createAuthority(dir, { domain: '3bot.test' });
    expect(again.certificatePem).toBe(first.certificatePem);
    expect((await stat(join(dir, 'ca-key.pem'))).mode & 0o777).toBe(0o600);
    expect(await readFile(first.certificateFile, 'utf8')).toBe(first.certificatePem);
    const certificate = new X509Certificate(first.certificatePem);
    const life = Date.parse(certificate.validTo) - Date.parse(certificate.validFrom);
    expect(life).toBeGreaterThan(3650 * DAY_MS);
    expect(life).toBeLessThan(3660 * DAY_MS);
  });

  it('writes the public file again when it is lost, and refuses to replace a damaged key', async () => {
    const { certificateFile, certificatePem } = await createAuthority(dir, { domain: '3bot.test' });
    await rm(certificateFile);
    await createAuthority(dir, { domain: '3bot.test' });
    expect(await readFile(certificateFile, 'utf8')).toBe(certificatePem);
    await expect(createAuthority(dir, { domain: 'other.test' })).rejects.toThrow('another domain');
    await writeFile(join(dir, 'ca-key.pem'), 'damaged');
    await expect(createAuthority(dir, { domain: '3bot.test' })).rejects.toThrow('holds no key');
  });

  it('issues leaves that OpenSSL accepts for their names, and none outside its constraints', async () => {
    const ca = await createAuthority(dir, { domain: '3bot.test' });
    const { publicKey } = await generateLeafKey();
    const notBefore = new Date(Date.now() - 1000);
    const base = { commonName: 'app', publicKey, notBefore, notAfter: new Date(Date.now() + DAY_MS) };
    const inside = join(dir, 'inside.pem');
    await writeFile(inside, await ca.sign({ ...base, ...names }));
    expect(opensslVerify(inside, '-verify_ip', '127.0.0.1')).toContain('OK');
    expect(opensslVerify(inside, '-verify_hostname', 'app.3bot.test')).toContain('OK');
    expect(opensslVerify(inside, '-verify_hostname', 'other.3bot.test')).toContain('mismatch');
    const outside = join(dir, 'outside.pem');
    await writeFile(outside, await ca.sign({ ...base, dnsNames: ['example.com'], addresses: [] }));
    expect(opensslVerify(outside)).toContain('permitted subtree violation');
    await writeFile(outside, await ca.sign({ ...base, dnsNames: ['localhost'], addresses: ['10.0.0.1'] }));
    expect(opensslVerify(outside)).toContain('permitted subtree violation');
  });
});

describe('leaf certificates', () => {
  it('are kept, renewed at two thirds of their life, and replaced when the names, the authority or the file change', async () => {
    const ca = await createAuthority(dir, { domain: '3bot.test' });
    let now = Date.now();
    const events: unknown[] = [];
    const store = (authority = ca) =>
      new LeafStore({ dir: join(dir, 'leaves'), ca: authority, now: () => now, log: (event) => events.push(event) });
    const first = await store().obtain(names);
    expect((await stat(join(dir, 'leaves', 'app.pem'))).mode & 0o777).toBe(0o600);
    now += (LEAF_LIFE_MS * 2) / 3 - 2 * 3_600_000;
    expect(await store().obtain(names)).toEqual(first);
    now += 2 * 3_600_000;
    const renewed = await store().obtain(names);
    expect(renewed.certificatePem).not.toBe(first.certificatePem);
    expect(events).toHaveLength(2);

    const wider = await store().obtain({ ...names, dnsNames: ['b.3bot.test'] });
    expect(new X509Certificate(wider.certificatePem).subjectAltName).toBe('DNS:b.3bot.test, IP Address:127.0.0.1');
    const otherCa = await createAuthority(join(dir, 'other'), { domain: '3bot.test' });
    const foreign = await store(otherCa).obtain({ ...names, dnsNames: ['b.3bot.test'] });
    expect(foreign.certificatePem).not.toBe(wider.certificatePem);
    await writeFile(join(dir, 'leaves', 'app.pem'), foreign.keyPem + wider.certificatePem);
    const repaired = await store().obtain({ ...names, dnsNames: ['b.3bot.test'] });
    expect(repaired.certificatePem).not.toBe(wider.certificatePem);
  });
});
