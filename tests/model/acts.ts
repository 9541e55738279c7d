import { digestOf } from '../../contract/digest.ts';
import type { Payload } from '../../contract/entry.ts';
import type { PrincipalId } from '../../contract/principal.ts';
import { type Actor, isSpoilt, pick } from './actor.ts';
import { draftNew, draftUpdate, SPOILS } from './drafts.ts';
import { executionOf, successorOf } from './execution-rules.ts';
import type { Deal } from './facts.ts';
import { BLUEPRINTS, GOVERNANCES, hex, LEASE_SECONDS, ROSTERS } from './scene.ts';
import { standsOf } from './ways.ts';

interface Numbers { readonly a: number; readonly b: number; readonly c: number; readonly flaw: number }
type Act = (actor: Actor, numbers: Numbers) => void;

const ROLES = ['it-expert', 'legal', 'budget', 'requester'];
const PHASES = ['running', 'running', 'degraded', 'failed', 'starting', 'stopped'] as const;
const MEASURED = [digestOf('engine as pinned'), digestOf('engine as found')];
const CAPACITIES = ['10', '10', '6', '2', '20'];

const tick: Act = (actor, { b, flaw }) => sayTick(actor, { step: isSpoilt(flaw) ? 0 : 1, resumed: b % 8 === 7, flaw });
function sayTick(actor: Actor, { step, resumed = false, flaw = 0 }: { step: number; resumed?: boolean; flaw?: number }): void {
  const { facts, scene } = actor;
  const stranger = facts.people.get(scene.people[0]!)!.first;
  actor.utter({ kind: 'tick', payload: { grid: facts.grid!.digest, beat: Math.max(1, facts.tick + step), ...(resumed && { resumed }) }, signer: flaw === 17 ? actor.signerOf(stranger)! : scene.ledger }, flaw);
}

/** A ledger that runs: it ticks before it is silent for long, and the nodes that `lives` says renew their leases. */
function goOn(actor: Actor, times: number, lives: (node: PrincipalId, i: number) => boolean): void {
  for (let n = 0; n < times; n++) {
    actor.wait(9_000);
    sayTick(actor, { step: 1 });
    actor.scene.nodes.forEach((node, i) => { if (lives(node, i)) actor.say('node.alive', node, { beat: (actor.facts.machines.get(node)?.beat ?? 0) + 1 }); });
  }
}
const run: Act = (actor, { a, b }) => goOn(actor, 1 + (b % 4), (_, i) => a % 3 === 0 || (a >> i) % 2 === 0);
const wait: Act = (actor, { a }) => actor.wait([1_000, 5_000, 1, 3_000, 14_999, 15_000, 15_001, 7_000, LEASE_SECONDS * 1000, 61_000, 10_000, 700_000][a % 12]!);
const setBack: Act = (actor, { a }) => actor.wait(-[1, 1_000, 5_000, 20_000][a % 4]!);
/** To the instant at which a lease or a term ends, or just before or after it. */
const toEdge: Act = (actor, { a, b }) => {
  const { facts } = actor;
  const ends = [...facts.live('proposed').map((d) => d.header.validity.signBefore), ...facts.live('active').map((d) => d.header.validity.notAfter), ...[...facts.machines.values()].map((m) => m.leaseUntil)];
  const edge = pick(ends.filter((end) => end > facts.time).sort(), a);
  if (edge !== undefined) actor.wait(Date.parse(edge) + (b % 3) - 1 - actor.clock);
};

const propose: Act = (actor, { a, b, c, flaw }) => {
  const { facts, scene } = actor;
  const requester = scene.people[a % scene.people.length]!;
  // Sometimes a number that was used before: a deployment is proposed as new once.
  const nonce = hex(`deployment ${b % 16 === 15 ? 0 : actor.count++}`);
  const header = draftNew(facts, scene, { requester, size: a >> 2, shape: b, terms: c, nonce });
  if (header) actor.say('contract.proposed', requester, { header: isSpoilt(flaw) ? SPOILS[c % SPOILS.length]!(header, facts, a) : header }, { flaw, n: a });
};

const update: Act = (actor, { a, b, c, flaw }) => {
  const base = actor.deal('active', a);
  const header = base && draftUpdate(actor.facts, actor.scene, base, { size: b, shape: a >> 2, terms: c });
  if (base && header) actor.say('contract.proposed', base.header.requester, { header: isSpoilt(flaw) ? SPOILS[c % SPOILS.length]!(header, actor.facts, a) : header }, { flaw, n: b });
};

