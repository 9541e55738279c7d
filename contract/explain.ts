import { type Body, contractId, type Header } from './contract.ts';
import { type Digest, digestOf } from './digest.ts';
import type { Policy } from './policy.ts';
import { describePolicy } from './policy-words.ts';
import type { PrincipalId } from './principal.ts';
import { formatBytes, formatMoney } from './units.ts';
import type { Workload } from './workload.ts';

/** Changes whenever the same contract would be explained in other words. */
export const EXPLANATION_FORMAT = '3bot-explanation/2';

/** A contract in people's words, made from nothing but the contract (and the one that it replaces). Ids stand in full: who shows it may put names beside them. */
export interface Explanation {
  readonly format: typeof EXPLANATION_FORMAT;
  readonly contract: Digest;
  readonly title: string;
  readonly what: readonly string[];
  readonly where: readonly string[];
  readonly cost: readonly string[];
  /** Who asks, who must sign, who may open what. */
  readonly who: readonly string[];
  /** What may happen without asking again. */
  readonly unasked: readonly string[];
  /** Against the version that it replaces; empty for a first one. */
  readonly changes: readonly string[];
}

export interface ExplainedContract { readonly header: Header; readonly body: Body }

/** Same contract, same words; throws a TypeError when `base` is not the contract that this one replaces. */
export function explainContract(contract: ExplainedContract, base?: ExplainedContract): Explanation {
  const { header, body } = contract;
  const replaced = base === undefined ? undefined : contractId(base.header);
  if (replaced !== header.supersedes) throw new TypeError(`this contract replaces ${header.supersedes ?? 'nothing'}, given was ${replaced ?? 'nothing'}`);
  return {
    format: EXPLANATION_FORMAT,
    contract: contractId(header),
    title: header.title,
    what: explainWhat(contract),
    where: explainWhere(header),
    cost: explainCost(header),
    who: explainWho(contract),
    unasked: explainAutonomy(header),
    changes: base ? explainChanges(base, { header, body }) : [],
  };
}

/** What an approval names as seen. */
export function explanationDigest(explanation: Explanation): Digest {
  return digestOf(explanation);
}

function explainWhat({ header, body }: ExplainedContract): string[] {
  const { name, version, digest } = header.blueprint;
  const lines = [`made by blueprint ${name} ${version} (${digest}) from: ${Object.entries(body.parameters).map(([k, v]) => `${k} = ${JSON.stringify(v)}`).join(', ')}`];
  for (const [group, workloads] of groupsOf(body.workloads)) lines.push(...countEqual(workloads.map((w) => `${group}: ${explainWorkload(w)}`)));
  for (const { name: engine, digest: pinned } of header.engines) lines.push(`runs the ${engine} engine with digest ${pinned}, and no other`);
  return lines;
}

function explainWorkload(w: Workload): string {
  const takes = `takes ${formatBytes(BigInt(w.resources.disk))} of disk, ${formatBytes(BigInt(w.resources.memory))} of memory, ${Number(w.resources.cpu) / 1000} cores`;
  switch (w.type) {
    case 'zdb': return `a store for ${formatBytes(BigInt(w.spec.capacity))}${w.spec.mode === 'seq' ? ', which numbers its entries' : ''}, ${takes}`;
    case 'archive': {
      const kept = w.spec.retentionDays > 0 ? `objects are kept for at least ${w.spec.retentionDays} days` : 'objects can be deleted at any time';
      return `an S3 front end for bucket ${w.spec.bucket}; any ${w.spec.parityShards} of ${w.spec.dataShards + w.spec.parityShards} stores may be lost; ${kept}${w.spec.immutable ? ', and none is ever overwritten' : ''}; ${takes}`;
    }
    case 'gateway-name': return `publishes the name ${w.spec.name} for ${w.spec.backends.join(', ')}`;
    case 'gateway-fqdn': return `publishes ${w.spec.fqdn} for ${w.spec.backends.join(', ')}`;
    case 'container': return `a container of ${explainProgram(w.spec)}${w.spec.ports.length > 0 ? `, listening on ${w.spec.ports.join(', ')}` : ''}, ${takes}`;
    case 'job': return `runs ${explainProgram(w.spec)} once, for at most ${w.spec.maxHours} hours${w.spec.dataset === '' ? '' : `, over ${w.spec.dataset}`}${w.spec.gpus > 0 ? `, with ${w.spec.gpus} GPUs` : ''}, ${takes}`;
    case 'volume': return `a volume of ${formatBytes(BigInt(w.spec.capacity))}${w.spec.copies.length > 1 ? `, one of ${w.spec.copies.length} copies` : ''}, ${takes}`;
    case 'network': return `a private network of ${w.spec.members.join(', ')}; ${w.spec.allow.length === 0 ? 'nobody in it may reach another' : `allowed: ${w.spec.allow.join(', ')}`}`;
    case 'kubernetes': return `a ${w.spec.role} machine of the Kubernetes cluster ${w.spec.cluster}, ${takes}`;
  }
}

