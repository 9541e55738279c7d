import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deploymentStatus } from '../../bot/tools/deployments.ts';
import { bodyBytes, type ContractId, contractId, type Header } from '../../contract/contract.ts';
import { type Digest, digestBytes, digestOf } from '../../contract/digest.ts';
import { type Envelope, sealEnvelope } from '../../contract/envelope.ts';
import type { Plan } from '../../bot/planner/plan.ts';
import { blobPath } from '../../ledger/blobs.ts';
import { ALREADY_VERIFIED, openEntry } from '../../ledger/leaf.ts';
import { generatePkcs8, signerOf } from '../../signer/keys.ts';
import { eventually, type Grid, type Refused, startGrid, tailsOnFailure } from './grid.fixture.ts';
import { type Answer, engineProcesses, everybodyLooked, meansDigest, openParties, type Parties, ROLES } from './parties.fixture.ts';

/** Item 4: every refusal has a code, a message and a hint, and starts nothing. One grid with one running archive. */

let grid: Grid;
let parties: Parties;
let held: Set<number>;
const small = { capacity: '1000000000', countries: ['CH'], data_shards: 2, parity_shards: 1 };
let serial = 0;

beforeAll(async () => {
  grid = await startGrid({ grid: path.join(import.meta.dirname, 'grids', 'small.yaml') });
  parties = await openParties(grid);
  await grid.ask('give me an archive of 1 GB in CH, 2 + 1 shards, called kept');
}, 240_000);
afterAll(async () => {
  await parties?.close();
  await grid?.stop();
}, 60_000);
tailsOnFailure(() => grid);

const state = () => parties.bot.follower.state();
const fresh = (): Plan => parties.plan({ ...small, name: `refused-${++serial}` });
const stands = { means: '' as string };

/** Engines that run now and did not when the test began; a respawn of the kept archive's is none. */
const newEngines = async (): Promise<string[]> => {
  const kept = new Set(Object.keys(state().deployments));
  return (await grid.nodes()).flatMap((n) => (n.status?.workloads ?? []).flatMap((w) => (w.pid !== undefined && !kept.has(w.deployment) ? [`${w.workload} on ${n.label}`] : [])));
};

beforeEach(() => {
  stands.means = meansDigest(state());
  held = new Set(engineProcesses(grid));
});
/** What a test that failed left open is ended, so that the next one stands on the same ground. */
afterEach(async () => {
  for (const [id, { status, header }] of Object.entries(state().contracts)) {
    if (header.names.includes('kept')) continue;
    if (status === 'proposed') await parties.say('contract.withdrawn', parties.bot.requester, { contract: id });
    if (status === 'active') await parties.cancel(id as ContractId);
  }
});

/** Nothing was reserved or deployed, and after all nodes have looked no engine runs that did not before. */
async function expectNothingStarted(): Promise<void> {
  expect(meansDigest(state())).toBe(stands.means);
  await everybodyLooked(parties);
  expect(engineProcesses(grid).filter((pid) => !held.has(pid))).toEqual([]);
  expect(await newEngines()).toEqual([]);
}

function expectRefusal(answer: Answer | Refused['error'] | undefined, code: string, hint: RegExp): void {
  expect(answer).toMatchObject({ code, message: expect.stringMatching(/\S{3}/) as string, hint: expect.stringMatching(hint) as string });
}

async function asked(text: string, code: string, hint: RegExp): Promise<Refused['error']> {
  const { exitCode, json } = await grid.cli<Refused>('ask', text, '--yes', '--new');
  expect(exitCode, JSON.stringify(json)).toBe(1);
  expect(json.ok).toBe(false);
  expectRefusal(json.error, code, hint);
  return json.error;
}

const approval = (header: Header, role: (typeof ROLES)[number], over: object = {}): object =>
  ({ contract: contractId(header), role, explanation: contractId(header), statement: 'reviewed', signBefore: header.validity.signBefore, ...over });

async function withdraw(contract: ContractId): Promise<void> {
  expect(await parties.say('contract.withdrawn', parties.bot.requester, { contract })).toMatchObject({ ok: true });
  await parties.bot.follower.waitFor((s) => (s.contracts[contract]?.status === 'withdrawn' ? true : undefined));
}

describe('what does not fit', () => {
  it('5 PB in CH: says what would fit, and that does', async () => {
    const { hint } = await asked('give me an archive of 5 PB in CH', 'no_capacity', /^capacity of [\d.]+ [TGP]B would fit in CH/);
    await expectNothingStarted();
    const size = /capacity of ([\d.]+ [TGP]B)/.exec(hint ?? '')?.[1] ?? '';
    const { exitCode, json } = await grid.cli('plan', `give me an archive of ${size} in CH`);
    expect(exitCode, JSON.stringify(json)).toBe(0);
    expect(meansDigest(state())).toBe(stands.means);
  });

  it('a country without nodes: says where there are some', async () => {
    await asked('give me an archive of 1 TB in Japan', 'no_nodes_in_place', /there are nodes in CH, DE/);
    await expectNothingStarted();
  });
});