/** More proposals than one requester may have open. */
const crowd: Act = (actor, { a, b, c, flaw }) => {
  for (let n = 0; n < (c % 8 === 7 ? 18 : 2); n++) propose(actor, { a: a % 4, b: b % 2, c: (a >> 2) % 4, flaw: isSpoilt(flaw) ? 0 : flaw });
};
/** From the wish to what runs. */
const bring: Act = (actor, numbers) => {
  const known = new Set(actor.facts.deals.keys());
  propose(actor, { ...numbers, flaw: 0 });
  for (const deal of actor.facts.deals.values()) if (!known.has(deal.id)) approveThis(actor, deal, 0);
};
const upgrade: Act = (actor, numbers) => {
  const known = new Set(actor.facts.deals.keys());
  update(actor, { ...numbers, flaw: 0 });
  for (const deal of actor.facts.deals.values()) if (!known.has(deal.id)) approveThis(actor, deal, 0);
};

/** One workload less, and then one more: a name that comes back. */
const swap: Act = (actor, { a, b, c }) => {
  upgrade(actor, { a, b: 3 + 5 * (b % 2), c, flaw: 0 });
  upgrade(actor, { a, b: 2, c, flaw: 0 });
};

const approve: Act = (actor, { a, b, c, flaw }) => {
  const deal = actor.deal('proposed', a);
  const stand = deal && pick(actor.facts.policiesOf(deal).flatMap(standsOf), b);
  if (!deal || !stand) return;
  sayYes(actor, deal, isSpoilt(flaw) ? { by: actor.scene.people[c % 4]!, role: ROLES[b % 4]! } : stand, { flaw, n: c });
};
const approveAll: Act = (actor, { a, b }) => {
  const deal = actor.deal('proposed', a);
  if (deal) approveThis(actor, deal, b);
};
/** Everybody who is asked says yes, until it is in force. */
function approveThis(actor: Actor, deal: Deal, n: number): void {
  for (const stand of actor.facts.policiesOf(deal).flatMap(standsOf)) if (!deal.signed && !deal.votes.some((v) => v.by === stand.by)) sayYes(actor, deal, stand, { flaw: 0, n });
}
function sayYes(actor: Actor, { id, header }: Deal, { by, role }: { by: PrincipalId; role: string }, { flaw, n }: { flaw: number; n: number }): void {
  const signBefore = flaw === 23 ? actor.facts.time : header.validity.signBefore;
  actor.say('contract.approved', by, { contract: id, role, explanation: digestOf('shown'), statement: 'reviewed', signBefore }, { flaw, n });
}
const reject: Act = (actor, { a, b, c, flaw }) => {
  const deal = actor.deal('proposed', a);
  const stand = deal && pick(actor.facts.policiesOf(deal).flatMap(standsOf), b);
  if (deal && stand) actor.say('contract.rejected', isSpoilt(flaw) ? actor.scene.people[c % 4]! : stand.by, { contract: deal.id, role: stand.role, reason: 'no' }, { flaw, n: c });
};
const withdraw: Act = (actor, { a, b, flaw }) => {
  const deal = actor.deal('proposed', a);
  if (deal) actor.say('contract.withdrawn', isSpoilt(flaw) ? actor.scene.people[b % 4]! : deal.header.requester, { contract: deal.id }, { flaw, n: b });
};
const cancel: Act = (actor, { a, b, c, flaw }) => {
  const deal = actor.deal('active', a);
  for (const stand of deal ? standsOf(deal.header.policy).slice(0, 1 + (c % 3)) : []) {
    const { by, role } = c % 3 === 0 ? pick(standsOf(deal!.header.policy), b)! : stand;
    actor.say('contract.cancelled', isSpoilt(flaw) ? actor.scene.people[b % 4]! : by, { contract: deal!.id, role }, { flaw, n: b });
  }
};

