import { z } from 'zod';
import type { VerifySignature } from '../../contract/envelope.ts';
import { MAX_COSIGNATURES, MAX_SIGNATURE_LINE, originOf, parseNote, parseSignatureLine, withoutCosignatures } from '../checkpoint.ts';
import { HttpClient } from '../http-client.ts';
import type { Log } from '../ports.ts';
import { CosignedNotes, refuseTime } from './cosigned-notes.ts';
import { openCosignature, Witness } from './cosignature.ts';
import { formatRequest } from './request.ts';

/** Rounds begin no closer than this: what is accepted meanwhile goes with the next. */
const ROUND_EVERY_MS = 100;
/** A round waits for its witnesses this long; who answers later still counts for the note that it was asked about. */
const ROUND_MS = 1000;
const TIMEOUT_MS = 5000;
const MIN_BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 30_000;
const MAX_REPLY = MAX_COSIGNATURES * MAX_SIGNATURE_LINE;

/** A witness that the ledger asks; the URL is its submission prefix. */
export const WitnessAddress = z.strictObject({ url: z.url({ protocol: /^https?$/ }), ...Witness.shape });
export type WitnessAddress = z.infer<typeof WitnessAddress>;

export interface WitnessStatus {
  readonly name: string;
  /** The size that it cosigned last; 0 when none is known. */
  readonly size: number;
  readonly trouble?: string;
}

interface Asked {
  readonly witness: WitnessAddress;
  readonly http: HttpClient;
  readonly path: string;
  known: number;
  busy: boolean;
  failures: number;
  notBefore: number;
  trouble: string | undefined;
}

/** Has the log's latest note cosigned, in rounds: every witness is asked about the same note. Nothing that the log does waits for it. */
export class WitnessSubmitter {
  readonly #log: Log;
  readonly #notes: CosignedNotes;
  readonly #verify: VerifySignature;
  readonly #asked: readonly Asked[];
  readonly #now: () => number;
  readonly #stop: () => void;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;
  #startedAt = -Infinity;
  #closed = false;

