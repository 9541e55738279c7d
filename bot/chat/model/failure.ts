/**
 * Why a model gave no answer. `unreachable`: no connection, or it broke; `timeout`: silent for too long; `refused`: it takes
 * neither key nor request (4xx); `limited`: too many requests (429); `failed`: 5xx; `garbled`: an answer that cannot be used.
 */
export type FailureKind = 'unreachable' | 'timeout' | 'refused' | 'limited' | 'failed' | 'garbled';

/** A model that did not answer. Says nothing that the server said: its error texts may repeat the key. */
export class ModelFailure extends Error {
  readonly kind: FailureKind;
  /** HTTP status, where there was an answer. */
  readonly status: number | undefined;

  constructor(kind: FailureKind, message: string, status?: number) {
    super(message);
    this.name = 'ModelFailure';
    this.kind = kind;
    this.status = status;
  }
}

/** A bound of ours was reached; the model itself may be well. */
export class BudgetSpent extends Error {
  readonly budget: 'steps' | 'tokens' | 'time';

  constructor(budget: BudgetSpent['budget']) {
    super(`the budget of ${budget} for one answer is spent`);
    this.name = 'BudgetSpent';
    this.budget = budget;
  }
}

/** The failure or spent budget inside an error: those who carry errors wrap them several times. */
export function causeOf(error: unknown): ModelFailure | BudgetSpent | undefined {
  let each = error;
  for (let depth = 0; depth < 10 && each instanceof Error; depth++) {
    if (each instanceof ModelFailure || each instanceof BudgetSpent) return each;
    each = each.cause;
  }
  return undefined;
}
