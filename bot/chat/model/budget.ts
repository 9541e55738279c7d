import { BudgetSpent } from './failure.ts';

/** UTF-16 units a token has at least, about: estimates are to be too high rather than too low. */
const UNITS_PER_TOKEN = 3;
/** Conversations whose use is remembered. */
const MAX_CONVERSATIONS = 1000;

export function estimateTokens(text: string): number {
  return Math.ceil(text.length / UNITS_PER_TOKEN);
}

export interface Limits { readonly steps: number; readonly tokens: number }

/** What one turn may still use. Tokens are those that the server counts; estimated until it does, or when it never does. */
export class TurnBudget {
  readonly #limits: Limits;
  #steps = 0;
  #counted = 0;
  #pending = 0;

  constructor(limits: Limits) { this.#limits = limits; }

  get used(): number { return this.#counted + this.#pending; }

  get steps(): number { return this.#steps; }

  /** Before the model is asked once more, with a prompt of about so many tokens. Throws BudgetSpent. */
  begin(promptTokens: number): void {
    if (this.#steps >= this.#limits.steps) throw new BudgetSpent('steps');
    if (this.used + promptTokens > this.#limits.tokens) throw new BudgetSpent('tokens');
    this.#steps += 1;
    this.#pending = promptTokens;
  }

  /** While it answers. Throws BudgetSpent. */
  grow(piece: string): void {
    this.#pending += estimateTokens(piece);
    if (this.used > this.#limits.tokens) throw new BudgetSpent('tokens');
  }

  /** When it has answered: what the server counted, if that can be. */
  end(counted: number | undefined): void {
    this.#counted += counted !== undefined && Number.isSafeInteger(counted) && counted > 0 ? counted : this.#pending;
    this.#pending = 0;
  }
}

/** Tokens that each conversation has used since this process began; of an older one, what its kept messages make at least. */
export class ConversationTokens {
  readonly #used = new Map<string, number>();

  of(id: string, messages: readonly { readonly text: string }[]): number {
    return this.#used.get(id) ?? messages.reduce((sum, message) => sum + estimateTokens(message.text), 0);
  }

  set(id: string, tokens: number): void {
    this.#used.delete(id);
    this.#used.set(id, tokens);
    const [oldest] = this.#used.keys();
    if (this.#used.size > MAX_CONVERSATIONS && oldest !== undefined) this.#used.delete(oldest);
  }
}
