import type { Json } from '../../contract/canonical.ts';
import type { Plan } from '../../bot/planner/plan.ts';
import { voters } from '../../contract/policy.ts';
import { formatBytes, formatMoney } from '../../contract/units.ts';
import type { LedgerState } from '../../ledger/state/state.ts';
import { noticeOf } from '../../ledger/state/views.ts';
import { paint } from '../output.ts';

export interface PlanView {
  readonly plan: Plan;
  readonly state: LedgerState;
  /** What was said and where, when the plan came from a sentence. */
  readonly understood?: { readonly text: string; readonly parameters: Readonly<Record<string, Json>>; readonly defaults: Readonly<Record<string, Json>>; readonly spans: Readonly<Record<string, { text: string }>> };
}

/** A plan as people read it: what was understood, whose blueprint, where, for how much, and who must sign. */
export function renderPlan({ plan, state, understood }: PlanView): string {
  const { header, body } = plan;
  const blueprint = state.blueprints[`${header.blueprint.name}@${header.blueprint.version}`];
  const author = blueprint && state.principals[blueprint.author]?.name;
  const notice = noticeOf(state, header.blueprint);
  const thin = header.assignments.some((a) => state.nodes[a.node]?.offer?.thin);
  const lines = [
    paint('bold', header.title),
    ...(understood ? [row('understood', Object.entries(understood.parameters).map(([name, value]) => `${name} ${show(name, value)} ${paint('dim', `“${understood.spans[name]?.text ?? ''}”`)}`).join(', '))] : []),
    ...(understood && Object.keys(understood.defaults).length > 0 ? [row('assumed', Object.entries(understood.defaults).filter(([, v]) => !isEmpty(v)).map(([name, value]) => `${name} ${show(name, value)}`).join(', '))] : []),
    row('blueprint', `${header.blueprint.name} ${header.blueprint.version} by ${author ?? 'nobody known'}`),
    ...(notice === undefined ? [] : [row('', paint('yellow', notice))]),
    row('runs', summarise(body.workloads)),
    ...placesOf(plan, state).map((line, i) => row(i === 0 ? 'places' : '', line)),
    ...(thin ? [row('', paint('yellow', 'thin disks: this grid promises the size, it does not have it yet'))] : []),
    row('price', `${formatMoney(BigInt(header.price.month), header.price.currency)} a month`),
    row('must sign', voters(header.policy).map(({ role, principal }) => `${role} (${state.principals[principal]?.name ?? principal})`).join(', ')),
    row('sign before', header.validity.signBefore),
    row('contract', plan.contract),
  ];
  return lines.join('\n');
}

function row(label: string, text: string): string {
  return `  ${paint('dim', label.padEnd(12))} ${text}`;
}

function isEmpty(value: Json): boolean {
  return Array.isArray(value) && value.length === 0;
}

function show(name: string, value: Json): string {
  if (name === 'capacity' && typeof value === 'string') return formatBytes(BigInt(value));
  return Array.isArray(value) ? value.map(String).join(' ') : typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function summarise(workloads: Plan['body']['workloads']): string {
  const counts = new Map<string, number>();
  for (const w of workloads) counts.set(w.type, (counts.get(w.type) ?? 0) + 1);
  return [...counts].map(([type, count]) => `${count} × ${type}`).join(', ');
}

function placesOf({ header }: Plan, state: LedgerState): string[] {
  const cities = new Map<string, string[]>();
  for (const a of header.assignments) {
    const node = state.nodes[a.node];
    const city = `${node?.attested?.city ?? '?'}, ${node?.attested?.country ?? '?'}`;
    const entry = `${a.workload} on ${node?.offer?.label ?? a.node}`;
    cities.set(city, [...(cities.get(city) ?? []), entry]);
  }
  return [...cities].sort(([a], [b]) => (a < b ? -1 : 1)).map(([city, entries]) => `${city}: ${entries.join(', ')}`);
}
