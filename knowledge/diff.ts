import type { Json } from '../contract/canonical.ts';
import { canonicalize } from '../contract/canonical.ts';
import { boundsOf, type Workload } from '../contract/workload.ts';
import { compareVersions } from '../contract/version.ts';
import { type Blueprint, parametersOf } from './blueprint.ts';
import { compileBlueprint, type Compiled } from './compile.ts';
import { canonicalValue, type Parameter } from './parameter.ts';

/** How much a change asks of those who use the blueprint. */
export type Level = 'major' | 'minor' | 'patch';
export interface Change {
  readonly section: 'parameters' | 'values' | 'checks' | 'policy' | 'workloads' | 'words' | 'tests';
  readonly level: Level;
  readonly message: string;
}
/** What an update of a contract with these parameters would do to what runs. */
export interface UpdateEffect {
  /** The test whose parameters these are, or what the caller calls them. */
  readonly name: string;
  /** `refused`: no such update; `layout`: refused because parts of one whole would move. */
  readonly outcome: 'same' | 'changes' | 'refused' | 'layout';
  readonly lines: readonly string[];
}
export interface BlueprintDiff {
  readonly from: string;
  readonly to: string;
  readonly changes: readonly Change[];
  readonly updates: readonly UpdateEffect[];
  /** The least step of the version that tells users what they have to expect. */
  readonly advice: Level | 'none';
  /** Whether the version went up at least so far. */
  readonly enough: boolean;
}

const LEVELS: readonly Level[] = ['patch', 'minor', 'major'];
/** Contracts that are looked at. */
const MAX_UPDATES = 20;

/** What changed from one version of a blueprint to the next. `contracts`: parameters of what runs; the tests' when absent. */
export function diffBlueprints(before: Blueprint, after: Blueprint, contracts?: readonly { readonly name: string; readonly parameters: Readonly<Record<string, unknown>> }[]): BlueprintDiff {
  const samples = contracts ?? before.tests.filter(({ expect }) => expect.refused === undefined);
  const updates = samples.slice(0, MAX_UPDATES).flatMap(({ name, parameters }) => effectOf(before, after, name, parameters) ?? []);
  const changes = [...(before.blueprint === after.blueprint ? [] : [change('words', 'major', `name: was ${before.blueprint}, becomes ${after.blueprint}`)]), ...parameterChanges(before, after), ...ruleChanges(before, after), ...workloadChanges(before, after), ...wordChanges(before, after)];
  const broken = updates.some(({ outcome }) => outcome === 'refused' || outcome === 'layout');
  const moved = updates.some(({ outcome }) => outcome === 'changes');
  const levels = [...changes.map(({ level }) => level), ...(broken ? ['major' as const] : []), ...(moved ? ['minor' as const] : [])];
  const advice = levels.length === 0 ? 'none' : LEVELS[Math.max(...levels.map((level) => LEVELS.indexOf(level)))] ?? 'patch';
  return { from: before.version, to: after.version, changes, updates, advice, enough: isEnough(before.version, after.version, advice) };
}

function isEnough(from: string, to: string, advice: Level | 'none'): boolean {
  if (advice === 'none') return compareVersions(to, from) >= 0;
  if (compareVersions(to, from) <= 0) return false;
  const [a, b] = [from.split('.').map(Number), to.split('.').map(Number)];
  if (b[0] !== a[0] || advice === 'patch') return true;
  return advice === 'minor' && b[1] !== a[1];
}

function parameterChanges(before: Blueprint, after: Blueprint): Change[] {
  const changes: Change[] = [];
  const add = (level: Level, name: string, message: string): void => { changes.push(change('parameters', level, `${name}: ${message}`)); };
  for (const [name, parameter] of Object.entries(before.parameters)) if (!Object.hasOwn(after.parameters, name)) add('major', name, `removed (was ${parameter.type})`);
  for (const [name, next] of Object.entries(after.parameters)) {
    const was = Object.hasOwn(before.parameters, name) ? before.parameters[name] : undefined;
    if (!was) add(next.required ? 'major' : 'minor', name, `new, ${next.type}${next.required ? ', required' : ''}`);
    else if (was.type !== next.type) add('major', name, `type: was ${was.type}, becomes ${next.type}`);
    else for (const [level, message] of fieldChanges(was, next)) add(level, name, message);
  }
  return changes;
}

