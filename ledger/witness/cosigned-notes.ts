import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import type { VerifySignature } from '../../contract/envelope.ts';
import { MAX_COSIGNATURES, MAX_COSIGNED_NOTE, openCosigned, originOf, type ParsedNote, parseSignatureLine, withoutCosignatures } from '../checkpoint.ts';
import { equalHash } from '../merkle.ts';
import type { Log } from '../ports.ts';
import { openCosignature, SKEW_MS, type Witness, witnessId } from './cosignature.ts';

/** Notes that are kept: the newest. Witnesses are asked about the same note at once, so the newest few matter. */
const MAX_NOTES = 16;
const WRITE_EVERY_MS = 1000;
/**
 * A time may differ from this ledger's clock by so much. A client does not count what is SKEW_MS ahead of its own, and
 * drops frames that then have too few; its clock may in turn be behind this one, so that half of it is left for that.
 */
const MAX_AHEAD_MS = SKEW_MS / 2;
const MAX_BEHIND_MS = SKEW_MS;
const Kept = z.array(z.string().max(MAX_COSIGNED_NOTE)).max(MAX_NOTES);

/** What a client asks for: so many cosignatures by these witnesses (ids as in witnessId); by any when absent. */
export interface Wanted { readonly k: number; readonly by?: ReadonlySet<string> | undefined }
export interface CosignedNote { readonly size: number; readonly note: string }

/** Why a cosignature that just came is of no use to clients, or undefined: its time may not have been true when it was made. */
export function refuseTime(seconds: number, now: number): string | undefined {
  const aheadMs = seconds * 1000 - now;
  if (aheadMs > MAX_AHEAD_MS) return `its clock is ${Math.round(aheadMs / 1000)} s ahead of this one`;
  if (-aheadMs > MAX_BEHIND_MS) return `its clock is ${Math.round(-aheadMs / 1000)} s behind this one`;
  return undefined;
}

interface Entry { readonly size: number; readonly plain: string; readonly lines: Map<string, string> }

/** Cosignatures that came for the log's notes. Kept in a file, whose loss costs only asking again. */
export class CosignedNotes {
  readonly #file: string | undefined;
  readonly #listeners = new Set<() => void>();
  #entries: Entry[] = [];
  /** Notes that somebody is being asked about, and how many are. */
  readonly #held = new Map<number, number>();
  #writing: NodeJS.Timeout | undefined;

  constructor(file?: string) {
    this.#file = file;
  }

  /** Takes up what the file holds of this log and these witnesses; what does not fit is dropped. */
  load({ log, witnesses, verify, now = Date.now }: { log: Log; witnesses: readonly Witness[]; verify: VerifySignature; now?: () => number }): void {
    const grid = log.grid();
    if (this.#file === undefined || !grid) return;
    const kept = Kept.safeParse(readJson(this.#file));
    for (const note of kept.success ? kept.data : []) {
      const opened = openCosigned(note, { origin: originOf(grid), key: log.key, verify });
      if (!opened.ok || opened.checkpoint.size > log.size() || !equalHash(log.root(opened.checkpoint.size), opened.checkpoint.root)) continue;
      const plain = withoutCosignatures(opened.parsed, { origin: originOf(grid), key: log.key });
      for (const [i, line] of linesOf(note, opened.parsed).entries()) {
        const signature = opened.parsed.signatures[i];
        // What is from the future was not to be kept, or this clock was set back since: either way clients would not count it.
        const witness = signature && witnesses.find((each) => (openCosignature(opened.parsed.text, signature, { witness: each, verify }) ?? Infinity) * 1000 <= now() + MAX_AHEAD_MS);
        if (witness) this.#put({ size: opened.checkpoint.size, plain }, witness, line);
      }
    }
  }

  /** Adds a verified cosignature line (with its newline) to a note of the log. */
  add(note: { size: number; plain: string }, witness: Witness, line: string): void {
    this.#put(note, witness, line);
    for (const listener of [...this.#listeners]) listener();
    if (this.#file !== undefined) this.#writing ??= setTimeout(() => this.#write(), WRITE_EVERY_MS).unref();
  }

  /**
   * Keeps what is cosigned of a note of that size until the function it returns is called: a witness that takes its time
   * would else answer about a note whose other cosignatures are gone. Who asks holds one note for each witness.
   */
  hold(size: number): () => void {
    this.#held.set(size, (this.#held.get(size) ?? 0) + 1);
    let holding = true;
    return () => {
      if (!holding) return;
      holding = false;
      const left = (this.#held.get(size) ?? 1) - 1;
      if (left > 0) this.#held.set(size, left);
      else this.#held.delete(size);
      this.#evict();
    };
  }

  /** The longest log that is cosigned as wanted. */
  best({ k, by }: Wanted): CosignedNote | undefined {
    const entry = this.#entries.find(({ lines }) => [...lines.keys()].filter((id) => by?.has(id) ?? true).length >= k);
    return entry && { size: entry.size, note: textOf(entry) };
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    if (this.#writing) this.#write();
    this.#listeners.clear();
  }

  #put({ size, plain }: { size: number; plain: string }, witness: Witness, line: string): void {
    let entry = this.#entries.find((each) => each.size === size);
    if (!entry) {
      entry = { size, plain, lines: new Map() };
      this.#entries = [...this.#entries, entry].sort((a, b) => b.size - a.size);
    }
    if (entry.lines.size < MAX_COSIGNATURES) entry.lines.set(witnessId(witness), line);
    this.#evict();
  }

  #evict(): void {
    this.#entries = this.#entries.filter(({ size }, i) => i < MAX_NOTES || this.#held.has(size));
  }

  #write(): void {
    clearTimeout(this.#writing);
    this.#writing = undefined;
    if (this.#file === undefined) return;
    const temporary = `${this.#file}.tmp`;
    try {
      writeFileSync(temporary, JSON.stringify(this.#entries.slice(0, MAX_NOTES).map(textOf)), { mode: 0o644 });
      renameSync(temporary, this.#file);
    } catch {
      // Whoever needs them asks the witnesses again.
    }
  }
}

function textOf({ plain, lines }: Entry): string {
  return plain + [...lines.values()].join('');
}

/** The signature lines of a note as they stand, with their newlines. */
function linesOf(note: string, { text }: ParsedNote): string[] {
  return note.slice(text.length + 1, -1).split('\n').filter((line) => parseSignatureLine(line)).map((line) => `${line}\n`);
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
