import { createHash } from 'node:crypto';
import { canonicalize } from '../../contract/canonical.ts';
import { digestOf, type Digest } from '../../contract/digest.ts';
import { type Kind, parseEntry, type Payload } from '../../contract/entry.ts';
import type { EntrySigner } from '../../contract/envelope.ts';
import type { PolicyTemplate } from '../../contract/policy-template.ts';
import type { DidKey, PrincipalId } from '../../contract/principal.ts';
import { sha256Digest } from '../../ledger/native.ts';
import { applyEntry, emptyState, type LedgerState, type OpenedEntry } from '../../ledger/state/machine.ts';
import { signerOf } from '../../signer/keys.ts';
import { Facts } from './facts.ts';
import { accept, judge } from './reference.ts';

/** Something to say, not signed yet: signing again gives the same envelope, so that is done only where a log is asked. */
export interface Saying { readonly kind: Kind; readonly payload: object; readonly signer: EntrySigner }

export const PROPOSAL_SECONDS = 600;
/** When the grid begins, and by how many ms at least the clock goes on with each command; from 1 on it is never set back. */
export interface Setting { readonly start: string; readonly stepMs: number }
export const SETTING: Setting = { start: '2026-11-20T10:00:00.000Z', stepMs: 0 };
export const LEASE_SECONDS = 20;
export const ENGINES = [{ name: 'zdb' as const, digest: digestOf('zdb engine') }, { name: 'archive' as const, digest: digestOf('archive engine') }];
export const PEOPLE = ['ana', 'bo', 'cy', 'dee'] as const;
const PLACES = [['CH', 'Bern'], ['CH', 'Bern'], ['CH', 'Chur'], ['DE', 'Ulm']] as const;
/** A byte, and a thousandth of a core, cost about one: small numbers meet their bounds often. */
const RATES = [0, 1, 0, 2].map((n) => ({ terabyte: String(10n ** 12n + BigInt(n) * 10n ** 11n), gibibyte: String(2n ** 30n), core: '1000' }));

export const BLUEPRINTS: readonly { readonly name: string; readonly version: string; readonly policy: PolicyTemplate; readonly acceptance?: PolicyTemplate }[] = [
  { name: 'store', version: '1.0.0', policy: { all: [{ role: 'it-expert' }, { role: 'legal' }] } },
  { name: 'store', version: '1.1.0', policy: { k: 2, of: [{ role: 'it-expert' }, { role: 'legal' }, { role: 'budget' }], required: [1] }, acceptance: { role: 'it-expert' } },
  { name: 'vault', version: '1.0.0', policy: { weight: 3, of: [{ role: 'it-expert', weight: 2 }, { role: 'budget', weight: 1 }] } },
  { name: 'vault', version: '1.1.0', policy: { veto: 'legal', over: { any: [{ role: 'it-expert', k: 2 }, { all: [{ role: 'budget', independent: true }, { role: 'it-expert' }] }] } }, acceptance: { any: [{ role: 'legal' }, { role: 'budget', k: 2 }] } },
];
export const ROSTERS: readonly Readonly<Record<string, readonly number[]>>[] = [
  { requester: [0, 1], 'it-expert': [1, 2], legal: [3], budget: [0] },
  { requester: [0, 3], 'it-expert': [1, 2], legal: [2, 3], budget: [0, 3], author: [2] },
  { requester: [0], 'it-expert': [1], legal: [1, 2], budget: [3] },
  { requester: [0, 1, 2, 3], 'it-expert': [2], legal: [3] },
  // Nobody can satisfy who asks for both: one person is one voice.
  { requester: [0], 'it-expert': [1], legal: [1], budget: [2], author: [3] },
];
export const GOVERNANCES: readonly (PolicyTemplate | undefined)[] = [undefined, { all: [{ role: 'it-expert' }, { role: 'legal' }] }, { any: [{ role: 'it-expert', k: 2 }, { role: 'legal' }] }];
/** Begins: roster and governance of the organisation. */
const VARIANTS = [[0, 0], [1, 0], [0, 1], [1, 2]] as const;
export const SCENES = VARIANTS.length;

export interface Scene {
  readonly setting: Setting;
  /** Of its last saying. */
  readonly time: string;
  readonly signers: ReadonlyMap<DidKey, EntrySigner>;
  /** Keys that nobody has yet: few, so that they meet. */
  readonly spare: readonly EntrySigner[];
  readonly ledger: EntrySigner;
  readonly people: readonly PrincipalId[];
  readonly nodes: readonly PrincipalId[];
  readonly organisation: PrincipalId;
  readonly operator: PrincipalId;
  readonly author: PrincipalId;
  /** What made the grid, all said at once. */
  readonly sayings: readonly Saying[];
  /** Of ids and keys, for whoever reads what went wrong. */
  readonly names: ReadonlyMap<string, string>;
  /** Canonical text of the state after them. */
  readonly state: string;
}

const made = new Map<string, Scene>();

/** A small grid: four people, one organisation, four nodes (three in CH, one in DE), two blueprints in two versions each. Keys and so all ids follow from names. */
export function sceneOf(variant: number, setting: Setting = SETTING): Scene {
  const name = `${variant} ${setting.start} ${setting.stepMs}`;
  const scene = made.get(name) ?? makeScene(variant, setting);
  made.set(name, scene);
  return scene;
}