describe('a missing quorum', () => {
  it('with two of three signatures nothing runs, and the one who is missing is named', async () => {
    const plan = fresh();
    const contract = await parties.propose(plan);
    await parties.approve(contract, 'it-expert', 'legal');
    await everybodyLooked(parties);
    expect(state().contracts[contract]?.status).toBe('proposed');
    expect(state().deployments[plan.header.deployment]).toBeUndefined();
    expect(engineProcesses(grid).filter((pid) => !held.has(pid))).toEqual([]);
    const { json } = await grid.cli<{ contracts: { contract: string; waitingFor: string[] }[] }>('contract', 'list');
    expect(json.contracts.find((c) => c.contract === contract)?.waitingFor).toEqual(['budget (0 of 1: demonstration budget)']);
    await withdraw(contract);
    await expectNothingStarted();
  });

  it('is the answer of `ask` when a stakeholder signs elsewhere', async () => {
    const key = path.join(grid.state, 'keys', 'stakeholders', 'budget.signing.age');
    await rename(key, `${key}.away`);
    try {
      await asked('give me an archive of 1 GB in CH, 2 + 1 shards, called unsigned', 'quorum_missing', /contract approve/);
    } finally {
      await rename(`${key}.away`, key);
    }
    const open = Object.entries(state().contracts).find(([, c]) => c.status === 'proposed');
    expect(open).toBeDefined();
    await withdraw(open?.[0] as ContractId);
    await expectNothingStarted();
  });

  it('cannot be got round by a contract that asks fewer people, or by one voice in two roles', async () => {
    const { header, body } = fresh();
    const weaker = { ...header, policy: { role: 'legal', principals: [parties.stakeholders.legal.id], k: 1 } };
    expectRefusal(await parties.say('contract.proposed', parties.bot.requester, { header: weaker }), 'policy_mismatch', /./);
    const contract = await parties.propose({ header, body });
    await parties.approve(contract, 'legal');
    expectRefusal(await parties.say('contract.approved', parties.stakeholders.legal, approval(header, 'budget')), 'not_permitted', /./);
    expectRefusal(await parties.say('contract.approved', parties.stakeholders.legal, approval(header, 'legal', { statement: 'again' })), 'already_voted', /./);
    await withdraw(contract);
    await expectNothingStarted();
  });
});

describe('a signature', () => {
  let plan: Plan;
  let contract: ContractId;
  beforeEach(async () => {
    plan = fresh();
    contract = await parties.propose(plan);
  });
  const votes = () => state().contracts[contract]?.votes ?? [];
  const finish = async (): Promise<void> => {
    expect(votes()).toEqual([]);
    await withdraw(contract);
    await expectNothingStarted();
  };

  it('by a key that is not the principal\'s counts for nothing', async () => {
    const { legal, budget } = parties.stakeholders;
    expectRefusal(await parties.say('contract.approved', { id: legal.id, signer: budget.signer }, approval(plan.header, 'legal')), 'key_mismatch', /key of the principal/);
    const stranger = signerOf(generatePkcs8('signing'));
    expectRefusal(await parties.say('contract.approved', { id: legal.id, signer: stranger }, approval(plan.header, 'legal')), 'key_mismatch', /key of the principal/);
    const honest = sealEnvelope('contract.approved', { grid: parties.grid, by: legal.id, ...approval(plan.header, 'legal') }, legal.signer);
    const forged = sealEnvelope('contract.approved', { grid: parties.grid, by: legal.id, ...approval(plan.header, 'legal') }, stranger);
    const [{ sig }] = forged.signatures;
    const [answer] = await parties.post({ ...honest, signatures: [{ keyid: legal.signer.key, sig }] });
    expectRefusal(answer, 'signature_invalid', /./);
    await finish();
  });

  it('taken from the approval of another contract counts for nothing', async () => {
    const { legal } = parties.stakeholders;
    const first = fresh();
    const other = await parties.propose(first);
    const genuine = sealEnvelope('contract.approved', { grid: parties.grid, by: legal.id, ...approval(first.header, 'legal') }, legal.signer);
    expect((await parties.post(genuine))[0]).toMatchObject({ ok: true });
    // Sent again it is the entry that is there already; it says nothing about another contract.
    expect((await parties.post(genuine))[0]).toMatchObject({ ok: true, duplicate: true });
    const payload = Buffer.from(JSON.stringify(JSON.parse(Buffer.from(genuine.payload, 'base64').toString('utf8').replace(other, contract)))).toString('base64');
    const [answer] = await parties.post({ ...genuine, payload } satisfies Envelope);
    expectRefusal(answer, 'signature_invalid', /./);
    await withdraw(other);
    await finish();
  });

  it('made for another grid counts for nothing', async () => {
    const elsewhere = digestOf('another grid');
    const { legal } = parties.stakeholders;
    expectRefusal(await parties.say('contract.approved', legal, { ...approval(plan.header, 'legal'), grid: elsewhere }), 'grid_mismatch', /sign it again for this grid/);
    const foreign = fresh().header;
    expectRefusal(await parties.say('contract.proposed', parties.bot.requester, { header: { ...foreign, grid: elsewhere } }), 'grid_mismatch', /./);
    await finish();
  });
});