function fieldChanges(was: Parameter, next: Parameter): [Level, string][] {
  const found: [Level, string][] = [];
  const [a, b] = [was as Fields, next as Fields];
  if (was.required !== next.required) found.push([next.required ? 'major' : 'minor', next.required ? 'is required now' : 'is no longer required']);
  for (const [field, narrower] of [['minimum', 1n], ['maximum', -1n]] as const) {
    if (same(a[field], b[field])) continue;
    const [x, y] = [sizeOf(was, a[field]), sizeOf(next, b[field])];
    // No bound is the widest.
    const narrows = y !== undefined && (x === undefined || (y - x) * narrower > 0n);
    found.push([narrows ? 'major' : 'minor', `${field}: was ${show(a[field])}, becomes ${show(b[field])}`]);
  }
  if (!same(a['maxLength'], b['maxLength'])) found.push([Number(b['maxLength'] ?? Infinity) < Number(a['maxLength'] ?? Infinity) ? 'major' : 'minor', `maxLength: was ${show(a['maxLength'])}, becomes ${show(b['maxLength'])}`]);
  if (was.type === 'choice' && next.type === 'choice') {
    for (const choice of Object.keys(was.choices)) if (!Object.hasOwn(next.choices, choice)) found.push(['major', `choice ${choice} removed`]);
    for (const choice of Object.keys(next.choices)) if (!Object.hasOwn(was.choices, choice)) found.push(['minor', `choice ${choice} new`]);
  }
  if (!same(was.default, next.default)) found.push([next.default === undefined ? 'major' : 'minor', `default: was ${show(was.default)}, becomes ${show(next.default)}`]);
  for (const field of ['unit', 'memory'] as const) if (!same(a[field], b[field])) found.push(['major', `${field}: was ${show(a[field])}, becomes ${show(b[field])}`]);
  if (was.description !== next.description) found.push(['patch', 'description changed']);
  if (!same(was.hints, next.hints) || (was.type === 'choice' && next.type === 'choice' && Object.entries(was.choices).some(([choice, { nouns }]) => Object.hasOwn(next.choices, choice) && !same(nouns, next.choices[choice]?.nouns)))) found.push(['patch', 'other words set it']);
  return found;
}

type Fields = { readonly [field: string]: Json | undefined };

function sizeOf(parameter: Parameter, bound: Json | undefined): bigint | undefined {
  if (bound === undefined) return undefined;
  if (typeof bound === 'number') return BigInt(bound);
  const { minimum: _least, maximum: _most, ...open } = parameter as Extract<Parameter, { type: 'bytes' }>;
  const canonical = canonicalValue(open, bound);
  return canonical.ok && typeof canonical.value === 'string' ? BigInt(canonical.value) : undefined;
}

function ruleChanges(before: Blueprint, after: Blueprint): Change[] {
  const changes: Change[] = [];
  for (const [name, text] of [['policy', before.policy], ['acceptance', before.acceptance], ['autonomy', before.autonomy]] as const) {
    if (!same(text, after[name])) changes.push(change('policy', 'major', `${name}: was ${show(text)}, becomes ${show(after[name])}`));
  }
  const names = [...new Set([...Object.keys(before.values), ...Object.keys(after.values)])];
  for (const name of names) if (before.values[name] !== after.values[name]) changes.push(change('values', 'minor', `${name}: was ${before.values[name] ?? 'nothing'}, becomes ${after.values[name] ?? 'nothing'}`));
  const rule = ({ when, that }: Blueprint['checks'][number]): string => (when === undefined ? that : `${that} (when ${when})`);
  const [old, now] = [before.checks.map(rule), after.checks.map(rule)];
  // What is refused from now on may be what somebody runs.
  for (const text of now) if (!old.includes(text)) changes.push(change('checks', 'major', `new: ${text}`));
  for (const text of old) if (!now.includes(text)) changes.push(change('checks', 'minor', `removed: ${text}`));
  const said = (of: Blueprint): Json => of.checks.map(({ message, hint }) => [message, hint]);
  if (same(old, now) && !same(said(before), said(after))) changes.push(change('checks', 'patch', 'other messages'));
  return changes;
}

