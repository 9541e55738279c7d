import { randomUUID } from 'node:crypto';
import { closeSync, createReadStream, fstatSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import type { Digest } from '../../contract/digest.ts';
import { MAX_STATE_BYTES, SnapshotOffer, SnapshotStatement } from './statement.ts';

/** The snapshots' folder inside the ledger's folder: `<size>.json` (the signed offer) and `<size>.state` (canonical JSON). */
export const SNAPSHOTS_DIR = 'snapshots';
/** The newest ones that stay; a reader of the older one has time to finish. */
export const KEPT_SNAPSHOTS = 2;
const MAX_OFFER_BYTES = 1024 * 1024;
/** A file that somebody is writing; older than this it is left over from one who did not finish. */
const LEFT_OVER_MS = 60 * 60 * 1000;
const FILE = /^([1-9][0-9]{0,15})\.(json|state)$/;
const TEMPORARY = /\.tmp$/;

export interface StoredSnapshot { readonly size: number; readonly offer: SnapshotOffer }
export interface OpenState { readonly bytes: number; readonly content: Readable }

/** Snapshots of one ledger on disk. Each file is whole and durable or not there; an offer is written after its state. */
export class SnapshotFiles {
  readonly dir: string;

  constructor(ledgerDir: string) {
    this.dir = path.join(ledgerDir, SNAPSHOTS_DIR);
  }

  /** Sizes of the offers that are there, the newest first; says nothing of whether they are any good. */
  sizes(): number[] {
    return this.#names().flatMap((name) => (name.endsWith('.json') ? FILE.exec(name)?.[1] ?? [] : [])).map(Number).sort((a, b) => b - a);
  }

  /** Undefined when there is none of this size. @throws SyntaxError or ZodError when it is damaged. */
  offer(size: number): SnapshotOffer | undefined {
    const bytes = readIfThere(this.#file(size, 'json'), MAX_OFFER_BYTES);
    return bytes && SnapshotOffer.parse(JSON.parse(bytes.toString('utf8')));
  }

  /** The newest offer that can be read. */
  newest(): StoredSnapshot | undefined {
    for (const size of this.sizes()) {
      // A damaged one is `3bot ledger verify`'s to name; an older one serves meanwhile.
      const offer = this.#tryOffer(size);
      if (offer) return { size, offer };
    }
    return undefined;
  }

  /** The state's bytes as they are on disk; undefined when there are none. */
  state(size: number): Uint8Array | undefined {
    return readIfThere(this.#file(size, 'state'), MAX_STATE_BYTES);
  }

  /** The state that a readable offer names by this digest, to be sent; undefined when there is none. */
  openState(digest: Digest): OpenState | undefined {
    const size = this.sizes().find((each) => digestNamedIn(this.#tryOffer(each)) === digest);
    if (size === undefined) return undefined;
    try {
      // Opened before it is measured and sent: what is removed meanwhile can still be read to its end.
      const fd = openSync(this.#file(size, 'state'), 'r');
      return { bytes: fstatSync(fd).size, content: createReadStream('', { fd }) };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** Whole and durable when it returns; counts as there only once its offer is. */
  writeState(size: number, bytes: Uint8Array): void {
    writeDurably(this.#file(size, 'state'), bytes);
  }

  writeOffer(size: number, offer: SnapshotOffer): void {
    writeDurably(this.#file(size, 'json'), Buffer.from(JSON.stringify(offer)));
  }

  /** Removes what is older than the newest ones, and what was left over. A state without an offer is newer, or being written. */
  prune(now: number = Date.now()): void {
    const oldest = this.sizes()[KEPT_SNAPSHOTS - 1] ?? 0;
    for (const name of this.#names()) {
      const size = FILE.exec(name)?.[1];
      const file = path.join(this.dir, name);
      const leftOver = TEMPORARY.test(name) && now - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? now) > LEFT_OVER_MS;
      if (leftOver || (size !== undefined && Number(size) < oldest)) rmSync(file, { force: true });
    }
  }

  #file(size: number, kind: 'json' | 'state'): string {
    return path.join(this.dir, `${size}.${kind}`);
  }

  #tryOffer(size: number): SnapshotOffer | undefined {
    try {
      return this.offer(size);
    } catch {
      return undefined;
    }
  }

  #names(): string[] {
    try {
      return readdirSync(this.dir);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }
}

/** The state's digest as the statement has it, nothing checked. */
function digestNamedIn(offer: SnapshotOffer | undefined): Digest | undefined {
  if (!offer) return undefined;
  try {
    return SnapshotStatement.parse(JSON.parse(Buffer.from(offer.statement.payload, 'base64').toString('utf8'))).state;
  } catch {
    return undefined;
  }
}

/** Replaces a file whole: after a crash the old or the new one is there, and when this returns it is the new one. */
function writeDurably(file: string, bytes: Uint8Array): void {
  const folder = path.dirname(file);
  mkdirSync(folder, { recursive: true });
  const temporary = `${file}.${randomUUID()}.tmp`;
  const fd = openSync(temporary, 'wx', 0o644);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at, Math.min(bytes.length - at, 16 * 1024 * 1024));
    fsyncSync(fd);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, file);
  syncFolder(folder);
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function readIfThere(file: string, limit: number): Buffer | undefined {
  try {
    const { size } = statSync(file);
    if (size > limit) throw new RangeError(`${path.basename(file)} has ${size} bytes, at most ${limit} are read`);
    return readFileSync(file);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
