import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { type Assignment, type Body, bodyBytes, type ContractId, contractId, deploymentId, type DeploymentId, type Header } from '../contract/contract.ts';
import { type Digest, digestBytes, digestOf } from '../contract/digest.ts';
import type { Kind, Location, Payload } from '../contract/entry.ts';
import { type EntrySigner, type Envelope, sealEnvelope } from '../contract/envelope.ts';
import { place } from '../contract/placement.ts';
import { resolvePolicy } from '../contract/policy-template.ts';
import { priceOf } from '../contract/price.ts';
import type { PrincipalId, PrincipalKind } from '../contract/principal.ts';
import { boundsOf, type Workload } from '../contract/workload.ts';
import { type Follower, openFollower } from '../ledger/follower.ts';
import { joinGrid } from '../ledger/membership.ts';
import { type ServedLedger, serveLedger } from '../ledger/serve.ts';
import { candidates } from '../ledger/state/views.ts';
import { generatePkcs8, signerOf } from '../signer/keys.ts';
import { openKeystore, type SealingKey } from '../signer/keystore.ts';
import { seal } from '../signer/seal.ts';
import type { DaemonConfig } from './config.ts';
import { DATA_KEY, S3_CREDENTIALS } from './secrets.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const EXPLANATION = digestOf('what was shown');
const POLICY = { all: [{ role: 'it-expert' }, { role: 'legal' }] };
const GIB = 1024 ** 3;

const newSigner = (): EntrySigner => signerOf(generatePkcs8('signing'));
const nonce = (): string => randomBytes(16).toString('hex');

interface Person { readonly id: PrincipalId; readonly signer: EntrySigner }

/** Bundles entry files as the build does, native modules left out; returns the folder. */
export async function bundlePrograms(programs: Readonly<Record<string, string>>): Promise<string> {
  const cache = path.join(ROOT, 'node_modules', '.cache');
  await mkdir(cache, { recursive: true });
  const outdir = await mkdtemp(path.join(cache, 'node-daemon-'));
  await build({
    absWorkingDir: ROOT, entryPoints: Object.entries(programs).map(([out, source]) => ({ in: source, out })), outdir,
    bundle: true, format: 'esm', platform: 'node', target: 'node20', logLevel: 'silent', outExtension: { '.js': '.mjs' },
    banner: { js: "import { createRequire as bundleCreateRequire } from 'node:module';\nconst require = bundleCreateRequire(import.meta.url);" },
    external: ['better-sqlite3', '@ronomon/reed-solomon'],
  });
  return outdir;
}

/** A real ledger with a grid, its people and a published blueprint, for tests. */
export class TestGrid {
  readonly dir: string;
  served: ServedLedger;
  readonly follower: Follower;
  readonly grid: Digest;
  readonly attestor: Person;
  readonly requester: Person;
  readonly legal: Person;
  readonly organisation: Person;
  readonly ledgerSigner: EntrySigner;
  #nodes = 0;

  private constructor(parts: Omit<TestGrid, 'say' | 'config' | 'attest' | 'propose' | 'approve' | 'sealSecrets' | 'close' | 'pauseLedger' | 'resumeLedger'>) {
    this.dir = parts.dir;
    this.served = parts.served;
    this.follower = parts.follower;
    this.grid = parts.grid;
    this.attestor = parts.attestor;
    this.requester = parts.requester;
    this.legal = parts.legal;
    this.organisation = parts.organisation;
    this.ledgerSigner = parts.ledgerSigner;
  }

  static async open(options: { leaseSeconds: number }): Promise<TestGrid> {
    const dir = await mkdtemp(path.join(tmpdir(), '3n-'));
    const [ledger, author, attestor, issuer, requester, legal, organisation] = Array.from({ length: 7 }, newSigner) as [EntrySigner, EntrySigner, EntrySigner, EntrySigner, EntrySigner, EntrySigner, EntrySigner];
    const served = await serveLedger({ dir: path.join(dir, 'ledger'), signer: ledger });
    const follower = await openFollower({ url: served.url, catchUpMs: 1 });
    const created: Payload<'grid.created'> = {
      name: 'test', nonce: nonce(), ledger: ledger.key, authors: [author.key], attestors: [attestor.key], issuers: [issuer.key], organisations: [organisation.key],
      currency: 'EUR', leaseSeconds: options.leaseSeconds, proposalSeconds: 60,
    };
    const grid = digestOf(created);
    await say(follower, sealEnvelope('grid.created', created, ledger));
    const person = async (kind: PrincipalKind, name: string, signer: EntrySigner): Promise<Person> => {
      const inception = { grid, kind, name, keys: [signer.key], nonce: nonce() };
      await say(follower, sealEnvelope('principal.created', inception, signer));
      return { id: digestOf(inception), signer };
    };
    const people = {
      author: await person('author', 'author', author), attestor: await person('organisation', 'attestor', attestor), issuer: await person('organisation', 'issuer', issuer),
      requester: await person('person', 'requester', requester), legal: await person('person', 'legal', legal), organisation: await person('organisation', 'org', organisation),
    };
    await say(follower, sealEnvelope('organisation.changed', { grid, by: people.organisation.id, revision: 1, roles: { 'it-expert': [people.requester.id], legal: [people.legal.id] } }, organisation));
    await say(follower, sealEnvelope('blueprint.published', { grid, by: people.author.id, name: 'archive', version: '1.0.0', digest: digestBytes(Buffer.from('archive')), policy: POLICY }, author));
    await say(follower, sealEnvelope('credit.transferred', { grid, by: people.issuer.id, to: people.requester.id, amount: '1000000000000', nonce: nonce() }, issuer));
    return new TestGrid({ dir, served, follower, grid, attestor: people.attestor, requester: people.requester, legal: people.legal, organisation: people.organisation, ledgerSigner: ledger });
  }

