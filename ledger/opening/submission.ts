import type { Envelope } from '../../contract/envelope.ts';
import type { Refusal, SubmitResult } from '../ports.ts';
import type { OpenedSubmission } from './open.ts';

/** An envelope and what became of opening it. */
export type Judged = Refusal | (Extract<OpenedSubmission, { ok: true }> & { readonly envelope: Envelope });

/** Envelopes that came together and are answered together. */
export class Submission {
  readonly answered: Promise<SubmitResult[]>;
  readonly #results: SubmitResult[];
  #left: number;
  #resolve!: (results: SubmitResult[]) => void;
  #reject!: (error: Error) => void;

  constructor(count: number) {
    this.#results = Array<SubmitResult>(count);
    this.#left = count;
    this.answered = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (count === 0) this.#resolve([]);
  }

  settle(index: number, result: SubmitResult): void {
    this.#results[index] = result;
    this.#left -= 1;
    if (this.#left === 0) this.#resolve(this.#results);
  }

  /** The whole submission has no answer, though some of it may be in the log: sending it again is harmless, and says. */
  fail(error: Error): void {
    this.#reject(error);
  }
}

/** An envelope whose turn has come. */
export class Ready {
  readonly judged: Judged;
  readonly #submission: Submission;
  readonly #index: number;

  constructor(judged: Judged, submission: Submission, index: number) {
    this.judged = judged;
    this.#submission = submission;
    this.#index = index;
  }

  settle(result: SubmitResult): void {
    this.#submission.settle(this.#index, result);
  }

  fail(error: Error): void {
    this.#submission.fail(error);
  }
}