function workloadChanges(before: Blueprint, after: Blueprint): Change[] {
  const changes: Change[] = [];
  const key = (template: Blueprint['workloads'][number]): string => `${template.type} ${template.name}`;
  const [old, now] = [new Map(before.workloads.map((w) => [key(w), w])), new Map(after.workloads.map((w) => [key(w), w]))];
  for (const name of old.keys()) if (!now.has(name)) changes.push(change('workloads', 'major', `${name}: removed`));
  for (const [name, next] of now) {
    const was = old.get(name);
    if (!was) changes.push(change('workloads', 'minor', `${name}: new`));
    else for (const line of fieldsThatDiffer(was as unknown as Json, next as unknown as Json, '')) changes.push(change('workloads', line.startsWith('group:') ? 'major' : 'minor', `${name}: ${line}`));
  }
  return changes;
}

function wordChanges(before: Blueprint, after: Blueprint): Change[] {
  const changes: Change[] = [];
  for (const field of ['title', 'description', 'author', 'summary'] as const) if (before[field] !== after[field]) changes.push(change('words', 'patch', `${field} changed`));
  if (!same(before.intents, after.intents)) changes.push(change('words', 'patch', 'other words ask for it'));
  if (!same([before.tests, before.properties], [after.tests, after.properties])) changes.push(change('tests', 'patch', `was ${before.tests.length} tests and ${before.properties.length} properties, becomes ${after.tests.length} and ${after.properties.length}`));
  return changes;
}

/** Undefined when the old version does not make such a contract either. */
function effectOf(before: Blueprint, after: Blueprint, name: string, parameters: Readonly<Record<string, unknown>>): UpdateEffect | undefined {
  const old = compileBlueprint(before, parameters);
  if (!old.ok) return undefined;
  // An update keeps what was decided, defaults included, as far as the new version still knows it.
  const unknown = Object.keys(old.parameters).filter((parameter) => !Object.hasOwn(parametersOf(after), parameter));
  const now = compileBlueprint(after, old.parameters);
  if (!now.ok) return { name, outcome: 'refused', lines: unknown.length > 0 ? [`it is signed with ${unknown.join(', ')}, which this version does not have`] : [now.message] };
  const lines = workloadEffects(old, now);
  const layout = (of: readonly Workload[]): string => canonicalize(boundsOf(of).map(({ group, atMost }) => ({ group, atMost, members: of.filter((w) => w.group === group).map((w) => w.name).sort() })));
  if (boundsOf(old.workloads).length > 0 && layout(old.workloads) !== layout(now.workloads)) return { name, outcome: 'layout', lines: ['parts of one whole would lie on other members: only a new deployment, with a copy of the data', ...lines] };
  return { name, outcome: lines.length === 0 ? 'same' : 'changes', lines };
}

function workloadEffects(old: Compiled, now: Compiled): string[] {
  const [before, after] = [new Map(old.workloads.map((w) => [w.name, w])), new Map(now.workloads.map((w) => [w.name, w]))];
  const lines = [...before.keys()].filter((name) => !after.has(name)).map((name) => `${name} ends, and what it holds is deleted`);
  for (const [name, workload] of after) {
    const was = before.get(name);
    if (!was) lines.push(`${name} is new, a ${workload.type}`);
    else lines.push(...fieldsThatDiffer(was as unknown as Json, workload as unknown as Json, '').map((line) => `${name}: ${line}`));
  }
  return lines;
}

/** `spec.mode: was "user", becomes "seq"`, for each field that differs. */
function fieldsThatDiffer(a: Json | undefined, b: Json | undefined, path: string): string[] {
  if (isMap(a) && isMap(b)) return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) => fieldsThatDiffer(a[key], b[key], path === '' ? key : `${path}.${key}`));
  return same(a, b) ? [] : [`${path}: was ${show(a)}, becomes ${show(b)}`];
}

function change(section: Change['section'], level: Level, message: string): Change {
  return { section, level, message };
}

function same(a: unknown, b: unknown): boolean {
  return canonicalize(a === undefined ? null : withoutUndefined(a)) === canonicalize(b === undefined ? null : withoutUndefined(b));
}

function withoutUndefined(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

function isMap(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