  constructor({ log, notes, witnesses, verify, now = Date.now }: { log: Log; notes: CosignedNotes; witnesses: readonly WitnessAddress[]; verify: VerifySignature; now?: () => number }) {
    this.#log = log;
    this.#now = now;
    this.#notes = notes;
    this.#verify = verify;
    this.#asked = witnesses.slice(0, MAX_COSIGNATURES).map((witness) => ({
      witness, http: new HttpClient(witness.url), path: `${new URL(witness.url).pathname.replace(/\/$/, '')}/add-checkpoint`,
      known: 0, busy: false, failures: 0, notBefore: 0, trouble: undefined,
    }));
    this.#stop = log.onCommit(() => this.#soon(0));
    this.#soon(0);
  }

  status(): WitnessStatus[] {
    return this.#asked.map(({ witness: { name }, known, trouble }) => ({ name, size: known, ...(trouble === undefined ? {} : { trouble }) }));
  }

  close(): void {
    this.#closed = true;
    this.#stop();
    clearTimeout(this.#timer);
    for (const { http } of this.#asked) http.close();
  }

  #soon(waitMs: number): void {
    if (this.#closed || this.#round || this.#asked.length === 0) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#startedAt = performance.now();
      this.#round = this.#ask().finally(() => {
        this.#round = undefined;
        this.#again();
      });
    }, Math.max(waitMs, this.#startedAt + ROUND_EVERY_MS - performance.now(), 0)).unref();
  }

  /** Another round when the log has grown, or when a witness that failed may be asked again. */
  #again(): void {
    const behind = this.#asked.filter(({ known, busy }) => !busy && known < this.#log.size());
    if (behind.length > 0) this.#soon(Math.max(0, Math.min(...behind.map(({ notBefore }) => notBefore)) - performance.now()));
  }

  async #ask(): Promise<void> {
    const size = this.#log.size();
    const grid = this.#log.grid();
    const note = this.#log.checkpoint(size);
    const parsed = note === undefined ? undefined : parseNote(note);
    if (!grid || !parsed) return;
    const plain = withoutCosignatures(parsed, { origin: originOf(grid), key: this.#log.key });
    const ready = this.#asked.filter(({ busy, known, notBefore }) => !busy && known < size && performance.now() >= notBefore);
    const all = Promise.all(ready.map((asked) => this.#submit(asked, { size, plain, text: parsed.text })));
    let patience: NodeJS.Timeout | undefined;
    await Promise.race([all, new Promise((resolve) => { patience = setTimeout(resolve, ROUND_MS).unref(); })]);
    clearTimeout(patience);
  }

  async #submit(asked: Asked, note: { size: number; plain: string; text: string }): Promise<void> {
    asked.busy = true;
    const release = this.#notes.hold(note.size);
    try {
      await this.#exchange(asked, note, true);
      asked.failures = 0;
      asked.trouble = undefined;
    } catch (error) {
      asked.trouble = (error instanceof Error ? error.message : String(error)).slice(0, 300);
      asked.notBefore = performance.now() + Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** Math.min(asked.failures++, 10)) * (0.75 + Math.random() / 4);
    } finally {
      asked.busy = false;
      release();
      if (!this.#closed) this.#again();
    }
  }

  /** @throws Error that says why there is no cosignature. */
  async #exchange(asked: Asked, note: { size: number; plain: string; text: string }, mayRetry: boolean): Promise<void> {
    const { witness, http, path, known } = asked;
    const proof = known > 0 && known < note.size ? this.#log.consistencyProof(known, note.size) : [];
    const reply = await http.call({ method: 'POST', path, body: formatRequest({ old: known, proof, note: note.plain }), type: 'text/plain; charset=utf-8', maxBytes: MAX_REPLY, timeoutMs: TIMEOUT_MS });
    const text = reply.body.toString('utf8');
    if (reply.status === 409) {
      const size = /^(0|[1-9][0-9]{0,15})\n$/.exec(text)?.[1];
      if (size === undefined) throw new Error('the witness answers 409 without a size');
      if (Number(size) > note.size) throw new Error(`the witness has cosigned ${size} entries, this log has ${note.size}: entries were lost, or the log was forked`);
      if (Number(size) === known) throw new Error(`the witness has cosigned another log of ${size} entries: this one was forked`);
      asked.known = Number(size);
      if (!mayRetry) throw new Error('the witness changes its mind about what it has cosigned');
      return this.#exchange(asked, note, false);
    }
    if (reply.status !== 200) throw new Error(`the witness answers ${reply.status}: ${text.trim()}`);
    for (const line of text.split('\n')) {
      const signature = parseSignatureLine(line);
      const seconds = signature && openCosignature(note.text, signature, { witness, verify: this.#verify });
      if (seconds === undefined) continue;
      // Clients would count one less than this server does, and drop what it sends them.
      const untimely = refuseTime(seconds, this.#now());
      if (untimely !== undefined) throw new Error(`the witness cosigns at a time that clients do not believe: ${untimely}`);
      asked.known = note.size;
      this.#notes.add(note, witness, `${line}\n`);
      return;
    }
    throw new Error('the witness answers without a cosignature by its key');
  }
}

/** Has a log cosigned by these witnesses, and keeps what came of it in a file. */
export function askWitnesses(options: { log: Log; file: string; witnesses: readonly WitnessAddress[]; verify: VerifySignature }): { readonly notes: CosignedNotes; status(): WitnessStatus[]; close(): void } {
  const notes = new CosignedNotes(options.file);
  notes.load(options);
  const submitter = new WitnessSubmitter({ ...options, notes });
  return {
    notes,
    status: () => submitter.status(),
    close: () => {
      submitter.close();
      notes.close();
    },
  };
}
