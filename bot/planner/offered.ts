import type { Candidate } from '../../contract/placement.ts';
import type { WorkloadType } from '../../contract/workload.ts';
import type { Blueprint } from '../../knowledge/blueprint.ts';
import { typesNotOffered } from '../../knowledge/market.ts';

export interface NotOffered { readonly message: string; readonly hint: string }

/**
 * What to say when workloads have types that no node anywhere on this grid offers: all of those types, and what the grid
 * can do instead. Undefined when every type is offered by somebody.
 */
export function explainNotOffered(blueprint: Blueprint, workloads: readonly { readonly type: WorkloadType }[], market: readonly Candidate[], library: readonly Blueprint[] = []): NotOffered | undefined {
  const missing = typesNotOffered(workloads, market);
  if (missing.length === 0) return undefined;
  const offered = [...new Set(market.flatMap((c) => c.capabilities))].sort();
  const possible = library.filter((other) => canRun(other, market)).map((other) => other.blueprint).sort();
  const whole = missing.length === new Set(workloads.map(({ type }) => type)).size;
  return {
    message: `no node of this grid offers ${listed(missing)}, which ${whole ? 'is what' : 'is a part of what'} ${blueprint.blueprint} needs`,
    hint: possible.length > 0 ? `what this grid can run now: ${listed(possible)}` : `its nodes offer ${listed(offered) || 'nothing'}: see \`3bot doctor\``,
  };
}

/** Whether somebody offers every type that a blueprint always makes. */
function canRun(blueprint: Blueprint, market: readonly Candidate[]): boolean {
  return typesNotOffered(blueprint.workloads.filter(({ when }) => when === undefined), market).length === 0;
}

function listed(items: readonly string[]): string {
  return items.length > 1 ? `${items.slice(0, -1).join(', ')} and ${items.at(-1) ?? ''}` : (items[0] ?? '');
}