describe('a contract that is not what it says', () => {
  const engineRows = (plan: Plan) => deploymentStatus(state(), plan.header.deployment).filter((w) => w.type !== 'gateway-name');

  it('a header that does not match its body: the nodes refuse, and say why', async () => {
    const { header, body, ...rest } = fresh();
    const other = { ...body, workloads: body.workloads.map((w) => (w.name === 'zdb-0' ? { ...w, resources: { ...w.resources, disk: '1' } } : w)) };
    const plan = { ...rest, body: other, header: { ...header, bodyDigest: digestBytes(bodyBytes(other)) } };
    const contract = await parties.propose(plan);
    const { exitCode, json } = await grid.cli<Refused>('contract', 'approve', contract, '--role', 'legal', '--yes');
    expect(exitCode).toBe(1);
    expectRefusal(json.error, 'body_mismatch', /./);
    await parties.approve(contract, ...ROLES);
    const rows = await eventually('every node to refuse', 60_000, async () => (engineRows(plan).every((w) => w.phase === 'failed') ? engineRows(plan) : undefined));
    expect(rows).toHaveLength(5);
    for (const row of rows) expect(row.reason).toMatch(/^body_mismatch: .*zdb-0/);
    expect(engineProcesses(grid).filter((pid) => !held.has(pid))).toEqual([]);
    await parties.cancel(contract);
    await everybodyLooked(parties);
    expect(engineProcesses(grid).filter((pid) => !held.has(pid))).toEqual([]);
  });

  it('a body that its blueprint does not compile to: whoever is asked to sign is told', async () => {
    const { header, body, ...rest } = fresh();
    const other = { ...body, workloads: body.workloads.map((w) => (w.type === 'archive' ? { ...w, spec: { ...w.spec, bucket: 'elsewhere' } } : w)) };
    const contract = await parties.propose({ ...rest, body: other, header: { ...header, bodyDigest: digestBytes(bodyBytes(other)) } });
    for (const command of [['verify'], ['approve', '--role', 'legal']] as const) {
      const [verb, ...flags] = command;
      const { exitCode, json } = await grid.cli<Refused>('contract', verb, contract, ...flags);
      expect(exitCode).toBe(1);
      expectRefusal(json.error, 'digest_mismatch', /do not sign it/);
    }
    expect(state().contracts[contract]?.votes).toEqual([]);
    await withdraw(contract);
    await expectNothingStarted();
  });

  it('a blob that does not match its digest: not stored; and when the disk changes one, not run', async () => {
    const stored = await fetch(`${grid.ready.ledger}/v1/blobs/${digestOf('something else')}`, { method: 'PUT', body: 'these bytes' });
    expect(stored.status).toBe(422);
    expectRefusal(((await stored.json()) as Refused).error, 'blob_mismatch', /./);

    const plan = fresh();
    const contract = await parties.propose(plan);
    const file = blobPath(path.join(grid.state, 'ledger', 'blobs'), plan.header.bodyDigest);
    const bytes = await readFile(file);
    const damaged = Buffer.from(bytes);
    damaged[damaged.length >> 1]! ^= 1;
    await writeFile(file, damaged);
    await parties.approve(contract, ...ROLES);
    const rows = await eventually('the nodes to say that the body is damaged', 60_000, async () => (engineRows(plan).every((w) => /digest/.test(w.reason)) ? engineRows(plan) : undefined));
    for (const row of rows) expect(row).toMatchObject({ phase: 'starting', reason: expect.stringContaining(plan.header.bodyDigest) as string });
    expect(engineProcesses(grid).filter((pid) => !held.has(pid))).toEqual([]);
    // The right bytes, put again, are run: it was the damage and nothing else that stopped it.
    expect((await fetch(`${grid.ready.ledger}/v1/blobs/${plan.header.bodyDigest}`, { method: 'PUT', body: bytes })).status).toBe(200);
    await eventually('the shards to run', 60_000, async () => (engineRows(plan).filter((w) => w.type === 'zdb').every((w) => w.phase === 'running') ? true : undefined));
    await parties.cancel(contract);
    await eventually('the engines to end', 30_000, async () => (engineProcesses(grid).every((pid) => held.has(pid)) ? true : undefined));
  });

  it('a blueprint of an author whom the grid does not trust', async () => {
    const signer = signerOf(generatePkcs8('signing'));
    const created = { grid: parties.grid, kind: 'author', name: 'a stranger', keys: [signer.key], nonce: randomBytes(16).toString('hex') };
    expect((await parties.post(sealEnvelope('principal.created', created, signer)))[0]).toMatchObject({ ok: true });
    const stranger = { id: digestOf(created), signer };
    const digest = digestOf('a blueprint');
    expectRefusal(await parties.say('blueprint.published', stranger, { name: 'archive', version: '9.0.0', digest, policy: { role: 'legal' } }), 'blueprint_untrusted', /author named in grid\.created/);
    const { header } = fresh();
    for (const blueprint of [{ name: 'archive', version: '9.0.0', digest }, { ...header.blueprint, digest }]) {
      expectRefusal(await parties.say('contract.proposed', parties.bot.requester, { header: { ...header, blueprint } }), 'blueprint_unknown', /./);
    }
    await expectNothingStarted();
  });
});

