import { randomBytes } from 'node:crypto';
import type { Json } from '../../contract/canonical.ts';
import { digestOf } from '../../contract/digest.ts';
import { compileBlueprint } from '../../knowledge/compile.ts';
import { candidates } from '../../ledger/state/views.ts';
import { planContract, type Plan } from '../planner/plan.ts';
import type { ContractId } from '../../contract/contract.ts';
import type { ContractRecord, LedgerState } from '../../ledger/state/state.ts';
import type { City } from '../planner/understand/place-names.ts';
import { understand, type Understood } from '../planner/understand/understand.ts';
import type { BotContext, ToolRefusal } from '../context.ts';
import { readContract } from './contracts.ts';

export type Understanding = Extract<Understood, { ok: true }>;

/** Words to blueprint and parameters, offline. Side effects: none. */
export function understandText(context: Pick<BotContext, 'library'> & Partial<Pick<BotContext, 'follower'>>, text: string): Understanding | ToolRefusal {
  const state = context.follower?.state();
  const cities = state && marketCities(state);
  const understood = understand(text, context.library.map((entry) => entry.blueprint), cities && { cities });
  return understood.ok ? understood : { ok: false, ...understood.error };
}

let market: { readonly key: string; readonly cities: readonly City[] } | undefined;

/** Cities where nodes can take work. The same list for as long as they are the same: place names are made once for each list. */
function marketCities(state: LedgerState): readonly City[] {
  const cities = [...new Map(candidates(state).map(({ location }) => [location.city, location])).values()];
  const key = JSON.stringify(cities);
  if (market?.key !== key) market = { key, cities };
  return market.cities;
}

export interface PlanRequest { readonly blueprint: string; readonly parameters: Readonly<Record<string, Json>>; readonly nonce?: string }

/** Blueprint and parameters to a contract, against the ledger as this bot has verified it. Side effects: none. */
export function planRequest(context: BotContext, request: PlanRequest): Plan | ToolRefusal {
  const entry = context.library.find((e) => e.blueprint.blueprint === request.blueprint);
  if (!entry) return { ok: false, code: 'blueprint_unknown', message: `no blueprint is called ${request.blueprint}`, hint: `there are: ${context.library.map((e) => e.blueprint.blueprint).join(', ')}` };
  const { follower } = context;
  return planContract({
    state: follower.state(),
    ledger: { size: follower.size(), root: follower.root() },
    requester: context.requester.id,
    nonce: request.nonce ?? randomBytes(16).toString('hex'),
    blueprint: { parsed: entry.blueprint, digest: entry.digest },
    parameters: request.parameters,
    library: context.library.map((e) => e.blueprint),
  });
}

/** What this person asked for before: running, or proposed and not yet signed by all. */
export interface Same { readonly plan: Plan; readonly active: boolean }

/** A contract of this person, running or open, that asks for the same; so that asking again goes on with it instead of making a second. */
export async function findSame(context: BotContext, request: PlanRequest): Promise<Same | undefined> {
  const entry = context.library.find((e) => e.blueprint.blueprint === request.blueprint);
  const state = context.follower.state();
  const currency = state.grid?.payload.currency;
  const wanted = entry && compileBlueprint(entry.blueprint, request.parameters, currency === undefined ? {} : { currency });
  if (!entry || !wanted?.ok) return undefined;
  // A name that nobody asked for may have given way to a free one.
  const named = request.parameters['name'] !== undefined;
  const digest = (parameters: Readonly<Record<string, Json>>): string => digestOf(named ? parameters : { ...parameters, name: null });
  for (const [contract, record] of Object.entries(state.contracts) as [ContractId, ContractRecord][]) {
    if ((record.status !== 'active' && record.status !== 'proposed') || record.header.requester !== context.requester.id || record.header.blueprint.digest !== entry.digest) continue;
    const read = await readContract(context, contract).catch(() => undefined);
    if (read?.ok && digest(read.body.parameters) === digest(wanted.parameters)) return { plan: { ok: true, contract, header: read.header, body: read.body }, active: record.status === 'active' };
  }
  return undefined;
}