  async say<K extends Kind>(kind: K, who: Person, payload: Omit<Payload<K>, 'grid' | 'by'>): Promise<void> {
    await say(this.follower, sealEnvelope(kind, { ...payload, grid: this.grid, by: who.id }, who.signer));
  }

  /** A configuration for one more node. */
  config(engines: DaemonConfig['engines'], o: { location?: Location; listen?: boolean; relay?: boolean; capabilities?: ('zdb' | 'archive')[] } = {}): DaemonConfig {
    const label = `node-${this.#nodes++}`;
    const state = path.join(this.dir, label);
    return {
      state, runDir: path.join(this.dir, 'r', label), ledger: this.served.url, grid: this.grid, keystore: { dir: path.join(state, 'keys'), unlock: path.join(state, 'unlock') }, key: 'node', engines,
      offer: {
        label, location: o.location ?? { country: 'CH', city: 'Zug' }, ...(o.listen && { listen: { host: '127.0.0.1', port: 0 } }), relay: o.relay ?? false,
        capabilities: o.capabilities ?? ['zdb', 'archive'], capacity: { disk: `${100 * GIB}`, memory: `${8 * GIB}`, cpu: '8000' }, thin: true, rates: { terabyte: '1000000', gibibyte: '100000', core: '500000' },
      },
    };
  }

  async attest(node: PrincipalId, location: Location): Promise<void> {
    await this.say('location.attested', this.attestor, { node, location });
  }

  /** Compiles by hand, places by the rule, stores the body and proposes. */
  async propose(workloads: Workload[], change: (header: Header) => Header = (h) => h): Promise<{ header: Header; id: ContractId; deployment: DeploymentId }> {
    const state = this.follower.state();
    const own = nonce();
    const deployment = deploymentId({ grid: this.grid, requester: this.requester.id, nonce: own });
    const constraints = { countries: ['CH'], cities: [] };
    const market = candidates(state);
    const engines = (['zdb', 'archive'] as const).flatMap((name) => market.flatMap((c) => c.engines.filter((e) => e.name === name)).slice(0, 1));
    const placement = place({ deployment, constraints, engines, placed: [], candidates: market, workloads: workloads.map(({ name, type, group, resources }) => ({ workload: name, type, group, resources })) });
    if (!placement.ok) throw new Error(`cannot place ${placement.workload}`);
    const assignments = placement.assignments.map(({ workload, type, group, node, resources }) => ({ workload, type, group, node, resources }));
    const policy = resolvePolicy(POLICY, state.organisations[this.organisation.id]?.roles ?? {});
    if (!policy.ok) throw new Error('no policy');
    const body: Body = { parameters: {}, workloads };
    const time = state.time;
    const header = change({
      grid: this.grid, deployment, version: 1, requester: this.requester.id, organisation: this.organisation.id, title: 'test', blueprint: { name: 'archive', version: '1.0.0', digest: digestBytes(Buffer.from('archive')) },
      policy: policy.policy, autonomy: { replace: true }, constraints, assignments, engines, bounds: boundsOf(workloads), names: workloads.flatMap((w) => (w.type === 'gateway-name' ? [w.spec.name] : [])),
      price: priceOf(assignments, (node) => state.nodes[node]?.offer?.rates, 'EUR'),
      validity: { signBefore: new Date(Date.parse(time) + 60_000).toISOString(), notAfter: new Date(Date.parse(time) + 86_400_000).toISOString() },
      derivation: { planner: 'test', ledger: { size: state.size, root: this.follower.root() }, time, nonce: own },
      bodyDigest: digestBytes(bodyBytes(body)),
    });
    await this.follower.putBlob(bodyBytes(body));
    await this.say('contract.proposed', this.requester, { header });
    return { header, id: contractId(header), deployment };
  }

  async approve({ header, id }: { header: Header; id: ContractId }): Promise<void> {
    const { signBefore } = header.validity;
    await this.say('contract.approved', this.requester, { contract: id, role: 'it-expert', explanation: EXPLANATION, statement: 'read', signBefore });
    await this.say('contract.approved', this.legal, { contract: id, role: 'legal', explanation: EXPLANATION, statement: 'read', signBefore });
  }