const reportAll: Act = (actor, { a, b, flaw }) => {
  const deal = actor.deal('active', a);
  for (const workload of deal?.header.assignments.map((w) => w.workload) ?? []) report(actor, deal!, workload, { phase: 0, n: b, flaw });
};
const reportOne: Act = (actor, { a, b, c, flaw }) => {
  const deal = actor.deal('active', a);
  const workload = deal && pick(deal.header.assignments, b)?.workload;
  if (deal && workload) report(actor, deal, workload, { phase: c, n: c >> 3, flaw });
};
function report(actor: Actor, deal: Deal, workload: string, { phase, n, flaw }: { phase: number; n: number; flaw: number }): void {
  const run = actor.facts.runs.get(deal.header.deployment);
  const hold = run?.holds.get(workload);
  if (!run || !hold) return;
  const complete = [...run.holds].filter((_, i) => (n >> i) % 2 === 0).map(([name, h]) => `${name}@${h.epoch - (n % 7 === 6 ? 1 : 0)}`);
  const spoilt = isSpoilt(flaw);
  actor.say('deployment.reported', spoilt && flaw % 2 === 0 ? pick(actor.scene.nodes, n)! : hold.node, {
    deployment: deal.header.deployment, workload, epoch: hold.epoch + (spoilt && flaw % 2 === 1 ? 1 : 0), revision: Math.max(1, (run.reports.get(workload)?.revision ?? 0) + (n % 5 === 4 ? 0 : 1)),
    phase: pick(PHASES, phase)!, reason: '', ...(n % 2 === 0 && { complete }), ...(n % 3 === 0 && { measured: pick(MEASURED, n)! }),
  }, { flaw, n });
}
const acceptExecution: Act = (actor, { a, b, c, flaw }) => {
  const deal = pick(actor.facts.live('active').filter((d) => d.header.acceptance), a) ?? actor.deal('active', a);
  const run = deal && actor.facts.runs.get(deal.header.deployment);
  const stand = deal?.header.acceptance ? pick(standsOf(deal.header.acceptance), b) : { by: actor.scene.people[b % 4]!, role: 'legal' };
  if (deal && run && stand) actor.say('deployment.accepted', isSpoilt(flaw) && flaw % 2 === 0 ? actor.scene.people[c % 4]! : stand.by, { deployment: deal.header.deployment, contract: deal.id, role: stand.role, execution: isSpoilt(flaw) && flaw % 2 === 1 ? deal.id : executionOf(run), statement: 'seen' }, { flaw, n: c });
};
/** What runs is reported and accepted by one or by all of those who are asked; what is measured differs at times. */
const finish: Act = (actor, { a, b, c }) => {
  const deal = pick(actor.facts.live('active').filter((d) => d.header.acceptance), a);
  if (!deal?.header.acceptance) return bring(actor, { a, b, c: 3 - (c % 2) * 2, flaw: 0 });
  for (const { workload } of deal.header.assignments) report(actor, deal, workload, { phase: 0, n: b - (b % 5), flaw: 0 });
  const run = actor.facts.runs.get(deal.header.deployment)!;
  const stands = standsOf(deal.header.acceptance);
  for (const { by, role } of c % 3 === 0 ? stands : [pick(stands, c)!]) actor.say('deployment.accepted', by, { deployment: deal.header.deployment, contract: deal.id, role, execution: executionOf(run), statement: 'seen' }, { n: c });
};
const move: Act = (actor, { a, b, c, flaw }) => {
  const { facts, scene } = actor;
  const lapsed = facts.live('active').filter((d) => [...facts.runs.get(d.header.deployment)?.holds.values() ?? []].some((h) => !facts.isAlive(h.node)));
  const deal = pick(lapsed, a) ?? actor.deal('active', a);
  const run = deal && facts.runs.get(deal.header.deployment);
  const holds = [...run?.holds ?? []];
  const [workload, hold] = pick(holds.filter(([, h]) => !facts.isAlive(h.node)), b) ?? pick(holds, b) ?? [];
  if (!deal || !run || workload === undefined || !hold) return;
  const right = successorOf(facts, deal, run, workload) ?? scene.nodes[c % 4]!;
  const to = isSpoilt(flaw) && flaw % 2 === 0 ? scene.nodes[c % 4]! : right;
  actor.say('assignment.moved', pick(scene.people, c)!, { deployment: deal.header.deployment, workload, from: flaw === 23 ? scene.nodes[b % 4]! : hold.node, to, epoch: hold.epoch + (flaw === 21 ? 2 : 1) }, { flaw, n: c });
};
/** A node that holds something falls silent until its lease has ended, the others go on; then what it held is moved. */
const lose: Act = (actor, { a, b, c, flaw }) => {
  const deal = pick(actor.facts.live('active'), a);
  const lost = deal && pick([...actor.facts.runs.get(deal.header.deployment)?.holds.values() ?? []], b)?.node;
  if (!lost) return;
  goOn(actor, 3, (node, i) => node !== lost && (c % 4 !== 3 || i !== b % 4));
  if (c % 2 === 0) move(actor, { a, b, c, flaw });
};
const seal: Act = (actor, { a, b, c, flaw }) => {
  const deal = actor.deal('active', a);
  const run = deal && actor.facts.runs.get(deal.header.deployment);
  if (!deal || !run) return;
  const holders = [...run.holds.values()].map((h) => h.node);
  const by = isSpoilt(flaw) ? pick(actor.scene.people, c)! : pick([deal.header.requester, deal.header.requester, ...holders], b)!;
  // Few names, so that they meet; at times more than one deployment may have.
  const names = a % 16 === 15 ? Array.from({ length: 18 }, (_, n) => `s${n}`) : [`s${c % 3}`];
  for (const secret of names) actor.say('secret.sealed', by, { deployment: deal.header.deployment, secret, recipient: pick([deal.header.requester, ...holders, actor.scene.nodes[0]!], c >> 2)!, ciphertext: 'QUJD' }, { flaw, n: c });
};

