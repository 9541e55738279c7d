import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../contract/digest.ts';
import { type EntrySigner, sealEnvelope } from '../contract/envelope.ts';
import { openKeystore } from '../signer/keystore.ts';
import { generatePkcs8, signerOf } from '../signer/keys.ts';
import { directoryOf } from './directory.ts';
import { type Follower, openFollower } from './follower.ts';
import { joinGrid, type Membership, MembershipError, type MembershipOptions, prepareIdentity } from './membership.ts';
import { type ServedLedger, serveLedger } from './serve.ts';
import { isAlive } from './state/views.ts';

const LEASE_SECONDS = 3;
let dir: string;
let served: ServedLedger;
let follower: Follower;
let ledgerKey: EntrySigner;
let sealingKey: string;
let signer: EntrySigner;
const stop = new AbortController();
let open: Membership[] = [];

const options = (change: Partial<MembershipOptions> = {}): MembershipOptions => ({
  follower, signer, sealingKey, overlayKey: Buffer.alloc(32, 7).toString('base64url'), kind: 'node', name: 'n1', stateFile: path.join(dir, 'identity.json'), signal: stop.signal,
  offer: {
    label: 'n1', location: { country: 'CH', city: 'Zug' }, endpoints: ['ws://127.0.0.1:1'], relay: true, capabilities: ['zdb'], engines: [],
    capacity: { disk: '1', memory: '1', cpu: '1' }, thin: true, rates: { terabyte: '1', gibibyte: '1', core: '1' },
  },
  ...change,
});
const join = async (change: Partial<MembershipOptions> = {}): Promise<Membership> => {
  const membership = await joinGrid(options(change));
  open.push(membership);
  return membership;
};
const leased = async (membership: Membership): Promise<void> => {
  const end = Date.now() + 5000;
  while (membership.lease().heldForMs === 0) {
    if (Date.now() > end) throw new Error('no lease in 5 s');
    await sleep(20);
  }
};

beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), '3m-'));
  ledgerKey = signerOf(generatePkcs8('signing'));
  signer = signerOf(generatePkcs8('signing'));
  sealingKey = (await (await openKeystore({ dir: path.join(dir, 'keys'), unlock: path.join(dir, 'unlock'), create: true })).sealing('n1')).recipient;
  served = await serveLedger({ dir: path.join(dir, 'ledger'), signer: ledgerKey });
  follower = await openFollower({ url: served.url, catchUpMs: 1 });
  await follower.submit([sealEnvelope('grid.created', {
    name: 'test', nonce: randomBytes(16).toString('hex'), ledger: ledgerKey.key, authors: [ledgerKey.key], attestors: [ledgerKey.key], issuers: [ledgerKey.key], organisations: [ledgerKey.key],
    currency: 'EUR', leaseSeconds: LEASE_SECONDS, proposalSeconds: 60,
  }, ledgerKey)]);
});
afterEach(async () => {
  for (const membership of open) await membership.close();
  open = [];
  await follower.close();
  await served.close();
  await rm(dir, { recursive: true, force: true });
});

describe('joinGrid', () => {
  it('registers, offers, renews the lease, and is one principal over restarts', async () => {
    const first = await join();
    await leased(first);
    expect(first.lease().heldForMs).toBeLessThanOrEqual(LEASE_SECONDS * 900);
    const node = follower.state().nodes[first.id];
    expect(node?.offer).toMatchObject({ label: 'n1', revision: 1 });
    expect(node && isAlive(node, follower.state().time)).toBe(true);
    const beat = node?.beat ?? 0;
    await follower.waitFor((s) => ((s.nodes[first.id]?.beat ?? 0) > beat ? true : undefined), { timeoutMs: LEASE_SECONDS * 1000 });
    await first.close();
    expect(first.lease().heldForMs).toBe(0);

    const size = Object.keys(follower.state().principals).length;
    const again = await join({ offer: { ...options().offer, relay: false } });
    expect(again.id).toBe(first.id);
    expect(Object.keys(follower.state().principals)).toHaveLength(size);
    expect(follower.state().nodes[again.id]?.offer).toMatchObject({ relay: false, revision: 2 });
  });

  it('remembers the inception before it submits, so a crash in between makes no second identity', async () => {
    const grid = follower.state().grid?.digest;
    if (!grid) throw new Error('no grid');
    const prepared = await prepareIdentity({ ...options(), grid });
    expect(follower.state().principals[prepared.id]).toBeUndefined();
    expect(digestOf(JSON.parse(await readFile(options().stateFile, 'utf8')))).toBe(prepared.id);
    expect((await join()).id).toBe(prepared.id);
  });

  it('refuses the state of another key and a damaged one', async () => {
    await join();
    await expect(join({ signer: signerOf(generatePkcs8('signing')) })).rejects.toMatchObject({ code: 'identity_mismatch' });
    await writeFile(options().stateFile, 'not json');
    await expect(join()).rejects.toBeInstanceOf(MembershipError);
  });

  it('says what the ledger refuses', async () => {
    await join();
    await expect(join({ stateFile: path.join(dir, 'other.json'), signer: signerOf(generatePkcs8('signing')) })).rejects.toMatchObject({ code: 'not_permitted' });
  });

  it('loses the lease before the ledger does when it cannot renew, and tells so once', async () => {
    const membership = await join();
    await leased(membership);
    const held: boolean[] = [];
    membership.onLease(() => held.push(membership.lease().heldForMs > 0));
    await served.close();
    const until = follower.state().nodes[membership.id]?.leaseUntil ?? '';
    while (membership.lease().heldForMs > 0) await sleep(10);
    expect(new Date().toISOString() < until).toBe(true);
    await sleep(50);
    expect(held.at(-1)).toBe(false);
    served = await serveLedger({ dir: path.join(dir, 'ledger'), signer: ledgerKey, port: Number(new URL(served.url).port) });
    await leased(membership);
    expect(held.filter((h) => !h)).toHaveLength(1);
  }, 15_000);
});

describe('directoryOf', () => {
  it('finds registered nodes by id and key, and relays only by their offer', async () => {
    const directory = directoryOf(() => follower.state());
    const key = Buffer.alloc(32, 7).toString('base64url');
    expect(directory.byKey(key)).toBeUndefined();
    const { id } = await join();
    const peer = { id, overlayKey: key, endpoints: ['ws://127.0.0.1:1'] };
    expect(directory.byKey(key)).toEqual(peer);
    expect(directory.get(id)).toEqual(peer);
    expect(directory.relays()).toEqual([peer]);
    expect(directory.get('constructor')).toBeUndefined();
    expect(directory.byKey(Buffer.alloc(32, 8).toString('base64url'))).toBeUndefined();
  });
});
