import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { canonicalBytes, canonicalize, parseCanonical } from './canonical.ts';
import { bodyBytes, checkBody, contractId, deploymentId, Header } from './contract.ts';
import { Digest, digestBytes, digestOf } from './digest.ts';
import { preAuthEncoding } from './envelope.ts';
import { Policy, Role } from './policy.ts';
import { PolicyTemplate, resolvePolicy } from './policy-template.ts';
import { evaluatePolicy } from './quorum.ts';
import { decodeDidKey, DidKey, encodeDidKey, PrincipalId } from './principal.ts';
import { countSets, Hex, readVectors, Verdict } from './vectors/vectors.fixture.ts';

const FOLDER = fileURLToPath(new URL('vectors/', import.meta.url));
const name = z.string();
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const accepts = (work: () => unknown): 'accept' | 'refuse' => {
  try {
    work();
    return 'accept';
  } catch (error) {
    // Anything but the documented refusal is a crash, and fails the test.
    expect(error).toBeInstanceOf(TypeError);
    return 'refuse';
  }
};

describe('canonical.json', () => {
  const cases = readVectors('canonical.json', z.strictObject({ name, input: Hex, canonical: z.string().nullable().optional(), expect: Verdict }));

  it('has the sets that it names', () => {
    expect(countSets(cases)).toMatchObject({ jcs: 12, 'rfc8785-appendix-b': 46 });
    expect(countSets(cases)['3bot']).toBeGreaterThanOrEqual(70);
    expect(cases.filter((c) => c.expect === 'accept').length).toBeGreaterThan(20);
  });

  it.each(cases)('$name', ({ input, canonical, expect: verdict }) => {
    expect(accepts(() => parseCanonical(input))).toBe(verdict);
    if (canonical === undefined) return;
    if (canonical !== null) {
      const value: unknown = JSON.parse(Buffer.from(input).toString('utf8'));
      expect(hexOf(canonicalBytes(value))).toBe(canonical);
      return;
    }
    let value: unknown;
    try {
      value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(input));
    } catch {
      return; // Not JSON at all, so there is no value to serialize.
    }
    expect(accepts(() => canonicalize(value))).toBe('refuse');
  });
});

describe('digests.json', () => {
  const cases = readVectors('digests.json', z.union([
    z.strictObject({ name, bytes: Hex, digest: Digest, expect: z.literal('accept') }),
    z.strictObject({ name, value: z.json(), digest: Digest, expect: z.literal('accept') }),
    z.strictObject({ name, digest: z.string(), expect: Verdict }),
  ]));

  it('has the sets that it names', () => {
    expect(countSets(cases)).toMatchObject({ 'fips180-4': 3, '3bot': 15 });
  });

  it.each(cases)('$name', (c) => {
    if ('bytes' in c) expect(digestBytes(c.bytes)).toBe(c.digest);
    else if ('value' in c) expect(digestOf(c.value)).toBe(c.digest);
    else expect(Digest.safeParse(c.digest).success).toBe(c.expect === 'accept');
  });
});

describe('did-key.json', () => {
  const cases = readVectors('did-key.json', z.discriminatedUnion('expect', [
    z.strictObject({ name, did: z.string(), publicKey: Hex, expect: z.literal('accept') }),
    z.strictObject({ name, did: z.string(), expect: z.literal('refuse') }),
  ]));

  it('has the sets that it names', () => {
    expect(countSets(cases)).toMatchObject({ 'w3c-ccg': 1, '3bot': 34 });
  });

  it.each(cases)('$name', (c) => {
    const parsed = DidKey.safeParse(c.did);
    expect(parsed.success ? accepts(() => decodeDidKey(parsed.data)) : 'refuse').toBe(c.expect);
    if (c.expect !== 'accept') return;
    expect(decodeDidKey(DidKey.parse(c.did))).toEqual(c.publicKey);
    expect(encodeDidKey(c.publicKey)).toBe(c.did);
  });
});

