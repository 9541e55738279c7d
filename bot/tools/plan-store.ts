import type { ContractId } from '../../contract/contract.ts';
import type { Plan } from '../planner/plan.ts';

/** Most plans kept; the one that was shown longest ago gives way. */
const MAX_PLANS = 64;

/** Plans that were shown in this session. A proposal names one by its digest, so that what is proposed is what was shown. */
export class PlanStore {
  readonly #plans = new Map<ContractId, Plan>();

  put(plan: Plan): void {
    this.#plans.delete(plan.contract);
    this.#plans.set(plan.contract, plan);
    const [oldest] = this.#plans.keys();
    if (this.#plans.size > MAX_PLANS && oldest) this.#plans.delete(oldest);
  }

  get(contract: string): Plan | undefined {
    return this.#plans.get(contract as ContractId);
  }
}
