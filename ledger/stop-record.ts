import { closeSync, fsyncSync, openSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { LeafCache } from './adapters/sqlite/cache.ts';
import { StopStore } from './adapters/sqlite/stops.ts';
import { MAX_NOTE } from './checkpoint.ts';
import { LedgerError } from './client.ts';
import type { Evidence } from './evidence.ts';
import { MACHINE_VERSION } from './snapshot/statement.ts';

/** Beside the copy of the log, which may be removed and fetched again. */
export const STOPS_FILE = 'stops.sqlite';
/** Where earlier versions kept it: in the copy itself. */
const EARLIER = 'stopped';

export interface FollowerTrouble { readonly code: string; readonly message: string }

/** `machine`: by whose rules the ledger was convicted; absent when it contradicted itself, which no rule changes. */
const Forked = z.strictObject({ code: z.literal('ledger_forked'), message: z.string(), evidence: z.string().exactOptional(), machine: z.int().min(1).exactOptional() });
/** `promised` is the note that was not kept: showing all of it lifts the stop. */
const Withholding = z.strictObject({ code: z.literal('ledger_withholding'), message: z.string(), evidence: z.string().exactOptional(), promised: z.string().max(MAX_NOTE), size: z.int() });
const Stopped = z.discriminatedUnion('code', [Forked, Withholding]).nullable();

/** Why nothing is decided any more: for good when the ledger contradicted itself, until it shows all again when it withheld. */
export type Stopped = NonNullable<z.infer<typeof Stopped>>;

/**
 * What a follower remembers of having caught its ledger, over restarts and whatever becomes of the copy. Several processes
 * may follow with one copy: a fork that one of them saw is absorbing, nothing that another one thinks takes its place.
 */
export class StopRecord {
  readonly #store: StopStore;
  readonly #dir: string | undefined;
  readonly #machine: number;
  #stopped: Stopped | undefined;

  /** `cache` is only read, for what an earlier version kept in it. @throws LedgerError `stops_damaged`. */
  constructor(cache: LeafCache, dir: string | undefined, machine: number = MACHINE_VERSION) {
    this.#dir = dir;
    this.#machine = machine;
    const file = dir === undefined ? ':memory:' : path.join(dir, STOPS_FILE);
    try {
      this.#store = new StopStore(file);
    } catch (error) {
      throw damaged(file, error);
    }
    try {
      this.#begin(cache.text(EARLIER));
    } catch (error) {
      this.#store.close();
      throw damaged(file, error);
    }
  }

  get stopped(): Stopped | undefined { return this.#stopped; }

  /** Takes over what another process with this copy found out; true when that stops this one, or stops it for more. */
  refresh(): boolean {
    if (!this.#store.changed()) return false;
    const kept = parse(this.#store.stopped());
    if (!kept || gravity(kept) <= gravity(this.#stopped)) return false;
    this.#stopped = kept;
    return true;
  }

  /** Remembers that the ledger is convicted before the proof of it is made, which may take long. */
  caught(message: string, machine?: number): void {
    this.#remember({ code: 'ledger_forked', message, ...(machine === undefined ? {} : { machine }) });
  }

  /** The evidence is on disk before the stop is remembered; a disk that takes neither does not keep a liar in business. */
  stop(evidence: Evidence, size: number): void {
    const file = this.#dir === undefined ? undefined : path.join(this.#dir, `evidence-${size}-${evidence.kind}.json`);
    const kept = { message: evidence.message, ...(file !== undefined && writeWhole(file, `${JSON.stringify(evidence, null, 2)}\n`) ? { evidence: file } : {}) };
    if (evidence.kind === 'withholding') {
      this.#remember({ code: 'ledger_withholding', ...kept, promised: evidence.promised, size: noteSize(evidence.promised) });
      return;
    }
    const machine = evidence.kind === 'entry_invalid' ? evidence.machine : undefined;
    this.#remember({ code: 'ledger_forked', ...kept, ...(machine === undefined ? {} : { machine }) });
  }

  /** The ledger shows again what it withheld; the evidence stays. What another process caught it at stays as well. */
  lift(): void {
    const lifted = this.#stopped;
    if (lifted?.code !== 'ledger_withholding') return;
    this.#stopped = undefined;
    this.#decide((kept) => {
      if (kept && (kept.code !== 'ledger_withholding' || kept.size > lifted.size)) this.#stopped = kept;
      return this.#stopped ? undefined : null;
    });
  }

  /** Notes that the ledger signed, and that nobody held against the log yet. */
  promises(): string[] {
    return this.#store.promises();
  }

  promise(note: string): void {
    attempt(() => this.#store.promise(note));
  }

  /** It was held against the log. */
  settle(note: string): void {
    attempt(() => this.#store.forget(note));
  }

  close(): void {
    this.#store.close();
  }

  #begin(earlier: string | undefined): void {
    const text = this.#store.stopped();
    this.#stopped = parse(text ?? earlier);
    const judgedOtherwise = this.#stopped?.code === 'ledger_forked' && this.#stopped.machine !== undefined && this.#stopped.machine !== this.#machine;
    // By other rules than these it was convicted: it is tried again, by these.
    if (judgedOtherwise) this.#stopped = undefined;
    if (!judgedOtherwise && (text !== undefined || earlier === undefined)) return;
    const began = this.#stopped;
    this.#decide((kept) => {
      if (kept && (kept.code !== 'ledger_forked' || kept.machine === undefined || kept.machine === this.#machine)) this.#stopped = kept;
      return this.#stopped === began ? began ?? null : undefined;
    });
  }

  #remember(next: Stopped): void {
    this.#stopped = next;
    this.#decide((kept) => {
      if (!outweighs(kept, next)) return next;
      this.#stopped = kept;
      return undefined;
    });
  }

  #decide(decide: (kept: Stopped | undefined) => Stopped | null | undefined): void {
    attempt(() => {
      this.#store.decide((text) => {
        const next = decide(parse(text));
        return next === undefined ? undefined : JSON.stringify(next);
      });
      if (this.#dir !== undefined) syncFolder(this.#dir);
    });
  }
}