export function hex(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** Parses as a ledger does. @throws when the saying is not of its kind's form: the generator's mistake. */
export function openSaying({ kind, payload, signer }: Saying): OpenedEntry {
  const text = canonicalize(payload);
  const parsed = parseEntry(kind, JSON.parse(text));
  if (!parsed.ok) throw new Error(parsed.message);
  return { entry: parsed.entry, payloadDigest: sha256Digest(text), key: signer.key };
}

/** The facts after the scene's sayings. */
export function factsOf(scene: Scene): Facts {
  const facts = new Facts();
  for (const saying of scene.sayings) {
    const { entry, payloadDigest, key } = openOnce(saying);
    accept(facts, { entry, digest: payloadDigest, key, time: scene.time });
  }
  return facts;
}

const opened = new WeakMap<Saying, OpenedEntry>();
function openOnce(saying: Saying): OpenedEntry {
  const known = opened.get(saying) ?? openSaying(saying);
  opened.set(saying, known);
  return known;
}

function makeScene(variant: number, setting: Setting): Scene {
  const [roster, governance] = VARIANTS[variant % SCENES]!;
  const signers = new Map<DidKey, EntrySigner>();
  const names = new Map<string, string>();
  const newSigner = (name: string): EntrySigner => {
    const signer = signerOf(Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), createHash('sha256').update(`model ${name}`).digest()]));
    signers.set(signer.key, signer);
    names.set(signer.key, `key(${name})`);
    return signer;
  };
  const sayings: Saying[] = [];
  const [ledger, operator, author, organisation] = [newSigner('ledger'), newSigner('operator'), newSigner('author'), newSigner('org')];
  const created = { name: `model ${variant}`, nonce: hex(`grid ${variant} ${setting.start}`), ledger: ledger.key, authors: [author.key], attestors: [operator.key], issuers: [operator.key], organisations: [organisation.key], currency: 'EUR', leaseSeconds: LEASE_SECONDS, proposalSeconds: PROPOSAL_SECONDS };
  const grid: Digest = digestOf(created);
  names.set(grid, 'grid');
  sayings.push({ kind: 'grid.created', payload: created, signer: ledger });
  const principal = (kind: string, name: string, signer = newSigner(name), extra: Partial<Payload<'principal.created'>> = {}): { id: PrincipalId; signer: EntrySigner } => {
    const payload = { grid, kind, name, keys: [signer.key], nonce: hex(name), ...extra };
    sayings.push({ kind: 'principal.created', payload, signer });
    names.set(digestOf(payload), name);
    return { id: digestOf(payload), signer };
  };
  const say = (kind: Kind, who: { id: PrincipalId; signer: EntrySigner }, payload: object): void => { sayings.push({ kind, payload: { grid, by: who.id, ...payload }, signer: who.signer }); };
  const people: { id: PrincipalId; signer: EntrySigner }[] = [];
  // Later ones guard earlier ones; dee nobody.
  for (const name of [...PEOPLE].reverse()) {
    const guardians = people.map((p) => p.id);
    const recovery = guardians.length > 1 ? { recovery: { k: guardians.length - 1, guardians } } : {};
    people.unshift(principal('person', name, newSigner(name), { keys: [newSigner(name).key, newSigner(`${name} second`).key], ...recovery }));
  }
  const [org, ops, auth] = [principal('organisation', 'org', organisation), principal('organisation', 'operator', operator), principal('author', 'author', author)];
  const roles = Object.fromEntries(Object.entries(ROSTERS[roster]!).map(([role, members]) => [role, members.map((m) => people[m]!.id)]));
  say('organisation.changed', org, { revision: 1, roles, ...(GOVERNANCES[governance] && { governance: GOVERNANCES[governance] }) });
  for (const blueprint of BLUEPRINTS) say('blueprint.published', auth, { ...blueprint, digest: digestOf(`${blueprint.name} ${blueprint.version}`) });
  for (const [n, amount] of ['120', '60', '30', '90'].entries()) say('credit.transferred', ops, { to: people[n]!.id, amount, nonce: hex(`credit ${n}`) });
  const nodes = PLACES.map(([country, city], n) => {
    const node = principal('node', `node-${n}`);
    const location = { country, city };
    say('node.registered', node, { overlayKey: Buffer.from(hex(`overlay ${n}`)).toString('base64url'), sealingKey: `age1${'q'.repeat(58)}` });
    say('node.offer', node, { revision: 1, label: `node-${n}`, location, endpoints: [], relay: false, capabilities: ['zdb', 'archive'], engines: ENGINES, capacity: { disk: '10', memory: '10', cpu: '10' }, thin: true, rates: RATES[n] });
    say('location.attested', ops, { node: node.id, location });
    say('node.alive', node, { beat: 1 });
    return node.id;
  });
  const state: LedgerState = emptyState();
  const facts = new Facts();
  const time = setting.start;
  for (const saying of sayings) {
    const entry = openSaying(saying);
    const said = { entry: entry.entry, digest: entry.payloadDigest, key: entry.key, time };
    const against = [...judge(facts, said)];
    const applied = applyEntry(state, entry, time);
    if (!applied.ok || against.length > 0) throw new Error(`the scene is refused: ${saying.kind} ${applied.ok ? '' : applied.message} ${against.join()}`);
    accept(facts, said);
  }
  const spare = Array.from({ length: 8 }, (_, n) => newSigner(`spare ${n}`));
  return { setting, time, signers, spare, ledger, people: people.map((p) => p.id), nodes, organisation: org.id, operator: ops.id, author: auth.id, sayings, names, state: canonicalize(state) };
}
