import { Envelope, type VerifySignature } from '../../contract/envelope.ts';
import { openEntry } from '../leaf.ts';
import type { Refusal, SubmitResult } from '../ports.ts';
import { type OpenedSubmission, openSubmission } from './open.ts';
import type { OpenerPool } from './pool.ts';
import { type Judged, Ready, Submission } from './submission.ts';

/** So few are opened by the log's own thread: handing them over would take longer than it saves. */
export const FEW = 4;
/** Envelopes in one chunk for an opener, and the length of their payloads. */
const MAX_CHUNK = 64;
const MAX_CHUNK_LENGTH = 1024 * 1024;

type Stage =
  | { readonly at: 'unopened' | 'opener'; readonly envelope: Envelope }
  | { readonly at: 'judged'; readonly judged: Judged }
  /** Its opener died; it was answered. */
  | { readonly at: 'failed' };

interface Waiting { stage: Stage; readonly submission: Submission; readonly index: number }

export interface OpeningQueueOptions {
  readonly verify: VerifySignature;
  readonly pool: OpenerPool | undefined;
  /** Called when more of the queue was opened. */
  readonly onOpened: () => void;
}

/**
 * Envelopes in the order in which they came. They are opened ahead of their turn, many by the pool's threads in any
 * order, few by this one; they leave in the order of arrival, whoever opened them first.
 */
export class OpeningQueue {
  readonly #verify: VerifySignature;
  readonly #pool: OpenerPool | undefined;
  readonly #onOpened: () => void;
  readonly #queue: Waiting[] = [];
  /** So many at the front of the queue were handed to the pool, or need no opening. */
  #sent = 0;

  constructor(options: OpeningQueueOptions) {
    this.#verify = options.verify;
    this.#pool = options.pool;
    this.#onOpened = options.onOpened;
  }

  get length(): number {
    return this.#queue.length;
  }

  /** One result an envelope, when each was taken and settled. */
  push(inputs: readonly unknown[]): Promise<SubmitResult[]> {
    const submission = new Submission(inputs.length);
    for (const [index, input] of inputs.entries()) {
      const parsed = Envelope.safeParse(input);
      const stage: Stage = parsed.success ? { at: 'unopened', envelope: parsed.data } : { at: 'judged', judged: this.#refuse(input) };
      this.#queue.push({ stage, submission, index });
    }
    return submission.answered;
  }

  /** The next ones whose turn it is, at most `max`; none while an opener has the first. */
  take(max: number): Ready[] {
    this.#send();
    return this.#take(max, this.#pool === undefined || this.#pool.inFlight === 0 ? ['unopened'] : []);
  }

  /** The next ones, at most `max`, also those that an opener has: for a log that closes. */
  takeNow(max: number): Ready[] {
    return this.#take(max, ['unopened', 'opener']);
  }

  fail(error: Error): void {
    for (const { submission } of this.#queue.splice(0)) submission.fail(error);
    this.#sent = 0;
  }

  /** Opens here what is at one of these stages; ends before the first that is at another and not judged. */
  #take(max: number, openHere: readonly Stage['at'][]): Ready[] {
    const ready: Ready[] = [];
    let count = 0;
    for (const waiting of this.#queue) {
      const { stage, submission, index } = waiting;
      if (ready.length >= max) break;
      if (stage.at === 'judged') ready.push(new Ready(stage.judged, submission, index));
      else if (stage.at !== 'failed') {
        if (!openHere.includes(stage.at)) break;
        const judged = judge(stage.envelope, openSubmission(stage.envelope, this.#verify));
        waiting.stage = { at: 'judged', judged };
        ready.push(new Ready(judged, submission, index));
      }
      count += 1;
    }
    this.#queue.splice(0, count);
    this.#sent = Math.max(0, this.#sent - count);
    return ready;
  }

  #send(): void {
    const pool = this.#pool;
    if (!pool) return;
    const unsent = this.#queue.length - this.#sent;
    if (unsent <= FEW && pool.inFlight === 0) return;
    const size = Math.min(MAX_CHUNK, Math.ceil(unsent / pool.workers));
    while (pool.room > 0 && this.#sent < this.#queue.length) this.#sendChunk(pool, size);
  }

  #sendChunk(pool: OpenerPool, size: number): void {
    const chunk: { readonly waiting: Waiting; readonly envelope: Envelope }[] = [];
    for (let length = 0; chunk.length < size && length < MAX_CHUNK_LENGTH; this.#sent += 1) {
      const waiting = this.#queue[this.#sent];
      if (!waiting) break;
      if (waiting.stage.at !== 'unopened') continue;
      const { envelope } = waiting.stage;
      waiting.stage = { at: 'opener', envelope };
      length += envelope.payload.length;
      chunk.push({ waiting, envelope });
    }
    if (chunk.length === 0) return;
    // One that is no longer at its opener was taken by takeNow.
    void pool.open(chunk.map(({ envelope }) => envelope)).then(
      (answers) => {
        for (const [i, { waiting, envelope }] of chunk.entries()) {
          const answer = answers[i];
          if (answer && waiting.stage.at === 'opener') waiting.stage = { at: 'judged', judged: judge(envelope, answer) };
        }
      },
      (error: Error) => {
        for (const { waiting } of chunk) {
          if (waiting.stage.at !== 'opener') continue;
          waiting.stage = { at: 'failed' };
          waiting.submission.fail(error);
        }
      },
    ).finally(this.#onOpened);
  }

  /** What has not even the form is answered by the one function that says what is wrong with envelopes. */
  #refuse(input: unknown): Refusal {
    const opened = openEntry(input, this.#verify);
    if (opened.ok) throw new Error('an envelope was opened that does not parse');
    return opened;
  }
}

function judge(envelope: Envelope, opened: OpenedSubmission): Judged {
  return opened.ok ? { ...opened, envelope } : opened;
}