function explainProgram({ image, command, env, mounts }: Extract<Workload, { type: 'container' | 'job' }>['spec']): string {
  const settings = Object.entries(env).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return [
    `${image}${image.includes('@sha256:') ? '' : ' (not pinned by digest)'}`,
    ...(command.length > 0 ? [`with the command ${command.map((part) => JSON.stringify(part)).join(' ')}`] : []),
    ...(settings.length > 0 ? [`where ${settings.join(', ')}`] : []),
    ...mounts.map(({ volume, path }) => `with ${volume} at ${path}`),
  ].join(' ');
}

function explainWhere(header: Header): string[] {
  const { countries, cities } = header.constraints;
  const bound = countries.length === 0 && cities.length === 0 ? 'anywhere on the grid' : `only in ${[...cities, ...countries].join(', ')}, also after a node is replaced`;
  return [bound, ...header.assignments.map((a) => `${a.workload} on ${a.node}`)];
}

function explainCost({ price, validity, supersedes }: Header): string[] {
  return [`${formatMoney(BigInt(price.month), price.currency)} a month; ${supersedes === undefined ? 'the first is' : 'what it costs more is'} paid in when it is proposed`, `ends on ${validity.notAfter} unless it is renewed; to be signed before ${validity.signBefore}`];
}

function explainWho({ header, body }: ExplainedContract): string[] {
  const lines = [`asked by ${header.requester} of organisation ${header.organisation}`, `in force when signed by ${explainPolicy(header.policy)}; the same must sign its change and its end`];
  if (header.acceptance) lines.push(`its execution is to be accepted by ${explainPolicy(header.acceptance)}`);
  const secrets = new Map<string, string[]>();
  for (const w of body.workloads) for (const secret of w.secrets) secrets.set(secret, [...secrets.get(secret) ?? [], w.name]);
  for (const [secret, holders] of secrets) lines.push(`the secret ${secret} is opened by the requester and by the nodes of ${holders.join(', ')}`);
  for (const w of body.workloads) if (w.dials.length > 0) lines.push(`${w.name} may call ${w.dials.join(', ')}, and nothing else of this deployment`);
  lines.push('everything in this contract can be read by everybody on the grid; nobody can log in to what runs');
  return lines;
}

function explainAutonomy(header: Header): string[] {
  if (!header.autonomy.replace) return ['nothing: a node that is lost is replaced only by a new contract'];
  return [
    'a node that loses its lease is replaced by the rule, inside the places and on the engines named here',
    ...header.bounds.map((b) => `of ${b.group} at most ${b.atMost} may be without their part at once; beyond that nothing is replaced`),
  ];
}

function explainPolicy(policy: Policy): string {
  return describePolicy(policy, (id) => id);
}

