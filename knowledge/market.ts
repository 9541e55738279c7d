import type { Constraints, Price } from '../contract/contract.ts';
import { digestOf } from '../contract/digest.ts';
import type { Location } from '../contract/entry.ts';
import { allowedAt, type Candidate, place, type Placed, type Placement } from '../contract/placement.ts';
import { priceOf } from '../contract/price.ts';
import { formatBytes, formatMoney } from '../contract/units.ts';
import { type Engine, EngineName, WorkloadType } from '../contract/workload.ts';
import type { Blueprint } from './blueprint.ts';
import { compileBlueprint, type Compiled } from './compile.ts';
import type { Refusal } from './defaults.ts';

/** Synthetic: what an author's blueprint is tried against before any node offers what it needs. */
const CURRENCY = 'EUR';
const NODES_A_CITY = 12;
/** Disk in terabytes, rates in cents a month: of a terabyte, of a gibibyte of memory, of a core. */
const CITIES: readonly (readonly [country: string, city: string, disk: number, terabyte: number, gibibyte: number, core: number])[] = [
  ['AT', 'Vienna', 1200, 260, 100, 400],
  ['BE', 'Brussels', 900, 250, 100, 380],
  ['BE', 'Ghent', 600, 250, 90, 360],
  ['CH', 'Geneva', 1200, 340, 130, 480],
  ['CH', 'Lugano', 900, 320, 130, 460],
  ['CH', 'Zurich', 1200, 330, 130, 480],
  ['DE', 'Berlin', 1200, 240, 90, 360],
  ['DE', 'Frankfurt', 1200, 230, 90, 350],
  ['DE', 'Munich', 900, 260, 100, 380],
  ['DK', 'Copenhagen', 900, 250, 100, 380],
  ['ES', 'Madrid', 900, 210, 80, 320],
  ['FI', 'Helsinki', 1200, 190, 80, 300],
  ['FR', 'Paris', 1200, 240, 90, 360],
  ['GB', 'London', 1200, 270, 110, 400],
  ['IE', 'Dublin', 1200, 230, 90, 350],
  ['IT', 'Milan', 900, 240, 90, 350],
  ['NL', 'Amsterdam', 1200, 230, 90, 350],
  ['NO', 'Oslo', 900, 200, 90, 340],
  ['PT', 'Lisbon', 600, 200, 80, 310],
  ['SE', 'Stockholm', 1200, 190, 80, 310],
];

let made: readonly Candidate[] | undefined;

/** Nodes that offer every type of workload, in twenty cities; none of them exists. Made when it is first needed. */
export function testMarket(): readonly Candidate[] {
  const engines = enginesOf();
  made ??= CITIES.flatMap(([country, city, disk, terabyte, gibibyte, core]) =>
    Array.from({ length: NODES_A_CITY }, (_, i): Candidate => ({
      node: digestOf(['test market', country, city, i]),
      location: { country, city },
      capabilities: WorkloadType.options,
      engines,
      free: { disk: tera(disk), memory: String(512n * 2n ** 30n), cpu: '128000' },
      rates: { terabyte: cents(terabyte), gibibyte: cents(gibibyte), core: cents(core) },
    })),
  );
  return made;
}

function enginesOf(): Engine[] {
  return EngineName.options.map((name) => ({ name, digest: digestOf(['test market', name]) }));
}

export interface MarketPlan {
  readonly ok: true;
  readonly compiled: Compiled;
  /** Where each workload would lie, in the order of the workloads. */
  readonly assignments: readonly (Placed & { readonly location: Location })[];
  readonly price: Price;
}
export interface MarketRefusal {
  readonly ok: false;
  readonly code: Refusal['code'] | 'not_offered' | 'no_nodes_in_place' | 'no_capacity' | 'over_budget';
  readonly message: string;
  readonly hint: string;
}

/** Compiles, places and prices as the planner does, with no ledger and nobody to sign: how an unpublished blueprint is tried. */
export function planOnMarket(blueprint: Blueprint, parameters: Readonly<Record<string, unknown>>, market: readonly Candidate[] = testMarket()): MarketPlan | MarketRefusal {
  const compiled = compileBlueprint(blueprint, parameters, { currency: CURRENCY });
  if (!compiled.ok) return compiled;
  const { workloads, constraints } = compiled;
  const missing = typesNotOffered(workloads, market);
  if (missing.length > 0) return refuse('not_offered', `nobody on this market offers ${missing.join(', ')}`, 'ask for what is offered');
  const placement = place({
    deployment: `test market ${blueprint.blueprint}`,
    constraints,
    engines: enginesOf(),
    workloads: workloads.map(({ name: workload, type, group, resources }) => ({ workload, type, group, resources })),
    placed: [],
    candidates: market,
  });
  if (!placement.ok) return misfit(placement, constraints, market);
  const nodes = new Map(market.map((c) => [c.node, c]));
  const price = priceOf(placement.assignments, (node) => nodes.get(node)?.rates, CURRENCY);
  const limit = compiled.parameters['max_price'];
  if (typeof limit === 'string' && BigInt(price.month) > BigInt(limit)) return refuse('over_budget', `a month costs ${formatMoney(BigInt(price.month), CURRENCY)}, the request allows ${formatMoney(BigInt(limit), CURRENCY)}`, 'ask for less, or raise the limit');
  const assignments = placement.assignments.flatMap((a) => { const at = nodes.get(a.node)?.location; return at ? [{ ...a, location: at }] : []; });
  return { ok: true, compiled, assignments, price };
}

/** Types among these workloads that no node anywhere on a market offers, in alphabetical order. */
export function typesNotOffered(workloads: readonly { readonly type: WorkloadType }[], market: readonly Candidate[]): WorkloadType[] {
  const offered = new Set(market.flatMap((c) => c.capabilities));
  return [...new Set(workloads.map(({ type }) => type))].filter((type) => !offered.has(type)).sort();
}

function misfit(placement: Extract<Placement, { ok: false }>, constraints: Constraints, market: readonly Candidate[]): MarketRefusal {
  const where = [...constraints.cities, ...constraints.countries].join(', ') || 'the test market';
  if (!market.some((c) => allowedAt(constraints, c.location))) return refuse('no_nodes_in_place', `no node of the test market lies in ${where}`, `there are nodes in ${[...new Set(market.map((c) => c.location.country))].sort().join(', ')}`);
  const { disk, memory, cpu } = placement.need;
  return refuse('no_capacity', `${placement.workload} needs a node of its own with ${formatBytes(BigInt(disk))} of disk, ${formatBytes(BigInt(memory))} of memory and ${Number(cpu) / 1000} cores free; of ${placement.inPlace} nodes in ${where}, ${placement.withRoom} have it`, 'ask for less, or for more places');
}

function refuse(code: MarketRefusal['code'], message: string, hint: string): MarketRefusal {
  return { ok: false, code, message, hint };
}

function tera(disk: number): string {
  return (BigInt(disk) * 10n ** 12n).toString();
}

function cents(rate: number): string {
  return (BigInt(rate) * 10_000n).toString();
}
