import type { Json } from '../../../contract/canonical.ts';
import { isCorrected } from './corrections.ts';
import type { Problem } from './found.ts';
import type { Range, Request, Span } from './tokens.ts';

/** Collects what a request says about each parameter; two different values for one are refused unless the second takes the first back. */
export class Assignments {
  readonly values = new Map<string, Json>();
  readonly spans: Record<string, Span> = {};
  readonly #ranges = new Map<string, Range>();
  readonly #request: Request;
  failure: Problem | undefined;

  constructor(request: Request) {
    this.#request = request;
  }

  set(parameter: string, value: Json, range: Range): void {
    const known = this.values.get(parameter);
    const before = this.#ranges.get(parameter);
    if (known !== undefined && before && JSON.stringify(known) !== JSON.stringify(value)) {
      const [first, second] = before.from <= range.from ? [before, range] : [range, before];
      if (!isCorrected(this.#request, first.to, second.from)) {
        this.fail('ambiguous', `${parameter} is said twice: ${this.said(before)} and ${this.said(range)}`, 'say it once');
        return;
      }
      if (second === before) return;
    }
    this.values.set(parameter, value);
    this.spans[parameter] = this.#request.span(range);
    this.#ranges.set(parameter, range);
  }

  fail(code: Problem['code'], message: string, hint: string): void {
    this.failure ??= { code, message, hint };
  }

  /** Text of a reading, for messages. */
  said(range: Range): string {
    return this.#request.span(range).text.slice(0, 80);
  }
}
