import { Worker } from 'node:worker_threads';
import type { Envelope } from '../../contract/envelope.ts';
import { type Chunk, type ChunkAnswer, chunkAnswers, encodeChunk } from './chunk.ts';
import type { OpenedSubmission } from './open.ts';

/** Chunks that one thread may have: one in work and others waiting, so that it never waits for a busy log. */
const CHUNKS_A_WORKER = 3;
const MAX_WORKERS = 16;
/** A chunk takes milliseconds; a thread that is silent for so long is stuck, and is ended. */
const STUCK_MS = 60_000;
/** An opener needs about 10 MB; one that needs this is broken, and dies alone. */
const MAX_HEAP_MB = 256;

export interface OpenerOptions {
  /** The bundled program of worker.ts. */
  readonly entry: URL;
  /** Threads, 1 to 16. */
  readonly workers: number;
}

interface Pending { readonly chunk: Chunk; readonly count: number; stuck: NodeJS.Timeout | undefined; readonly resolve: (answers: OpenedSubmission[]) => void; readonly reject: (error: Error) => void }
interface Thread { readonly worker: Worker; readonly pending: Map<number, Pending> }

/** An opener died while it had work: nothing is known of those envelopes, and none of them was accepted. */
export class OpenerCrashedError extends Error {
  override readonly name = 'OpenerCrashedError';
  readonly code = 'opener_crashed';
}

/**
 * Threads that open envelopes. They start with the first chunk. One that dies fails the chunk that it was at, which may
 * be what killed it; those behind go to the thread that takes its place.
 */
export class OpenerPool {
  readonly workers: number;
  readonly #entry: URL;
  readonly #threads: (Thread | undefined)[];
  #next = 0;
  #closed = false;

  constructor({ entry, workers }: OpenerOptions) {
    if (!Number.isSafeInteger(workers) || workers < 1 || workers > MAX_WORKERS) throw new RangeError(`expected 1 to ${MAX_WORKERS} opener threads, got ${workers}`);
    this.workers = workers;
    this.#entry = entry;
    this.#threads = Array.from({ length: workers }, () => undefined);
  }

  /** Chunks that may be handed over now. */
  get room(): number {
    return this.#closed ? 0 : this.workers * CHUNKS_A_WORKER - this.inFlight;
  }

  get inFlight(): number {
    return this.#threads.reduce((sum, thread) => sum + (thread?.pending.size ?? 0), 0);
  }

  /** One answer an envelope, in order. @throws OpenerCrashedError; RangeError without room. */
  open(envelopes: readonly Envelope[]): Promise<OpenedSubmission[]> {
    if (this.room < 1) throw new RangeError('the openers have no room');
    const thread = this.#leastBusy();
    const chunk = encodeChunk(this.#next++, envelopes);
    return new Promise((resolve, reject) => this.#send(thread, { chunk, count: envelopes.length, stuck: undefined, resolve, reject }));
  }

  /** Ends the threads; what they had in work fails. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#threads.flatMap((thread) => (thread ? [thread.worker.terminate()] : [])));
  }

  #leastBusy(): Thread {
    let best = 0;
    for (const [i, thread] of this.#threads.entries()) {
      if ((thread?.pending.size ?? 0) < (this.#threads[best]?.pending.size ?? 0)) best = i;
    }
    return (this.#threads[best] ??= this.#start(best));
  }

  #start(place: number): Thread {
    const worker = new Worker(this.#entry, { resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB } });
    const thread: Thread = { worker, pending: new Map() };
    let cause: Error | undefined;
    worker.on('message', (answer: ChunkAnswer) => this.#settle(thread, answer));
    worker.on('error', (error) => { cause = error; });
    worker.on('exit', (code) => {
      if (this.#threads[place] === thread) this.#threads[place] = undefined;
      const error = new OpenerCrashedError(this.#closed ? 'the openers were closed' : `a thread that opens envelopes ended (${cause?.message ?? `code ${code}`})`, { cause });
      if (!this.#closed) process.emitWarning(error.message, { code: 'LEDGER_OPENER_CRASHED' });
      const [first, ...behind] = thread.pending.values();
      first?.reject(error);
      for (const { stuck } of thread.pending.values()) clearTimeout(stuck);
      if (this.#closed) for (const { reject } of behind) reject(error);
      else for (const pending of behind) this.#send(this.#threads[place] ??= this.#start(place), pending);
    });
    return thread;
  }

  #send({ worker, pending }: Thread, work: Pending): void {
    work.stuck = setTimeout(() => void worker.terminate(), STUCK_MS).unref();
    pending.set(work.chunk.id, work);
    worker.ref();
    worker.postMessage(work.chunk);
  }

  #settle({ worker, pending }: Thread, answer: ChunkAnswer): void {
    const waiting = pending.get(answer.id);
    pending.delete(answer.id);
    // An idle thread keeps no process alive.
    if (pending.size === 0) worker.unref();
    if (!waiting) return;
    clearTimeout(waiting.stuck);
    const answers = chunkAnswers(answer);
    if (answers.length === waiting.count) waiting.resolve(answers);
    else waiting.reject(new OpenerCrashedError(`${waiting.count} envelopes were handed to a thread, ${answers.length} came back`));
  }
}
