/** Why the page does not go on: a code, what was found against what was expected, and what to do next. */
export interface Refusal {
  readonly ok: false;
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** Thrown through the steps of a check; whoever shows it takes its `refusal`. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly refusal: Refusal;
  constructor(code: string, message: string, hint: string) {
    super(message);
    this.refusal = { ok: false, code, message, hint };
  }
}

/** Any failure as a refusal; what nobody expected keeps its words, since nothing secret is ever in them. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refused) return error.refusal;
  return { ok: false, code: 'internal', message: error instanceof Error ? error.message : String(error), hint: 'load the page again; if it stays, use `3bot contract explain` instead' };
}