const transfer: Act = (actor, { a, b, c, flaw }) => {
  const { people, operator } = actor.scene;
  const by = b % 4 === 0 ? operator : pick(people, a)!;
  const left = actor.facts.balanceOf(by);
  const amount = [BigInt(c), left, left + 1n, 1n][c % 4]! || 1n;
  actor.say('credit.transferred', by, { to: pick([...people, operator], b)!, amount: amount.toString(), nonce: hex(`transfer ${b % 8 === 7 ? 0 : actor.count++}`) }, { flaw, n: c });
};

const everybody = ({ scene }: Actor): PrincipalId[] => [...scene.people, scene.organisation, ...scene.nodes.slice(0, 1), scene.operator];
const rotate: Act = (actor, { a, b, c, flaw }) => {
  const { facts, scene } = actor;
  const by = pick(everybody(actor), a)!;
  const who = facts.people.get(by)!;
  const taken = [...facts.people.values()].flatMap((p) => p.keys.map((k) => k.key));
  const add = b % 16 === 15 ? scene.spare.map((s) => s.key) : b % 3 === 2 ? [] : [pick(b % 8 === 7 ? taken : scene.spare.map((s) => s.key), b >> 2)!];
  const retired = pick(who.keys, c)!.key;
  const retire = c % 3 > 0 ? [] : c % 16 === 15 ? [retired, retired] : [retired];
  const recovery = c % 5 === 4 ? { recovery: { k: 1, guardians: [pick([...scene.people], c)!] } } : {};
  actor.say('principal.rotated', by, { revision: Math.max(1, who.revision + (isSpoilt(flaw) ? flaw % 3 : 1)), add, retire, ...recovery }, { flaw, n: b });
};
const revoke: Act = (actor, { a, b, c, flaw }) => {
  const by = pick(everybody(actor), a)!;
  const who = actor.facts.people.get(by)!;
  const key = flaw === 23 ? actor.scene.spare[0]!.key : pick(who.keys, b)!.key;
  actor.say('principal.revoked', by, { revision: who.revision + (flaw === 22 ? 2 : 1), key, reason: 'lost' }, { flaw, n: c });
};
/** One guardian's word, or all of them the same. */
const recover: Act = (actor, { a, b, c, flaw }) => {
  const { facts, scene } = actor;
  const guarded = scene.people.filter((p) => facts.people.get(p)?.recovery);
  const principal = isSpoilt(flaw) ? pick(scene.people, a)! : pick(guarded, a) ?? scene.people[0]!;
  const who = facts.people.get(principal)!;
  const keys = [pick(scene.spare, b)!.key];
  const recovery = c % 7 === 6 ? { recovery: { k: 1, guardians: [pick(scene.people, c)!] } } : {};
  const guardians = who.recovery?.guardians ?? scene.people;
  for (const by of c % 2 === 0 ? guardians : [pick(guardians, c)!]) actor.say('principal.recovered', by, { principal, round: who.rounds + (flaw === 22 ? 2 : 1), keys, ...recovery }, { flaw, n: c });
};
const create: Act = (actor, { a, b, c, flaw }) => {
  const { scene, facts } = actor;
  const signer = flaw === 17 ? scene.signers.get(facts.people.get(scene.people[a % 4]!)!.first)! : pick(scene.spare, a)!;
  const keys = [signer.key, ...(b % 3 === 2 ? [pick(scene.spare, b)!.key] : [])];
  const recovery = c % 3 === 2 ? { recovery: { k: 1, guardians: [c % 5 === 4 ? digestOf('nobody') : pick(scene.people, c)!] } } : {};
  actor.utter({ kind: 'principal.created', payload: { grid: flaw === 18 ? digestOf('another grid') : facts.grid!.digest, kind: pick(['person', 'node', 'organisation', 'author'], b)!, name: `new ${a % 3}`, keys, ...recovery, nonce: hex(`new ${c % 3}`) }, signer: flaw === 16 ? pick(scene.spare, a + 1)! : signer }, flaw);
};

