import type { Assignment, Price } from './contract.ts';
import type { Rates } from './entry.ts';
import type { Resources } from './units.ts';

const TERABYTE = 10n ** 12n;
const GIBIBYTE = 2n ** 30n;
const CORE = 1000n;

/** Price of resources at a node's rates for a month, in millionths of the currency, each part rounded up. */
export function priceOfResources(resources: Resources, rates: Rates): bigint {
  return share(resources.disk, rates.terabyte, TERABYTE) + share(resources.memory, rates.gibibyte, GIBIBYTE) + share(resources.cpu, rates.core, CORE);
}

/** Price of all assignments a month; the ledger recomputes it and refuses another one. Throws when a node has no rates. */
export function priceOf(assignments: readonly Pick<Assignment, 'node' | 'resources'>[], ratesOf: (node: Assignment['node']) => Rates | undefined, currency: string): Price {
  let month = 0n;
  for (const { node, resources } of assignments) {
    const rates = ratesOf(node);
    if (!rates) throw new TypeError(`no rates known for node ${node}`);
    month += priceOfResources(resources, rates);
  }
  return { currency, month: month.toString() };
}

function share(amount: string, rate: string, unit: bigint): bigint {
  return (BigInt(amount) * BigInt(rate) + unit - 1n) / unit;
}
