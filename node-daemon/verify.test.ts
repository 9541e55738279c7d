import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bodyBytes, contractId, type Header } from '../contract/contract.ts';
import { type Digest, digestBytes } from '../contract/digest.ts';
import type { PrincipalId } from '../contract/principal.ts';
import { boundsOf, type Workload } from '../contract/workload.ts';
import type { LedgerState } from '../ledger/state/machine.ts';
import { archiveWorkloads, ENGINE_DIGEST, joinTestNodes, TestGrid } from './grid.fixture.ts';
import { type HeldWorkload, holdingsOf } from './holdings.ts';
import { type OwnFacts, type RefusalCode, verifyBody, verifyHeader } from './verify.ts';

const OTHER = `sha256:${'0'.repeat(64)}` as Digest;

describe('what a node refuses to run', () => {
  let grid: TestGrid;
  let state: LedgerState;
  let held: HeldWorkload;
  let own: OwnFacts;
  let header: Header;
  let leave: () => Promise<void>;
  const workloads = archiveWorkloads({ dataShards: 2, parityShards: 1, frontEnds: 1 });

  beforeAll(async () => {
    grid = await TestGrid.open({ leaseSeconds: 60 });
    const nodes = await joinTestNodes(grid, 4);
    leave = nodes.leave;
    const contract = await grid.propose(workloads);
    await grid.approve(contract);
    state = grid.follower.state();
    const id = contract.header.assignments.find((a) => a.type === 'archive')?.node as PrincipalId;
    const holding = holdingsOf(state, id).find((h) => h.type === 'archive');
    if (!holding) throw new Error('holds nothing');
    held = holding;
    header = contract.header;
    own = { id, capabilities: ['zdb', 'archive'], engines: new Map([['zdb', [OTHER, ENGINE_DIGEST]], ['archive', [ENGINE_DIGEST]]]) };
  });
  afterAll(async () => {
    await leave();
    await grid.close();
  });

  /** The verdict on a state that was changed behind the state machine's back. */
  const verdict = (change: (s: LedgerState) => void = () => undefined, o: { held?: Partial<HeldWorkload>; own?: Partial<OwnFacts> } = {}): RefusalCode | 'ok' => {
    const copy = structuredClone(state);
    change(copy);
    const verified = verifyHeader(copy, { ...held, ...o.held }, { ...own, ...o.own });
    return verified.ok ? 'ok' : verified.code;
  };
  /** Changes the header and files it under its new id, so that only the change itself can be at fault. */
  const refiled = (change: (h: Header) => void): RefusalCode | 'ok' => {
    const copy = structuredClone(state);
    const record = copy.contracts[held.contract];
    const deployment = copy.deployments[held.deployment];
    if (!record || !deployment) throw new Error('nothing there');
    change(record.header);
    const contract = contractId(record.header);
    copy.contracts[contract] = record;
    deployment.contract = contract;
    const verified = verifyHeader(copy, { ...held, contract }, own);
    return verified.ok ? 'ok' : verified.code;
  };

  it('accepts what is right', () => {
    expect(verdict()).toBe('ok');
    expect(refiled(() => undefined)).toBe('ok');
    // Also what may no longer begin: who yanks a blueprint, or drops its author, ends nothing.
    expect(verdict((s) => { for (const b of Object.values(s.blueprints)) Object.assign(b, { organisation: header.organisation, yanked: { reason: 'broken' } }); })).toBe('ok');
  });

  it.each<[string, RefusalCode, () => RefusalCode | 'ok']>([
    ['a contract that is not there', 'contract_mismatch', () => verdict(undefined, { held: { contract: OTHER } })],
    ['a header that is not what its id says', 'contract_mismatch', () => verdict((s) => { (s.contracts[held.contract] as { header: Header }).header.title = 'other'; })],
    ['a contract for another grid', 'grid_mismatch', () => refiled((h) => { h.grid = OTHER; })],
    ['a proposal', 'contract_not_open', () => verdict((s) => { (s.contracts[held.contract] as { status: string }).status = 'proposed'; })],
    ['a cancelled contract', 'contract_not_open', () => verdict((s) => { (s.contracts[held.contract] as { status: string }).status = 'cancelled'; })],
    ['a superseded contract', 'contract_superseded', () => verdict((s) => { (s.deployments[held.deployment] as { contract: Digest }).contract = OTHER; })],
    ['a contract past its last day', 'contract_expired', () => verdict((s) => { s.time = header.validity.notAfter; })],
    ['a missing signature', 'quorum_missing', () => verdict((s) => { s.contracts[held.contract]?.votes.pop(); })],
    ['one person in both roles', 'quorum_missing', () => verdict((s) => { const votes = s.contracts[held.contract]?.votes ?? []; votes[1] = { ...votes[0]!, role: 'legal' }; })],
    ['an unpublished blueprint', 'blueprint_unknown', () => verdict((s) => { s.blueprints = {}; })],
    ['another content under the blueprint\'s name', 'blueprint_unknown', () => verdict((s) => { for (const b of Object.values(s.blueprints)) b.digest = OTHER; })],
    ['an author whom the grid does not trust', 'blueprint_untrusted', () => verdict((s) => { if (s.grid) s.grid.payload.authors = [s.grid.payload.ledger]; })],
    ['a blueprint that was published for another organisation', 'blueprint_untrusted', () => verdict((s) => { for (const b of Object.values(s.blueprints)) b.organisation = OTHER; })],
    ['work at an earlier epoch', 'not_assigned', () => verdict((s) => { (s.deployments[held.deployment]?.holdings[held.workload] as { epoch: number }).epoch = 2; })],
    ['work that moved away', 'not_assigned', () => verdict((s) => { (s.deployments[held.deployment]?.holdings[held.workload] as { node: Digest }).node = OTHER; })],
    ['a location that nobody attested', 'location_not_attested', () => verdict((s) => { (s.nodes[own.id] as { attested: null }).attested = null; })],
    ['a country outside the constraints', 'location_not_allowed', () => verdict((s) => { (s.nodes[own.id] as { attested: object }).attested = { country: 'DE', city: 'Berlin' }; })],
    ['a type that does not run here', 'capability_missing', () => verdict(undefined, { own: { capabilities: ['zdb'] } })],
    ['another engine than the pinned one', 'engine_mismatch', () => verdict(undefined, { own: { engines: new Map([['archive', [OTHER]]]) } })],
    ['no engine', 'engine_mismatch', () => verdict(undefined, { own: { engines: new Map() } })],
    ['a contract that pins no engine', 'engine_mismatch', () => refiled((h) => { h.engines = []; })],
    ['more than the node has', 'no_capacity', () => verdict((s) => { (s.nodes[own.id] as { reserved: { disk: string } }).reserved.disk = '9'.repeat(20); })],
  ])('refuses %s', (_what, code, run) => {
    expect(run()).toBe(code);
  });

  const bodyVerdict = (change: (w: Workload[]) => void, resign = true): string => {
    const changed = structuredClone(workloads);
    change(changed);
    const bytes = bodyBytes({ parameters: {}, workloads: changed });
    const verified = verifyBody(resign ? { ...header, bodyDigest: digestBytes(bytes), bounds: boundsOf(changed) } : header, held, bytes);
    return verified.ok ? 'ok' : verified.code;
  };
  const archive = (list: Workload[]): Extract<Workload, { type: 'archive' }> => {
    const found = list.find((w) => w.type === 'archive');
    if (!found) throw new Error('no archive');
    return found;
  };

  it.each<[string, string, () => string]>([
    ['nothing in the right body', 'ok', () => bodyVerdict(() => undefined, false)],
    ['a body that was not signed', 'body_mismatch', () => bodyVerdict((w) => { archive(w).spec.bucket = 'other'; }, false)],
    ['a body with other needs than its header', 'body_mismatch', () => bodyVerdict((w) => { archive(w).resources.disk = '1'; })],
    ['too few slots', 'workload_invalid', () => bodyVerdict((w) => { archive(w).spec.slots.pop(); })],
    ['one slot twice', 'workload_invalid', () => bodyVerdict((w) => { archive(w).spec.slots[1] = 'zdb-0'; })],
    ['a slot that is no zdb', 'workload_invalid', () => bodyVerdict((w) => { archive(w).spec.slots[1] = 'archive-0'; })],
    ['a slot that it may not dial', 'workload_invalid', () => bodyVerdict((w) => { archive(w).dials.pop(); })],
  ])('refuses %s', (_what, code, run) => {
    expect(run()).toBe(code);
  });
});