const changeRoster: Act = (actor, { a, b, c, flaw }) => {
  const { scene, facts } = actor;
  const before = facts.rosters.get(scene.organisation)!;
  const revision = Math.max(before.payload.revision, before.pending?.payload.revision ?? 0) + (flaw === 20 ? 0 : 1);
  const people = flaw === 21 ? scene.people.map(() => digestOf('nobody')) : scene.people;
  const roles = Object.fromEntries(Object.entries(pick(ROSTERS, a)!).map(([role, members]) => [role, members.map((m) => people[m]!)]));
  const governance = pick(GOVERNANCES, b);
  actor.say('organisation.changed', flaw >= 22 ? pick([...scene.people, scene.operator], c)! : scene.organisation, { revision, roles, ...(governance && { governance }) }, { flaw, n: c });
};
const approveRoster: Act = (actor, { a, b, c, flaw }) => {
  const { organisation, people } = actor.scene;
  const { payload, pending } = actor.facts.rosters.get(organisation)!;
  const role = pick(ROLES, a)!;
  const holders = payload.roles[role] ?? [];
  for (const by of isSpoilt(flaw) || holders.length === 0 ? [pick(people, b)!] : c % 2 === 0 ? holders : [pick(holders, b)!]) {
    actor.say('organisation.approved', by, { organisation: flaw === 23 ? people[0]! : organisation, change: pending?.change ?? digestOf(payload), role }, { flaw, n: b });
  }
};