/** Nothing < withheld < refused by rules < contradicted itself. */
function gravity(stopped: Stopped | undefined): number {
  if (!stopped) return 0;
  if (stopped.code === 'ledger_withholding') return 1;
  return stopped.machine === undefined ? 3 : 2;
}

/** Whether what is kept stays when this comes: what weighs more, and of two that weigh the same what has its evidence or promises more. */
function outweighs(kept: Stopped | undefined, next: Stopped): boolean {
  const [before, after] = [gravity(kept), gravity(next)];
  if (before !== after) return before > after;
  if (kept?.code === 'ledger_withholding' && next.code === 'ledger_withholding') return kept.size > next.size;
  return kept?.evidence !== undefined;
}

/** @throws SyntaxError or ZodError when it is not one. */
function parse(text: string | undefined): Stopped | undefined {
  return text === undefined ? undefined : (Stopped.parse(JSON.parse(text)) ?? undefined);
}

function damaged(file: string, error: unknown): LedgerError {
  return new LedgerError('stops_damaged', `whether this ledger was caught cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error, hint: `look for evidence-*.json beside ${file}; if there is none, remove it`,
  });
}

/** After a restart the ledger is caught again. */
function attempt(write: () => void): void {
  try {
    write();
  } catch {
    // A full disk does not keep a liar in business: what is in memory counts.
  }
}

function noteSize(note: string): number {
  return Number(note.split('\n')[1]);
}

/** False when it could not be written. */
function writeWhole(file: string, text: string): boolean {
  try {
    const fd = openSync(file, 'w', 0o600);
    try {
      writeFileSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    syncFolder(path.dirname(file));
    return true;
  } catch {
    return false;
  }
}

/** A new file is there after a power loss only when its folder is. */
function syncFolder(dir: string): void {
  const fd = openSync(dir, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
