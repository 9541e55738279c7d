import { generateKeyPairSync } from 'node:crypto';
import { type Body, bodyBytes, contractId, deploymentId, type Header } from '../../contract/contract.ts';
import { digestBytes, digestOf, type Digest } from '../../contract/digest.ts';
import { type Kind, parseEntry, type Payload } from '../../contract/entry.ts';
import { type EntrySigner, sealEnvelope } from '../../contract/envelope.ts';
import { resolvePolicy } from '../../contract/policy-template.ts';
import { place } from '../../contract/placement.ts';
import { priceOf } from '../../contract/price.ts';
import type { PrincipalId } from '../../contract/principal.ts';
import type { Workload } from '../../contract/workload.ts';
import { signerOf } from '../../signer/keys.ts';
import { type Applied, applyEntry, emptyState, type LedgerState } from './machine.ts';
import { candidates } from './views.ts';

export function newSigner(): EntrySigner {
  return signerOf(generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' }));
}

export const LEASE_SECONDS = 20;
export const PROPOSAL_SECONDS = 600;
const POLICY = { all: [{ role: 'it-expert' }, { role: 'legal' }] };
const ENGINE = { name: 'zdb' as const, digest: digestOf('zdb engine') };
const ARCHIVE_ENGINE = { name: 'archive' as const, digest: digestOf('archive engine') };
export const RATES = { terabyte: '2000000', gibibyte: '1000000', core: '4000000' };
const START = Date.parse('2026-11-20T10:00:00.000Z');

export interface Person { readonly id: PrincipalId; readonly signer: EntrySigner }

/** A small grid on the bare state machine: real keys and entries, no I/O. Nodes: three in CH, one in DE. */
export class World {
  readonly state: LedgerState = emptyState();
  readonly ledger = newSigner();
  readonly operator: Person;
  readonly author: Person;
  readonly organisation: Person;
  readonly requester: Person;
  readonly expert: Person;
  readonly legal: Person;
  readonly nodes: Person[] = [];
  readonly blueprint = { name: 'store', version: '1.0.0', digest: digestOf('blueprint') };
  grid: Digest;
  time = START;
  #beat = 0;

  constructor({ credit = '1000000000' } = {}) {
    const [operator, author, organisation] = [newSigner(), newSigner(), newSigner()];
    const created: Payload<'grid.created'> = { name: 'test', nonce: hex('grid'), ledger: this.ledger.key, authors: [author.key], attestors: [operator.key], issuers: [operator.key], organisations: [organisation.key], currency: 'EUR', leaseSeconds: LEASE_SECONDS, proposalSeconds: PROPOSAL_SECONDS };
    this.grid = digestOf(created);
    this.must('grid.created', created, this.ledger);
    this.operator = this.person('organisation', 'operator', operator);
    this.author = this.person('author', 'author', author);
    this.organisation = this.person('organisation', 'org', organisation);
    this.requester = this.person('person', 'requester');
    this.expert = this.person('person', 'expert');
    this.legal = this.person('person', 'legal');
    this.say('organisation.changed', this.organisation, { revision: 1, roles: { requester: [this.requester.id], 'it-expert': [this.expert.id], legal: [this.legal.id] } });
    this.say('blueprint.published', this.author, { ...this.blueprint, policy: POLICY });
    this.say('credit.transferred', this.operator, { to: this.requester.id, amount: credit, nonce: hex('credit') });
    for (const [n, country] of ['CH', 'CH', 'CH', 'DE'].entries()) this.addNode(`node-${n}`, country);
  }

  person(kind: Payload<'principal.created'>['kind'], name: string, signer = newSigner()): Person {
    const payload = { grid: this.grid, kind, name, keys: [signer.key], nonce: hex(name) };
    this.must('principal.created', payload, signer);
    return { id: digestOf(payload), signer };
  }

  addNode(label: string, country: string): Person {
    const node = this.person('node', label);
    const location = { country, city: `city of ${label}` };
    this.say('node.registered', node, { overlayKey: Buffer.from(digestOf(label).slice(7, 39)).toString('base64url'), sealingKey: `age1${'q'.repeat(58)}` });
    this.say('node.offer', node, { revision: 1, label, location, endpoints: [], relay: false, capabilities: ['zdb', 'archive'], engines: [ENGINE, ARCHIVE_ENGINE], capacity: { disk: '1000', memory: '1000', cpu: '1000' }, thin: true, rates: RATES });
    this.say('location.attested', this.operator, { node: node.id, location });
    this.alive(node);
    this.nodes.push(node);
    return node;
  }

  alive(node: Person): void {
    this.say('node.alive', node, { beat: ++this.#beat });
  }

  /** Lets the log's time pass on a ledger that runs: it ticks at least every half lease. */
  pass(seconds: number): void {
    const step = LEASE_SECONDS / 2;
    for (let left = seconds; left > step; left -= step) this.tick(step);
    this.tick(seconds % step || Math.min(seconds, step));
  }

  /** One tick after so many seconds in which nobody said anything. */
  tick(seconds: number): void {
    this.time += seconds * 1000;
    this.must('tick', { grid: this.grid, beat: ++this.#beat }, this.ledger);
  }

  try(kind: Kind, payload: object, signer: EntrySigner): Applied {
    const envelope = sealEnvelope(kind, payload, signer);
    const parsed = parseEntry(kind, JSON.parse(Buffer.from(envelope.payload, 'base64').toString('utf8')));
    if (!parsed.ok) throw new Error(parsed.message);
    return applyEntry(this.state, { entry: parsed.entry, payloadDigest: digestOf(payload), key: signer.key }, new Date(this.time).toISOString());
  }

  must(kind: Kind, payload: object, signer: EntrySigner): void {
    const applied = this.try(kind, payload, signer);
    if (!applied.ok) throw new Error(`${kind} was refused: ${applied.code} ${applied.message}`);
  }

  attempt(kind: Kind, who: Person, payload: object): Applied {
    return this.try(kind, { grid: this.grid, by: who.id, ...payload }, who.signer);
  }

  say(kind: Kind, who: Person, payload: object): void {
    this.must(kind, { grid: this.grid, by: who.id, ...payload }, who.signer);
  }

  /** A contract that the machine accepts now: `count` zdbs of `disk` bytes on distinct nodes. */
  draft({ count = 2, disk = '400', nonce = 'a', countries = ['CH'], name = 'store', bounds = [], fronts = 0 }: { fronts?: number; bounds?: Header['bounds']; count?: number; disk?: string; nonce?: string; countries?: string[]; name?: string } = {}): { header: Header; body: Body } {
    const workloads: Workload[] = Array.from({ length: count }, (_, n) => ({ name: `zdb-${n}`, type: 'zdb', group: 'zdb', resources: { disk, memory: '1', cpu: '1' }, secrets: ['key'], dials: [], spec: { mode: 'user', capacity: disk, namespaces: ['data'] } }));
    for (let n = 0; n < fronts; n++) workloads.push({ name: `archive-${n}`, type: 'archive', group: 'archive', resources: { disk: '1', memory: '1', cpu: '1' }, secrets: ['key'], dials: [], spec: { dataShards: 2, parityShards: 1, slots: ['zdb-0', 'zdb-1', 'zdb-2'], bucket: 'b', region: 'ch', retentionDays: 0, immutable: false } });
    const deployment = deploymentId({ grid: this.grid, requester: this.requester.id, nonce: hex(nonce) });
    const constraints = { countries, cities: [] };
    const placed = place({ deployment, constraints, engines: [ENGINE, ARCHIVE_ENGINE], workloads: workloads.map((w) => ({ ...w, workload: w.name })), placed: [], candidates: candidates(this.state, new Date(this.time).toISOString()) });
    if (!placed.ok) throw new Error('the draft does not fit');
    const policy = resolvePolicy(POLICY, this.state.organisations[this.organisation.id]?.roles ?? {});
    if (!policy.ok) throw new Error('no policy');
    const body: Body = { parameters: { name }, workloads };
    const assignments = [...placed.assignments];
    const header: Header = {
      grid: this.grid, deployment, version: 1, requester: this.requester.id, organisation: this.organisation.id, title: 'a store', blueprint: this.blueprint, policy: policy.policy,
      autonomy: { replace: true }, constraints, assignments, engines: [ENGINE, ARCHIVE_ENGINE], bounds, names: [],
      price: priceOf(assignments, (node) => this.state.nodes[node]?.offer?.rates, 'EUR'),
      validity: { signBefore: new Date(this.time + PROPOSAL_SECONDS * 1000).toISOString(), notAfter: new Date(this.time + 86_400_000).toISOString() },
      derivation: { planner: 'test/1', ledger: { size: this.state.size, root: '0'.repeat(64) }, time: new Date(this.time).toISOString(), nonce: hex(nonce) },
      bodyDigest: digestBytes(bodyBytes(body)),
    };
    return { header, body };
  }

  propose(header: Header): Applied {
    return this.attempt('contract.proposed', this.requester, { header });
  }

  approve(header: Header, who: Person, role: string): Applied {
    return this.attempt('contract.approved', who, { contract: contractId(header), role, explanation: digestOf('what was shown'), statement: 'reviewed', signBefore: header.validity.signBefore });
  }

  /** A later version of what runs: `change` says in what it differs. */
  update(of: Header, change: Partial<Header>): Header {
    const assignments = change.assignments ?? of.assignments;
    return {
      ...of, version: of.version + 1, supersedes: contractId(of), assignments,
      price: priceOf(assignments, (node) => this.state.nodes[node]?.offer?.rates, 'EUR'),
      validity: { signBefore: new Date(this.time + PROPOSAL_SECONDS * 1000).toISOString(), notAfter: of.validity.notAfter },
      derivation: { ...of.derivation, ledger: { ...of.derivation.ledger, size: this.state.size }, time: new Date(this.time).toISOString() },
      ...change,
    };
  }

  /** Proposed and signed by both. */
  activate(options: Parameters<World['draft']>[0] = {}): Header {
    const { header } = this.draft(options);
    for (const applied of [this.propose(header), this.approve(header, this.expert, 'it-expert'), this.approve(header, this.legal, 'legal')]) {
      if (!applied.ok) throw new Error(applied.message);
    }
    return header;
  }
}

function hex(text: string): string {
  return digestOf(text).slice(7, 39);
}
