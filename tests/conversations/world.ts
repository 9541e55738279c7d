import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { BotContext, Identity } from '../../bot/context.ts';
import { PlanStore } from '../../bot/tools/plan-store.ts';
import { proposeContract } from '../../bot/tools/propose.ts';
import { planRequest } from '../../bot/tools/request.ts';
import { type ToolContext, toolContextOf } from '../../bot/tools/tool.ts';
import type { Json } from '../../contract/canonical.ts';
import type { ContractId } from '../../contract/contract.ts';
import { digestOf, type Digest } from '../../contract/digest.ts';
import type { Kind, Payload } from '../../contract/entry.ts';
import { type EntrySigner, type Envelope, sealEnvelope } from '../../contract/envelope.ts';
import { voters } from '../../contract/policy.ts';
import type { PrincipalId } from '../../contract/principal.ts';
import { type LibraryEntry, loadLibrary, shippedDirectory } from '../../knowledge/library.ts';
import { type Follower, openFollower } from '../../ledger/follower.ts';
import { serveLedger } from '../../ledger/serve.ts';
import { policiesOf } from '../../ledger/state/views.ts';
import { signerOf } from '../../signer/keys.ts';
import { NODES } from './market.ts';

/** A grid in this process: a real ledger server and a follower of it, nodes that are there by signed entries only. */
export interface World {
  readonly context: ToolContext;
  /** Signs in every role that is asked, or in one. */
  approve(contract: string, role?: string): Promise<void>;
  /** Somebody rejects it. */
  reject(contract: string, role: string): Promise<void>;
  /** Nodes report all workloads of a contract in this phase; with `only`, so many of them. */
  report(contract: string, phase: Payload<'deployment.reported'>['phase'], only?: number): Promise<void>;
  /** Plans and proposes as the person, or as somebody else of the organisation. */
  propose(blueprint: string, parameters: Readonly<Record<string, Json>>, as?: 'requester' | 'stranger'): Promise<string>;
  close(): Promise<void>;
}

export interface WorldOptions {
  /** Whole euros that the person has. */
  readonly credit?: number | undefined;
  /** Blueprints besides the shipped ones. */
  readonly library?: readonly LibraryEntry[];
  /** What the attestor calls the city of the nodes in Zurich. */
  readonly city?: string;
}

/** Longer than any test: nobody has to renew a lease. */
const LEASE_SECONDS = 86_400;
const ROLES = ['it-expert', 'legal', 'budget'] as const;
const LIBRARY = loadLibrary(shippedDirectory());

const hex = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);
const signerNamed = (name: string): EntrySigner => signerOf(Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), createHash('sha256').update(`conversations ${name}`).digest()]));

interface Parties { readonly grid: Digest; readonly ledger: EntrySigner; readonly requester: Identity; readonly stranger: Identity; readonly stakeholders: ReadonlyMap<string, Identity>; readonly nodes: ReadonlyMap<PrincipalId, Identity>; readonly envelopes: readonly Envelope[] }

/** Everything that the log begins with. Keys and ids follow from names. */
function beginning({ credit = 250_000, city = 'Zurich' }: WorldOptions, library: readonly LibraryEntry[]): Parties {
  const [ledger, operator, author, organisation] = ['ledger', 'operator', 'author', 'organisation'].map(signerNamed) as [EntrySigner, EntrySigner, EntrySigner, EntrySigner];
  const created: Payload<'grid.created'> = { name: 'conversations', nonce: hex('grid'), ledger: ledger.key, authors: [author.key], attestors: [operator.key], issuers: [operator.key], organisations: [organisation.key], currency: 'EUR', leaseSeconds: LEASE_SECONDS, proposalSeconds: 900 };
  const grid = digestOf(created);
  const envelopes = [sealEnvelope('grid.created', created, ledger)];
  const principal = (kind: Payload<'principal.created'>['kind'], name: string, signer = signerNamed(name)): Identity => {
    const payload = { grid, kind, name, keys: [signer.key], nonce: hex(name) };
    envelopes.push(sealEnvelope('principal.created', payload, signer));
    return { id: digestOf(payload), signer };
  };
  const say = (kind: Kind, who: Identity, payload: object): void => { envelopes.push(sealEnvelope(kind, { grid, by: who.id, ...payload }, who.signer)); };
  const [ops, writer, org, requester, stranger] = [principal('organisation', 'operator', operator), principal('author', '3bot', author), principal('organisation', 'acme', organisation), principal('person', 'you'), principal('person', 'mallory')];
  const stakeholders = new Map(ROLES.map((role) => [role as string, principal('person', `the ${role}`)]));
  say('organisation.changed', org, { revision: 1, roles: { requester: [requester.id, stranger.id], ...Object.fromEntries([...stakeholders].map(([role, { id }]) => [role, [id]])) } });
  for (const { blueprint, digest } of library) say('blueprint.published', writer, { name: blueprint.blueprint, version: blueprint.version, digest, policy: blueprint.policy, ...(blueprint.acceptance && { acceptance: blueprint.acceptance }) });
  for (const [to, euros] of [[requester, credit], [stranger, 250_000]] as const) if (euros > 0) say('credit.transferred', ops, { to: to.id, amount: `${euros}000000`, nonce: hex(`credit ${to.id}`) });
  const nodes = new Map(NODES.map((spec) => {
    const node = principal('node', spec.label);
    const location = { country: spec.country, city: spec.city === 'Zurich' ? city : spec.city };
    say('node.registered', node, { overlayKey: Buffer.from(hex(`overlay ${spec.label}`)).toString('base64url'), sealingKey: `age1${'q'.repeat(58)}` });
    const engines = spec.types.flatMap((type) => (type === 'zdb' || type === 'archive' ? [{ name: type, digest: digestOf(`${type} engine`) }] : []));
    say('node.offer', node, { revision: 1, label: spec.label, location, endpoints: [], relay: false, capabilities: spec.types, engines, capacity: { disk: `${spec.terabytes}000000000000`, memory: String(64n * 2n ** 30n), cpu: '16000' }, thin: true, rates: { terabyte: `${spec.cents}0000`, gibibyte: '1000000', core: '4000000' } });
    say('location.attested', ops, { node: node.id, location });
    say('node.alive', node, { beat: 1 });
    return [node.id, node] as const;
  }));
  return { grid, ledger, requester, stranger, stakeholders, nodes, envelopes };
}