  /** Seals an archive's secrets for its first holders. */
  async sealSecrets(deployment: DeploymentId, credentials: { accessKeyId: string; secretAccessKey: string }, to: (a: Assignment) => boolean = () => true): Promise<void> {
    const state = this.follower.state();
    const record = state.deployments[deployment];
    const header = record && state.contracts[record.contract]?.header;
    const secrets = { [DATA_KEY]: randomBytes(32).toString('base64'), [S3_CREDENTIALS]: JSON.stringify(credentials) };
    for (const { node } of header?.assignments.filter((a) => a.type === 'archive' && to(a)) ?? []) {
      for (const [secret, text] of Object.entries(secrets)) {
        await this.say('secret.sealed', this.requester, { deployment, secret, recipient: node, ciphertext: await seal(Buffer.from(text), state.nodes[node]?.sealingKey ?? '') });
      }
    }
  }

  /** The ledger is away; it comes back at the same address. */
  async pauseLedger(): Promise<void> {
    await this.served.close();
  }

  async resumeLedger(): Promise<void> {
    this.served = await serveLedger({ dir: path.join(this.dir, 'ledger'), signer: this.ledgerSigner, port: Number(new URL(this.served.url).port) });
  }

  async close(): Promise<void> {
    await this.follower.close();
    await this.served.close();
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** What joinTestNodes offers as both engines' digest. */
export const ENGINE_DIGEST = digestBytes(Buffer.from('engine'));

export interface TestNode { readonly id: PrincipalId; readonly signer: EntrySigner; readonly sealing: SealingKey }

/** Registers nodes that have a lease and an attested location, and run nothing. */
export async function joinTestNodes(grid: TestGrid, count: number): Promise<{ nodes: TestNode[]; leave: () => Promise<void> }> {
  const stop = new AbortController();
  const keystore = await openKeystore({ dir: path.join(grid.dir, 'node-keys'), unlock: path.join(grid.dir, 'node-unlock'), create: true });
  const joined = await Promise.all(Array.from({ length: count }, async (_, i) => {
    const config = grid.config({});
    const [signer, sealing] = [await keystore.signing(`n${i}`), await keystore.sealing(`n${i}`)];
    const { label, location, capacity, rates } = config.offer;
    const membership = await joinGrid({
      follower: grid.follower, signer, kind: 'node', name: label, stateFile: `${config.state}.identity.json`, signal: stop.signal,
      overlayKey: randomBytes(32).toString('base64url'), sealingKey: sealing.recipient,
      offer: { label, location, endpoints: [], relay: false, capabilities: ['zdb', 'archive'], engines: [{ name: 'zdb', digest: ENGINE_DIGEST }, { name: 'archive', digest: ENGINE_DIGEST }], capacity, thin: true, rates },
    });
    await grid.attest(membership.id, location);
    return { membership, node: { id: membership.id, signer, sealing } };
  }));
  const ids = joined.map(({ node }) => node.id);
  await grid.follower.waitFor((s) => (ids.every((id) => s.nodes[id]?.leaseUntil) ? true : undefined), { timeoutMs: 10_000 });
  return {
    nodes: joined.map(({ node }) => node),
    leave: async () => {
      stop.abort();
      await Promise.all(joined.map(({ membership }) => membership.close()));
    },
  };
}

/** Workloads as the archive blueprint compiles them. */
export function archiveWorkloads(o: { dataShards: number; parityShards: number; frontEnds: number; name?: string; region?: string }): Workload[] {
  const slots = Array.from({ length: o.dataShards + o.parityShards }, (_, i) => `zdb-${i}`);
  const backends = Array.from({ length: o.frontEnds }, (_, i) => `archive-${i}`);
  return [
    ...slots.map((name): Workload => ({
      type: 'zdb', name, group: 'zdb', secrets: [], dials: [], resources: { disk: `${GIB}`, memory: '268435456', cpu: '250' },
      spec: { mode: 'user', capacity: `${GIB}`, namespaces: ['index', 'data'] },
    })),
    ...backends.map((name): Workload => ({
      type: 'archive', name, group: 'archive', secrets: [DATA_KEY, S3_CREDENTIALS], dials: slots, resources: { disk: `${GIB}`, memory: '536870912', cpu: '500' },
      spec: { dataShards: o.dataShards, parityShards: o.parityShards, slots, bucket: 'archive', region: o.region ?? 'ch', retentionDays: 0, immutable: false },
    })),
    ...(o.name === undefined ? [] : [{
      type: 'gateway-name', name: 'endpoint', group: 'gateway', secrets: [], dials: backends, resources: { disk: '0', memory: '16777216', cpu: '10' },
      spec: { name: o.name, backends },
    } satisfies Workload]),
  ];
}

async function say(follower: Follower, envelope: Envelope): Promise<void> {
  const [result] = await follower.submit([envelope], { timeoutMs: 10_000 });
  if (!result?.ok) throw new Error(`refused: ${result?.code} ${result?.message}`);
}
