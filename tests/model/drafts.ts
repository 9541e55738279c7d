import { deploymentId, type Header } from '../../contract/contract.ts';
import { digestOf, type Digest } from '../../contract/digest.ts';
import { resolvePolicy } from '../../contract/policy-template.ts';
import type { PrincipalId } from '../../contract/principal.ts';
import { monthly } from './contract-rules.ts';
import { type Deal, type Facts } from './facts.ts';
import { BLUEPRINTS, ENGINES, hex, type Scene } from './scene.ts';

type Assignments = Header['assignments'];
export interface Wish { readonly requester: PrincipalId; readonly size: number; readonly shape: number; readonly terms: number; readonly nonce: string }

const TERMS = [[600, 86_400], [600, 86_400], [300, 3_000], [100, 300], [600, 400], [20, 30], [660, 1], [5, 40]] as const;
const NAMES: readonly string[][] = [[], ['shop'], [], ['blog'], ['shop', 'blog'], []];

/** What a planner would propose now, made of small numbers; undefined when the organisation cannot fill the blueprint’s roles at all. */
export function draftNew(facts: Facts, scene: Scene, { requester, size, shape, terms, nonce }: Wish): Header | undefined {
  const count = 1 + (size % 3);
  const disk = String(1 + (Math.floor(size / 3) % 5));
  const fronts = shape % 3 === 2 ? 1 : 0;
  const wanted = [...Array.from({ length: count }, (_, n) => zdb(`zdb-${n}`, disk)), ...(fronts ? [{ workload: 'front-0', type: 'archive' as const, group: 'archive', resources: { disk: '1', memory: '1', cpu: '1' } }] : [])];
  const countries = shape % 4 === 3 ? [] : ['CH'];
  const assignments = choose(facts, scene, wanted, [], { countries, from: shape });
  const deployment = deploymentId({ grid: facts.grid!.digest, requester, nonce });
  return complete(facts, scene, {
    deployment, version: 1, requester, organisation: scene.organisation, title: 'a store', blueprint: refOf(terms % 32 < 26 ? BLUEPRINTS[terms % BLUEPRINTS.length]! : publishedLater(facts, shape)), autonomy: { replace: shape % 5 !== 4 },
    constraints: { countries, cities: [] }, assignments, engines: ENGINES, bounds: fronts ? [{ group: 'zdb', atMost: 1 }] : [], names: NAMES[Math.floor(terms / 4) % NAMES.length]!, terms, nonce,
  });
}

/** The next version of what runs: grown, shrunk, with one workload more or less, under another policy, with other names. */
export function draftUpdate(facts: Facts, scene: Scene, base: Deal, { size, shape, terms }: Omit<Wish, 'requester' | 'nonce'>): Header | undefined {
  const { header } = base;
  const holds = facts.runs.get(header.deployment)?.holds;
  const there: Assignments = header.assignments.map((a) => ({ ...a, node: holds?.get(a.workload)?.node ?? a.node }));
  const resize = (by: number): Assignments => there.map((a) => ({ ...a, resources: { ...a.resources, disk: String(Math.max(0, Number(a.resources.disk) + by)) } }));
  const change = size % 5;
  const fresh = [0, 1, 2, 3].map((n) => `zdb-${n}`).find((name) => !there.some((a) => a.workload === name)) ?? 'zdb-9';
  const assignments = change === 0 ? resize(1 + (size % 3)) : change === 1 ? resize(-1 - (size % 2)) : change === 2 ? [...there, ...choose(facts, scene, [zdb(fresh, '1')], there, { countries: header.constraints.countries, from: shape })] : change === 3 ? there.slice(size % 2, there.length - ((size + 1) % 2)) : there;
  const versions = [...facts.blueprints.values()].filter((b) => b.name === header.blueprint.name);
  const names = NAMES[Math.floor(terms / 4) % NAMES.length]!;
  const { deployment, requester, organisation, autonomy, constraints, engines, bounds, derivation } = header;
  return complete(facts, scene, {
    deployment, version: header.version + 1, supersedes: base.id, requester, organisation, title: `version ${header.version + 1}, ${shape % 7}`, blueprint: refOf(versions[shape % versions.length]!),
    autonomy, constraints, assignments: assignments.length > 0 ? assignments : there, engines, bounds, names, terms, nonce: derivation.nonce,
  });
}

