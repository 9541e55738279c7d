import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Digest } from '../../contract/digest.ts';
import type { Envelope, EntrySigner, VerifySignature } from '../../contract/envelope.ts';
import { openSqliteLog } from '../../ledger/adapters/sqlite/log.ts';
import { openBlobs } from '../../ledger/blobs.ts';
import { BLOBS_DIR, verifyLedger } from '../../ledger/verify.ts';
import type { Event } from './record.ts';

/** A sync of a memory disk costs nothing; what the images are made of was settled before. */
const FAST_DISK = '/dev/shm';

/** One image in so many is verified once more after the ledger went on with it. */
const VERIFY_AGAIN = 8;

/** What the ledger had promised to anybody when the power went. */
export class Promised {
  /** The log has at least so many entries. */
  size = 0;
  /** Acknowledged entries. */
  entries = 0;
  /** Signed notes: size and root, the root in 64 hex digits. */
  readonly notes: { readonly size: number; readonly root: string }[] = [];
  readonly blobs: Digest[] = [];

  /** Takes in what was said; true when that was a promise. */
  hear({ bytes }: Extract<Event, { type: 'say' }>): boolean {
    const text = bytes.toString('latin1');
    const before = this.entries + this.notes.length + this.blobs.length;
    if (text.includes('"results":[')) {
      for (const [, seq] of text.matchAll(/"ok":true,"seq":(\d+)/g)) {
        this.entries += 1;
        this.size = Math.max(this.size, Number(seq) + 1);
      }
    }
    // As a text of its own, and inside JSON, where a line end is written as two characters.
    for (const [, size, root] of text.matchAll(/3bot\/[0-9a-f]{64}(?:\n|\\n)(\d+)(?:\n|\\n)([A-Za-z0-9+/]{43}=)/g)) {
      this.notes.push({ size: Number(size), root: Buffer.from(root!, 'base64').toString('hex') });
      this.size = Math.max(this.size, Number(size));
    }
    for (const [, digest] of text.matchAll(/"ok":true,"digest":"(sha256:[0-9a-f]{64})"/g)) this.blobs.push(digest as Digest);
    return this.entries + this.notes.length + this.blobs.length > before;
  }
}

export interface ImageCheckOptions {
  readonly signer: EntrySigner;
  readonly verify: VerifySignature;
  /** Root of the first `size` entries that the ledger ever had, 64 hex digits. */
  readonly rootOf: (size: number) => string;
  /** The first entries, and one that is not in the log yet. */
  readonly begin: readonly Envelope[];
  readonly next: () => Envelope;
  readonly blobs: ReadonlyMap<string, Buffer>;
}

export type Checked = { readonly ok: true; readonly size: number; readonly blobs: ReadonlySet<string> } | { readonly ok: false; readonly why: string };

/** Opens images of a ledger's folder as a machine does when the power is back; the same image is opened once. */
export class ImageCheck {
  readonly #options: ImageCheckOptions;
  readonly #known = new Map<string, Checked>();
  readonly #dir = mkdtempSync(path.join(existsSync(FAST_DISK) ? FAST_DISK : os.tmpdir(), '3bot-image-'));

  constructor(options: ImageCheckOptions) {
    this.#options = options;
  }

  /** Different images that were opened. */
  get opened(): number {
    return this.#known.size;
  }

  /** What is wrong with an image, given what was promised before it; undefined when every promise is kept. */
  async faultOf(image: ReadonlyMap<string, Buffer | undefined>, promised: Promised): Promise<string | undefined> {
    const hash = createHash('sha256').update(promised.size === 0 ? 'fresh' : 'used');
    for (const [name, bytes] of [...image].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(`${name}\0${bytes?.length ?? 'folder'}\0`).update(bytes ?? '');
    const key = hash.digest('hex');
    const known = this.#known.get(key);
    const checked = known ?? await this.#open(image, promised.size > 0);
    this.#known.set(key, checked);
    if (!checked.ok) return checked.why;
    if (checked.size < promised.size) return `${promised.size} entries were promised, ${checked.size} are there`;
    const fork = promised.notes.find(({ size, root }) => root !== this.#options.rootOf(size));
    if (fork) return `a note over ${fork.size} entries is of another log`;
    const lost = promised.blobs.find((digest) => !checked.blobs.has(digest));
    return lost === undefined ? undefined : `blob ${lost} was acknowledged and is not there`;
  }

  close(): void {
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async #open(image: ReadonlyMap<string, Buffer | undefined>, used: boolean): Promise<Checked> {
    const dir = path.join(this.#dir, String(this.#known.size));
    mkdirSync(dir);
    for (const [name, bytes] of image) {
      // SQLite makes the index of its write-ahead log anew when no process is left that had it open.
      if (name.endsWith('-shm')) continue;
      const file = path.join(dir, name);
      mkdirSync(bytes ? path.dirname(file) : file, { recursive: true });
      if (bytes) writeFileSync(file, bytes);
    }
    try {
      return await this.#examine(dir, used);
    } catch (error) {
      return { ok: false, why: `it cannot be opened: ${error instanceof Error ? error.message : String(error)}` };
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }

  async #examine(dir: string, used: boolean): Promise<Checked> {
    const { signer, verify, rootOf, begin, next, blobs } = this.#options;
    // Before anything repairs it; a folder in which nothing was promised yet may hold no store.
    const left = used ? await verifyLedger(dir, { verify }) : undefined;
    if (left?.ok === false) return { ok: false, why: `verify: ${left.code} ${left.message}` };
    const log = await openSqliteLog({ dir, signer, verify });
    let size: number;
    try {
      size = log.size();
      const root = Buffer.from(log.root()).toString('hex');
      if (left !== undefined && (left.size !== size || left.root !== root)) return { ok: false, why: `verify saw ${left.size} entries, the ledger ${size}` };
      if (root !== rootOf(size)) return { ok: false, why: `${size} entries have another root than they had` };
      // The beginning has its places already, or none of it was promised.
      const result = (await log.submit([...begin, next()])).at(-1);
      if (result?.ok !== true || result.seq !== Math.max(size, begin.length)) return { ok: false, why: `it does not go on: ${JSON.stringify(result)}` };
    } finally {
      await log.close();
    }
    const store = await openBlobs(path.join(dir, BLOBS_DIR));
    const whole = new Set<string>();
    for (const [digest, bytes] of blobs) {
      const got = await store.get(digest as Digest);
      if (got && bytes.equals(got)) whole.add(digest);
    }
    // Of every image it would double the time; what an entry more does to a sound store does not depend on the image.
    const after = this.#known.size % VERIFY_AGAIN === 0 ? await verifyLedger(dir, { verify }) : undefined;
    if (after?.ok === false) return { ok: false, why: `verify, once it went on: ${after.code} ${after.message}` };
    return { ok: true, size, blobs: whole };
  }
}