function explainChanges(base: ExplainedContract, next: ExplainedContract): string[] {
  const lines: string[] = [];
  const differ = (what: string, before: unknown, after: unknown, show: (value: never) => string = (value) => JSON.stringify(value)): void => {
    if (digestOf(before ?? null) === digestOf(after ?? null)) return;
    lines.push(`${what}: was ${before === undefined ? 'nothing' : show(before as never)}, becomes ${after === undefined ? 'nothing' : show(after as never)}`);
  };
  const [a, b] = [base.header, next.header];
  for (const key of [...new Set([...Object.keys(base.body.parameters), ...Object.keys(next.body.parameters)])].sort()) differ(`parameter ${key}`, base.body.parameters[key], next.body.parameters[key]);
  differ('title', a.title, b.title);
  differ('blueprint', a.blueprint, b.blueprint, (value: Header['blueprint']) => `${value.name} ${value.version} (${value.digest})`);
  const shown = (price: Header['price']): string => formatMoney(BigInt(price.month), price.currency);
  // Less than a cent more or less is shown in millionths: the same text twice would hide it.
  differ('price a month', a.price, b.price, (value: Header['price']) => (shown(a.price) === shown(b.price) ? `${value.month} millionths of ${value.currency}` : shown(value)));
  differ('ends', a.validity.notAfter, b.validity.notAfter);
  differ('places', a.constraints, b.constraints);
  differ('who must sign', a.policy, b.policy, explainPolicy);
  differ('who must accept the execution', a.acceptance, b.acceptance, explainPolicy);
  differ('what may happen unasked', a.autonomy, b.autonomy);
  differ('how many of a group may be without their part', a.bounds, b.bounds);
  differ('engines', a.engines, b.engines);
  differ('published names', a.names, b.names);
  const before = new Map<string, Workload>(base.body.workloads.map((w) => [w.name, w]));
  const after = new Map<string, Workload>(next.body.workloads.map((w) => [w.name, w]));
  const nodes = new Map<string, PrincipalId>(a.assignments.map((x) => [x.workload, x.node]));
  for (const name of before.keys()) if (!after.has(name)) lines.push(`${name} ends, and what it holds is deleted`);
  for (const x of b.assignments) {
    const [was, becomes] = [before.get(x.workload), after.get(x.workload)];
    if (!was || !becomes) lines.push(`${x.workload} is new, on ${x.node}`);
    else if (digestOf(was) !== digestOf(becomes)) lines.push(`${x.workload}: ${explainDifference(was, becomes)}`);
    const node = nodes.get(x.workload);
    if (node !== undefined && node !== x.node) lines.push(`${x.workload} lies on ${x.node} by now (was signed for ${node})`);
  }
  return lines.length > 0 ? lines : ['nothing but its dates'];
}

/** In words where the words differ, and in any case field by field, as it is written: words round, count and leave out. */
function explainDifference(was: Workload, becomes: Workload): string {
  const [before, after] = [explainWorkload(was), explainWorkload(becomes)];
  const [a, b] = [fieldsOf(was), fieldsOf(becomes)];
  const shown = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));
  const fields = [...new Set([...a.keys(), ...b.keys()])].filter((name) => digestOf(a.get(name) ?? null) !== digestOf(b.get(name) ?? null));
  return [...(before === after ? [] : [`was ${before}; becomes ${after}`]), ...fields.map((name) => `${name} was ${shown(a.get(name))}, becomes ${shown(b.get(name))}`)].join('; ');
}

/** Everything of a workload but its name, by where it stands. */
function fieldsOf({ type, group, resources, secrets, dials, spec }: Workload): Map<string, unknown> {
  const under = (name: string, of: object): [string, unknown][] => Object.entries(of).map(([key, value]) => [`${name}.${key}`, value]);
  return new Map<string, unknown>([['type', type], ['group', group], ...under('resources', resources), ['secrets', secrets], ['dials', dials], ...under('spec', spec)]);
}

/** `3 × zdb: …`: equal lines once, with their number. */
function countEqual(lines: readonly string[]): string[] {
  return [...new Set(lines)].map((line) => `${lines.filter((other) => other === line).length} × ${line}`);
}

function groupsOf(workloads: readonly Workload[]): Map<string, Workload[]> {
  const groups = new Map<string, Workload[]>();
  for (const w of workloads) groups.set(w.group, [...groups.get(w.group) ?? [], w]);
  return groups;
}
