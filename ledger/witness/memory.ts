import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { lockFolder } from '../adapters/sqlite/lock.ts';
import { MAX_NOTE, parseNote } from '../checkpoint.ts';
import type { Evidence } from '../evidence.ts';

/** Files of evidence kept for one log: each takes a signature of the ledger's key. */
const MAX_EVIDENCE = 16;
const Seen = z.strictObject({ origin: z.string(), note: z.string().max(MAX_NOTE) });

/** What a witness must never forget: the last note that it cosigned, for each log. A folder belongs to one process. */
export class WitnessMemory {
  readonly #dir: string;
  readonly #lock: { close(): void };

  /** @throws Error `ledger_in_use` when another process has the folder. */
  constructor(dir: string) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    this.#dir = dir;
    this.#lock = lockFolder(path.join(dir, 'lock'));
  }

  /** The last note that was cosigned; undefined when there was none. @throws Error when the file is damaged: a witness that forgot must not go on. */
  last(origin: string): string | undefined {
    const file = this.#file(origin);
    if (!existsSync(file)) return undefined;
    const seen = Seen.safeParse(parseJson(readFileSync(file, 'utf8')));
    if (!seen.success || seen.data.origin !== origin || parseNote(seen.data.note)?.origin !== origin) throw new Error(`${file} is damaged: restore it, or what was cosigned before could be contradicted`);
    return seen.data.note;
  }

  /** Durable when it returns. @throws RangeError for what `last` would not read again. */
  remember(origin: string, note: string): void {
    if (note.length > MAX_NOTE) throw new RangeError(`a note of ${note.length} characters is not remembered, ${MAX_NOTE} are`);
    this.#write(this.#file(origin), JSON.stringify({ origin, note }));
  }

  /** Keeps the proof that a log was forked; returns where. */
  keep(evidence: Evidence): string {
    const prefix = `evidence-${idOf(evidence.origin)}-`;
    const count = readdirSync(this.#dir).filter((name) => name.startsWith(prefix)).length;
    const file = path.join(this.#dir, `${prefix}${Math.min(count, MAX_EVIDENCE - 1)}.json`);
    if (count < MAX_EVIDENCE) this.#write(file, `${JSON.stringify(evidence, null, 2)}\n`);
    return file;
  }

  /** The first proof that is kept of a log. */
  evidence(origin: string): string | undefined {
    const file = path.join(this.#dir, `evidence-${idOf(origin)}-0.json`);
    return existsSync(file) ? file : undefined;
  }

  close(): void {
    this.#lock.close();
  }

  #file(origin: string): string {
    return path.join(this.#dir, `seen-${idOf(origin)}.json`);
  }

  /** Whole and on disk, name included: synchronous, so that nothing is answered in between. */
  #write(file: string, text: string): void {
    const temporary = `${file}.tmp`;
    const fd = openSync(temporary, 'w', 0o600);
    try {
      writeFileSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, file);
    const folder = openSync(this.#dir, 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  }
}

function idOf(origin: string): string {
  return createHash('sha256').update(origin).digest('hex').slice(0, 16);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
