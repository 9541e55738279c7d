/** An expected end: what failed, got against expected, what to do next. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: string;
  readonly hint: string | undefined;
  constructor(refusal: { readonly code: string; readonly message: string; readonly hint?: string | undefined }) {
    super(refusal.message);
    this.code = refusal.code;
    this.hint = refusal.hint;
  }
}