const offer: Act = (actor, { a, b, c, flaw }) => {
  const node = pick(actor.scene.nodes, a)!;
  const { grid: _grid, by: _by, ...before } = actor.facts.machines.get(node)!.offer!;
  const core = c % 5 === 4 ? '2000' : before.rates.core;
  actor.say('node.offer', isSpoilt(flaw) ? actor.scene.people[0]! : node, { ...before, revision: before.revision + (flaw === 23 ? 0 : 1), capacity: { ...before.capacity, disk: pick(CAPACITIES, b)! }, capabilities: c % 7 === 6 ? ['zdb'] : ['zdb', 'archive'], rates: { ...before.rates, core } }, { flaw, n: c });
};
const alive: Act = (actor, { a, b, flaw }) => {
  const node = pick(actor.scene.nodes, a)!;
  actor.say('node.alive', isSpoilt(flaw) ? actor.scene.people[0]! : node, { beat: Math.max(1, (actor.facts.machines.get(node)?.beat ?? 0) + (b % 4 === 3 ? 0 : 1)) }, { flaw, n: b });
};
const attest: Act = (actor, { a, b, flaw }) => {
  const location = pick([{ country: 'CH', city: 'Bern' }, { country: 'CH', city: 'Chur' }, { country: 'DE', city: 'Ulm' }], b)!;
  actor.say('location.attested', isSpoilt(flaw) ? pick(actor.scene.people, a)! : actor.scene.operator, { node: flaw === 23 ? digestOf('no node') : pick(actor.scene.nodes, a)!, location }, { flaw, n: b });
};
/** A principal that came later joins as a node, or claims another's overlay key. */
const register: Act = (actor, { a, b, c, flaw }) => {
  const news = [...actor.facts.people].filter(([id, who]) => who.kind === 'node' && !actor.facts.machines.has(id)).map(([id]) => id);
  const by = isSpoilt(flaw) ? pick([...actor.scene.people, ...actor.scene.nodes], a)! : pick(news, a);
  if (by) actor.say('node.registered', by, { overlayKey: Buffer.from(hex(`overlay ${b % 3 === 0 ? b % 4 : `new ${b % 4}`}`)).toString('base64url'), sealingKey: `age1${'q'.repeat(58)}` }, { flaw, n: c });
};
const publish: Act = (actor, { a, b, c, flaw }) => {
  const { facts, scene } = actor;
  const { policy } = pick(BLUEPRINTS, a)!;
  const own = facts.rosters.get(scene.organisation)!.payload.roles['author'] ?? [];
  // For the grid, or for the one organisation whose roster says so, at times for one that is none.
  const organisation = c % 3 === 0 ? undefined : c % 11 === 10 ? scene.operator : scene.organisation;
  const by = isSpoilt(flaw) ? pick(scene.people, b)! : organisation === undefined ? scene.author : pick(own, b) ?? scene.author;
  const name = pick(['store', 'box', 'shed', 'vault'], a >> 2)!;
  actor.say('blueprint.published', by, { name, version: `${1 + (b % 3)}.${c % 4}.0`, digest: digestOf(`blueprint ${c}`), policy, ...(organisation !== undefined && { organisation }) }, { flaw, n: b });
};
/** A version that was published, rather a later one: without those of the beginning little can be proposed. */
const versionOf = ({ facts }: Actor, n: number): Payload<'blueprint.published'> => {
  const all = [...facts.blueprints.values()];
  return pick(n % 8 === 7 ? all : all.slice(BLUEPRINTS.length), n >> 3) ?? all[n % all.length]!;
};
const deprecate: Act = (actor, { a, b, c, flaw }) => {
  const { by, name, version } = versionOf(actor, a);
  const others = [...actor.facts.blueprints.values()].filter((o) => o.name === name).map((o) => o.version);
  actor.say('blueprint.deprecated', isSpoilt(flaw) ? pick(actor.scene.people, b)! : by, { name, version: flaw === 23 ? '9.0.0' : version, reason: `reason ${c % 3}`, ...(b % 2 === 0 && { instead: pick([...others, '9.9.9'], c)! }) }, { flaw, n: c });
};
const yank: Act = (actor, { a, b, c, flaw }) => {
  if (actor.facts.blueprints.size === BLUEPRINTS.length) publish(actor, { a, b: 1, c: 0, flaw: 0 });
  const { by, name, version } = versionOf(actor, a);
  actor.say('blueprint.yanked', isSpoilt(flaw) ? pick(actor.scene.people, b)! : by, { name, version: flaw === 23 ? '9.0.0' : version, reason: 'it loses data' }, { flaw, n: c });
};

const replay: Act = (actor, { a }) => actor.repeat(a);
const release: Act = (actor) => actor.release();
/** The beginning again, or another one. */
const refound: Act = (actor, { a }) => {
  const [genesis] = actor.scene.sayings;
  if (genesis) actor.utter(a % 2 === 0 ? genesis : { ...genesis, payload: { ...genesis.payload, name: 'another grid' } });
};
/** Two different words under one number: one counts. */
const equivocate: Act = (actor, { a, b, c }) => {
  const twice: Act = [offer, changeRoster, rotate, transfer, reportOne, recover][a % 6]!;
  twice(actor, { a: b, b: c, c, flaw: 0 });
  twice(actor, { a: b, b: c + 1, c: c + 1, flaw: 0 });
};

/** The simple ones first, since failures are shrunk towards them; often what leads somewhere. */
export const ACTS: readonly Act[] = [
  tick, wait, approveAll, bring, propose, approve, reject, withdraw, cancel, update, run, upgrade, reportAll, lose, move, reportOne, acceptExecution, bring, upgrade, reportAll, lose, run,
  propose, update, approve, approve, cancel, acceptExecution, finish, finish, swap, move, seal, seal, transfer, alive, toEdge, toEdge, setBack, offer, attest, replay, replay, release, equivocate,
  rotate, revoke, recover, create, crowd, refound, lose, register, publish, publish, deprecate, yank, changeRoster, approveRoster, approveRoster, update, approveAll,
];