interface Begun { readonly parties: Parties; readonly library: readonly LibraryEntry[]; readonly dir: string }
const begun = new Map<string, Promise<Begun>>();

/** The folders of a ledger that has just begun and of a follower that has caught up, made once for equal options. */
function begin(options: WorldOptions): Promise<Begun> {
  const key = JSON.stringify([options.credit, options.city, (options.library ?? []).map(({ digest }) => digest)]);
  const made = begun.get(key) ?? makeBegun(options);
  begun.set(key, made);
  return made;
}

async function makeBegun(options: WorldOptions): Promise<Begun> {
  const library = [...LIBRARY, ...(options.library ?? [])];
  const parties = beginning(options, library);
  const dir = folder();
  process.once('exit', () => { rmSync(dir, { recursive: true, force: true }); });
  const ledger = await serveLedger({ dir: path.join(dir, 'ledger'), signer: parties.ledger, tickAfterMs: 1e9 });
  const follower = await openFollower({ url: ledger.url, dir: path.join(dir, 'follower'), pin: { grid: parties.grid } });
  for (const result of await follower.submit(parties.envelopes)) if (!result.ok) throw new Error(`the world is refused: ${result.code} ${result.message}`);
  for (const { source } of library) await follower.putBlob(source);
  await follower.close();
  await ledger.close();
  return { parties, library, dir };
}

function folder(): string {
  return mkdtempSync(path.join(os.tmpdir(), '3bot-conversations-'));
}

/** Starts a grid of its own. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const { parties, library, dir: begunIn } = await begin(options);
  const { grid, requester, stranger, stakeholders, nodes } = parties;
  const dir = folder();
  cpSync(begunIn, dir, { recursive: true });
  const ledger = await serveLedger({ dir: path.join(dir, 'ledger'), signer: parties.ledger, tickAfterMs: 1e9 });
  const follower = await openFollower({ url: ledger.url, dir: path.join(dir, 'follower'), pin: { grid } });
  const sealing = { recipient: `age1${'q'.repeat(58)}`, unseal: () => Promise.reject(new Error('nothing is opened here')) };
  const contextOf = (who: Identity): BotContext => ({ follower, grid, library, requester: { ...who, sealing } });
  const context = toolContextOf(contextOf(requester), { plans: new PlanStore() });
  const submit = async (kind: Kind, who: Identity, payload: object): Promise<void> => {
    const [result] = await follower.submit([sealEnvelope(kind, { grid, by: who.id, ...payload }, who.signer)]);
    if (!result?.ok) throw new Error(`${kind} is refused: ${result?.code ?? ''} ${result?.message ?? ''}`);
  };
  const asked = (contract: string): { role: string; who: Identity }[] => {
    const record = recordOf(follower, contract);
    return policiesOf(follower.state(), record.header).flatMap(voters).flatMap(({ role }) => { const who = stakeholders.get(role); return who ? [{ role, who }] : []; });
  };
  return {
    context,
    approve: async (contract, role) => {
      for (const each of asked(contract)) {
        const { status, votes, header } = recordOf(follower, contract);
        if (status !== 'proposed' || (role !== undefined && each.role !== role) || votes.some((v) => v.principal === each.who.id)) continue;
        await submit('contract.approved', each.who, { contract, role: each.role, explanation: digestOf('what was shown'), statement: 'reviewed', signBefore: header.validity.signBefore });
      }
    },
    reject: async (contract, role) => {
      const who = stakeholders.get(role);
      if (!who) throw new Error(`nobody is ${role}`);
      await submit('contract.rejected', who, { contract, role, reason: 'not this year' });
    },
    report: async (contract, phase, only = Infinity) => {
      const { header } = recordOf(follower, contract);
      let left = only;
      for (const { workload } of header.assignments) {
        const holding = follower.state().deployments[header.deployment]?.holdings[workload];
        const node = holding && nodes.get(holding.node);
        if (!holding || !node || left-- <= 0) continue;
        const before = follower.state().deployments[header.deployment]?.reports[workload]?.revision ?? 0;
        await submit('deployment.reported', node, { deployment: header.deployment, workload, epoch: holding.epoch, revision: before + 1, phase, reason: phase === 'running' ? '' : 'on its way', ...(header.names.length > 0 && workload === 'endpoint' && { endpoint: 'https://127.0.0.1:4433' }) });
      }
    },
    propose: async (blueprint, parameters, as = 'requester') => {
      const plan = planRequest(as === 'requester' ? context : contextOf(stranger), { blueprint, parameters });
      if (!plan.ok) throw new Error(`${plan.code}: ${plan.message}`);
      const proposed = await proposeContract(as === 'requester' ? context : contextOf(stranger), plan);
      if (!proposed.ok) throw new Error(`${proposed.code}: ${proposed.message}`);
      return plan.contract;
    },
    close: async () => {
      await follower.close();
      await ledger.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function recordOf(follower: Follower, contract: string): NonNullable<ReturnType<Follower['state']>['contracts'][ContractId]> {
  const record = follower.state().contracts[contract as ContractId];
  if (!record) throw new Error(`there is no contract ${contract}`);
  return record;
}