/** What is subtly wrong with a header; each leaves it in its form. */
export const SPOILS: readonly ((header: Header, facts: Facts, n: number) => Header)[] = [
  (h, _, n) => ({ ...h, price: { ...h.price, month: String(Math.max(0, Number(h.price.month) + (n % 2 ? 1 : -1))) } }),
  (h) => ({ ...h, price: { ...h.price, currency: 'USD' } }),
  (h) => ({ ...h, policy: { role: 'requester', principals: [h.requester], k: 1 } }),
  (h) => ({ ...h, policy: { any: [h.policy] } }),
  (h) => ({ ...h, acceptance: { role: 'requester', principals: [h.requester], k: 1 } }),
  ({ acceptance: _, ...h }) => h,
  (h) => ({ ...h, assignments: h.assignments.map((a) => ({ ...a, node: h.assignments[0]!.node })) }),
  (h, facts, n) => ({ ...h, assignments: h.assignments.map((a, i) => (i === 0 ? { ...a, node: [...facts.machines.keys()][n % facts.machines.size] ?? a.node } : a)) }),
  (h) => ({ ...h, assignments: h.assignments.map((a) => ({ ...a, workload: h.assignments[0]!.workload })) }),
  (h) => ({ ...h, assignments: h.assignments.map((a) => ({ ...a, group: 'other' })) }),
  (h) => ({ ...h, assignments: h.assignments.map((a) => ({ ...a, resources: { ...a.resources, disk: '11' } })) }),
  (h) => ({ ...h, assignments: h.assignments.map((a) => ({ ...a, node: digestOf('no such node') })) }),
  (h, facts) => ({ ...h, validity: { ...h.validity, signBefore: facts.time } }),
  (h) => ({ ...h, validity: { ...h.validity, signBefore: new Date(Date.parse(h.validity.signBefore) + 3_600_000).toISOString() } }),
  (h) => ({ ...h, validity: { ...h.validity, notAfter: h.validity.signBefore } }),
  (h) => ({ ...h, deployment: digestOf('of its own making') }),
  (h) => ({ ...h, grid: digestOf('elsewhere') }),
  (h, _, n) => ({ ...h, version: h.version + 1 + (n % 2) }),
  (h) => ({ ...h, supersedes: digestOf('another contract') }),
  ({ supersedes: _, ...h }) => h,
  (h, facts, n) => ({ ...h, requester: [...facts.people.keys()][n % facts.people.size] ?? h.requester }),
  (h, facts, n) => ({ ...h, organisation: [...facts.people.keys()][n % facts.people.size] ?? h.organisation }),
  (h) => ({ ...h, blueprint: { ...h.blueprint, digest: digestOf('not published') } }),
  (h) => ({ ...h, blueprint: { ...h.blueprint, name: h.blueprint.name === 'store' ? 'vault' : 'store' } }),
  (h) => ({ ...h, bounds: [] }),
  (h) => ({ ...h, bounds: [{ group: 'zdb', atMost: 2 }] }),
  (h) => ({ ...h, constraints: { countries: ['FR'], cities: [] } }),
  (h) => ({ ...h, constraints: { countries: [], cities: ['Chur'] } }),
  (h) => ({ ...h, engines: h.engines.map((e) => ({ ...e, digest: digestOf('another engine') })) }),
  (h, facts) => ({ ...h, derivation: { ...h.derivation, ledger: { ...h.derivation.ledger, size: facts.size + 1 } } }),
];

function zdb(workload: string, disk: string): Omit<Assignments[number], 'node'> {
  return { workload, type: 'zdb', group: 'zdb', resources: { disk, memory: '1', cpu: '1' } };
}

/** Living nodes of the right place, a different one for each of a group; where none is left any node, which the ledger will refuse. */
function choose(facts: Facts, scene: Scene, wanted: readonly Omit<Assignments[number], 'node'>[], there: Assignments, { countries, from }: { countries: readonly string[]; from: number }): Assignments {
  const chosen: Assignments = [];
  const order = scene.nodes.map((_, i) => scene.nodes[(i + from) % scene.nodes.length]!);
  for (const want of wanted) {
    const open = order.filter((node) => ![...there, ...chosen].some((a) => a.group === want.group && a.node === node));
    const good = open.filter((node) => facts.isAlive(node) && facts.freeOn(node)[0] >= BigInt(want.resources.disk) && (countries.length === 0 || countries.includes(facts.machines.get(node)?.attested?.country ?? '')));
    chosen.push({ ...want, node: good[0] ?? open[0] ?? scene.nodes[0]! });
  }
  return chosen;
}

function complete(facts: Facts, scene: Scene, { terms, nonce, ...rest }: Omit<Header, 'grid' | 'policy' | 'acceptance' | 'price' | 'validity' | 'derivation' | 'bodyDigest'> & { terms: number; nonce: string }): Header | undefined {
  const blueprint = facts.blueprints.get(`${rest.blueprint.name}@${rest.blueprint.version}`);
  const roles = facts.rosters.get(scene.organisation)?.payload.roles ?? {};
  const policy = blueprint && resolvePolicy(blueprint.policy, roles, rest.requester);
  const acceptance = blueprint?.acceptance && resolvePolicy(blueprint.acceptance, roles, rest.requester);
  if (!policy?.ok || acceptance?.ok === false) return undefined;
  const [sign, last] = TERMS[(terms >> 3) % TERMS.length]!;
  const now = Date.parse(facts.time);
  const signBefore = now + sign * 1000;
  return {
    ...rest, grid: facts.grid!.digest, policy: policy.policy, ...(acceptance && { acceptance: acceptance.policy }),
    price: { currency: 'EUR', month: (monthly(facts, rest.assignments) ?? 0n).toString() },
    validity: { signBefore: new Date(signBefore).toISOString(), notAfter: new Date(signBefore + last * 1000).toISOString() },
    derivation: { planner: 'model/1', ledger: { size: facts.size, root: '0'.repeat(64) }, time: facts.time, nonce },
    bodyDigest: digestOf(hex(rest.title)),
  };
}

/** One that was not there from the beginning, if there is any: perhaps another organisation's, or yanked. */
function publishedLater(facts: Facts, n: number): { name: string; version: string; digest?: Digest } {
  const all = [...facts.blueprints.values()];
  return all[BLUEPRINTS.length + (n % Math.max(1, all.length - BLUEPRINTS.length))] ?? all[n % all.length]!;
}

function refOf({ name, version, digest = digestOf(`${name} ${version}`) }: { name: string; version: string; digest?: Digest }): Header['blueprint'] {
  return { name, version, digest };
}