describe('pre-auth.json', () => {
  const cases = readVectors('pre-auth.json', z.strictObject({ name, payloadType: z.string(), payload: Hex, preAuth: z.string(), expect: z.literal('accept') }));

  it.each(cases)('$name', ({ payloadType, payload, preAuth }) => {
    expect(hexOf(preAuthEncoding(payloadType, payload))).toBe(preAuth);
  });
});

describe('contracts.json', () => {
  const cases = readVectors('contracts.json', z.discriminatedUnion('expect', [
    z.strictObject({ name, header: Header, headerBytes: z.string(), contract: Digest, deployment: Digest, bodyBytes: Hex, expect: z.literal('accept') }),
    z.strictObject({ name, header: Header, bodyBytes: Hex, expect: z.literal('body_mismatch') }),
  ]));

  it('has versions to accept and bodies to refuse', () => {
    expect(cases.filter((c) => c.expect === 'accept').map((c) => c.header.version)).toEqual([1, 2, 1]);
    expect(cases.length).toBeGreaterThanOrEqual(25);
  });

  it.each(cases)('$name', (c) => {
    const checked = checkBody(c.header, c.bodyBytes);
    if (c.expect !== 'accept') return expect(checked).toMatchObject({ ok: false, code: c.expect });
    if (!checked.ok) throw new Error(checked.message);
    expect(hexOf(bodyBytes(checked.body))).toBe(hexOf(c.bodyBytes));
    expect(hexOf(canonicalBytes(c.header))).toBe(c.headerBytes);
    expect(contractId(c.header)).toBe(c.contract);
    expect(deploymentId({ ...c.header, nonce: c.header.derivation.nonce })).toBe(c.deployment);
    expect(c.header.deployment).toBe(c.deployment);
  });
});

describe('policies.json', () => {
  const vote = z.strictObject({ principal: PrincipalId, role: Role, decision: z.enum(['approve', 'reject']) });
  const filled = { name, of: z.literal('template'), template: PolicyTemplate, roster: z.record(Role, z.array(PrincipalId)), requester: PrincipalId.optional() };
  const cases = readVectors('policies.json', z.union([
    z.strictObject({ name, of: z.literal('form'), policy: z.json(), expect: Verdict }),
    z.strictObject({ name, of: z.literal('evaluation'), policy: Policy, votes: z.array(vote), expect: z.enum(['met', 'open', 'lost']) }),
    z.strictObject({ ...filled, policy: Policy, expect: z.literal('accept') }),
    z.strictObject({ ...filled, missingRoles: z.array(Role), expect: z.literal('refuse') }),
  ]));

  it('has every outcome of every question', () => {
    const outcomes = new Set(cases.map((c) => `${c.of} ${c.expect}`));
    expect([...outcomes].sort()).toEqual(['evaluation lost', 'evaluation met', 'evaluation open', 'form accept', 'form refuse', 'template accept', 'template refuse']);
    expect(cases.length).toBeGreaterThanOrEqual(100);
  });

  it.each(cases)('$name', (c) => {
    if (c.of === 'form') return expect(Policy.safeParse(c.policy).success).toBe(c.expect === 'accept');
    if (c.of === 'evaluation') {
      const { met, possible } = evaluatePolicy(c.policy, c.votes);
      expect(met ? 'met' : possible ? 'open' : 'lost').toBe(c.expect);
      return;
    }
    expect(resolvePolicy(c.template, c.roster, c.requester)).toEqual(c.expect === 'accept' ? { ok: true, policy: c.policy } : { ok: false, missingRoles: c.missingRoles });
  });
});

describe('the reference implementation', () => {
  it('in another language judges every case as it expects, and makes the very files', (context) => {
    if (spawnSync('python3', ['--version']).status !== 0) return context.skip('for want of python3');
    const said = execFileSync('python3', ['-B', 'reference/make.py', '--check'], { cwd: FOLDER, encoding: 'utf8', timeout: 100_000 });
    const files = said.trim().split('\n').map((line) => line.split(' ')[0]);
    expect(files).toEqual(readdirSync(FOLDER).filter((file) => file.endsWith('.json')).sort());
    expect(files.length).toBeGreaterThanOrEqual(10);
  }, 120_000);
});