describe('an expired contract', () => {
  it('is not signed any more, and its reservation is given back', async () => {
    const { header, ...rest } = fresh();
    const signBefore = new Date(Date.parse(state().time) + 6000).toISOString();
    const plan = { ...rest, header: { ...header, validity: { ...header.validity, signBefore } } };
    const contract = await parties.propose(plan);
    await parties.approve(contract, 'it-expert', 'legal');
    expect(meansDigest(state())).not.toBe(stands.means);
    await parties.bot.follower.waitFor((s) => (s.time >= signBefore ? true : undefined), { timeoutMs: 60_000 });
    expectRefusal(await parties.say('contract.approved', parties.stakeholders.budget, approval(plan.header, 'budget')), 'contract_expired', /plan again/);
    expectRefusal(await parties.say('contract.proposed', parties.bot.requester, { header: { ...plan.header, title: 'too late' } }), 'contract_exists', /./);
    expect(state().contracts[contract]?.status).toBe('lapsed');
    await expectNothingStarted();
  });

  it('ends what it started', async () => {
    const { header, ...rest } = fresh();
    const at = (seconds: number): string => new Date(Date.parse(state().time) + seconds * 1000).toISOString();
    const plan = { ...rest, header: { ...header, validity: { signBefore: at(14), notAfter: at(20) } } };
    const contract = await parties.propose(plan);
    await parties.approve(contract, ...ROLES);
    await eventually('the shards to start', 20_000, async () => (engineProcesses(grid).some((pid) => !held.has(pid)) ? true : undefined));
    await parties.bot.follower.waitFor((s) => (s.contracts[contract]?.status === 'expired' ? true : undefined), { timeoutMs: 60_000 });
    await eventually('the engines to end', 30_000, async () => (engineProcesses(grid).every((pid) => held.has(pid)) ? true : undefined));
    expectRefusal(await parties.say('contract.approved', parties.stakeholders.legal, approval(plan.header, 'legal', { statement: 'later' })), 'contract_not_open', /./);
  });
});

describe('no shard lies outside CH', () => {
  it('is refused by the ledger when a contract would place one there', async () => {
    const { header } = fresh();
    const abroad = Object.entries(state().nodes).find(([, n]) => n.attested?.country === 'DE')?.[0] as Digest;
    const assignments = header.assignments.map((a) => (a.workload === 'zdb-0' ? { ...a, node: abroad } : a));
    expectRefusal(await parties.say('contract.proposed', parties.bot.requester, { header: { ...header, assignments } }), 'location_not_allowed', /./);
    await expectNothingStarted();
  });

  it('holds for every holding that ever was in the log, and for the files on the disks', async () => {
    const countries = new Map(Object.entries(state().nodes).map(([id, n]) => [id, n.attested?.country]));
    let holdings = 0;
    for (const leaf of parties.bot.follower.entries(0, parties.bot.follower.size())) {
      const opened = openEntry(leaf.envelope, ALREADY_VERIFIED);
      if (!opened.ok) throw new Error(opened.message);
      const { entry } = opened.opened;
      const nodes = entry.kind === 'contract.proposed' ? entry.payload.header.assignments.map((a) => a.node) : entry.kind === 'assignment.moved' ? [entry.payload.to] : [];
      for (const node of nodes) expect(countries.get(node)).toBe('CH');
      holdings += nodes.length;
    }
    expect(holdings).toBeGreaterThan(20);
    const withData = (await readdir(path.join(grid.state, 'nodes'))).filter((label) => existsSync(path.join(grid.state, 'nodes', label, 'data')));
    expect(withData.length).toBeGreaterThan(2);
    expect(withData).not.toContain('frankfurt-1');
  });
});
