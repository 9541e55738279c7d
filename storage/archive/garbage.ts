import type { Blobs } from './blobs.ts';
import type { BlobRef } from './index/record.ts';
import type { Register } from './index/register.ts';
import type { View } from './index/view.ts';
import { BLOB_ID_BYTES } from './seal.ts';
import type { Slot } from './slots.ts';

/**
 * A blob that no record refers to any more is kept this long, so that readers under way finish, and a copy or a
 * completed upload that took the reference from an older view is seen before the blob goes. A request that adds a
 * reference to an existing blob must be acknowledged within REFERENCE_LIFE_MS of its view, which is less.
 */
export const GRACE_MS = 10 * 60_000;
export const REFERENCE_LIFE_MS = 5 * 60_000;
/** Shards of uploads that never became an object; no request lives that long (server.ts). */
export const ORPHAN_AGE_MS = 24 * 3_600_000;
const MAX_QUEUED = 100_000;
const SCAN_PAGE = 1_000;
const UPLOAD_ID_LENGTH = 32;

/** Deletes blobs some time after the last record that referred to them went away. */
export class Garbage {
  private readonly queue: { ref: BlobRef; due: number }[] = [];
  private readonly suspects = new Map<string, number>();
  private readonly register: Register;
  private readonly blobs: Blobs;
  private readonly graceMs: number;

  constructor(register: Register, blobs: Blobs, graceMs = GRACE_MS) {
    this.register = register;
    this.blobs = blobs;
    this.graceMs = graceMs;
  }

  /** Blobs of a replaced or deleted record. A lost queue entry costs space until the orphan sweep, never data. */
  release(refs: readonly BlobRef[]): void {
    for (const ref of refs) if (this.queue.length < MAX_QUEUED) this.queue.push({ ref, due: performance.now() + this.graceMs });
  }

  /** Deletes what is due and, in a view caught up afterwards, referred to by nothing. */
  async collect(): Promise<number> {
    const due: BlobRef[] = [];
    while (this.queue[0] && this.queue[0].due <= performance.now()) due.push((this.queue.shift() as { ref: BlobRef }).ref);
    if (due.length === 0) return 0;
    try {
      await this.register.catchUp();
    } catch (error) {
      this.release(due);
      throw error;
    }
    let deleted = 0;
    for (const ref of due) {
      if (this.register.view.isReferenced(Buffer.from(ref.id, 'hex'))) continue;
      await this.blobs.delete(ref);
      deleted += 1;
    }
    return deleted;
  }

  /** Removes parts whose upload is gone: a front end died between ending an upload and removing its parts. */
  async sweepParts(now: number): Promise<number> {
    const { register } = this;
    await register.catchUp();
    const uploads = new Set<string>();
    for (const name of names(register.view, 'u/')) uploads.add(name.slice(-UPLOAD_ID_LENGTH));
    let removed = 0;
    for (const name of names(register.view, 'p/')) {
      const part = register.view.get(name)?.state;
      if (uploads.has(name.slice(2, 2 + UPLOAD_ID_LENGTH)) || part?.kind !== 'part' || now - Date.parse(part.modified) < ORPHAN_AGE_MS) continue;
      await register.write(name, { kind: 'gone', at: new Date(now).toISOString() });
      this.release(part.blobs);
      removed += 1;
    }
    return removed;
  }

  /** Deletes shards on one slot that are older than a day and were referred to by nothing twice, at least the grace apart. */
  async sweepOrphans(slot: Slot, now: number, signal: AbortSignal): Promise<number> {
    let cursor = '0'; let deleted = 0;
    for (;;) {
      signal.throwIfAborted();
      const page = await slot.data.scan(cursor, SCAN_PAGE);
      if (page.entries.length === 0) return deleted;
      const old = page.entries.filter((e) => !e.deleted && e.key.length === BLOB_ID_BYTES + 4 && now - e.timestampMs > ORPHAN_AGE_MS);
      if (old.length > 0) await this.register.catchUp();
      for (const { key } of old) {
        const id = key.toString('hex', 0, BLOB_ID_BYTES);
        if (this.register.view.isReferenced(key.subarray(0, BLOB_ID_BYTES))) { this.suspects.delete(id); continue; }
        const since = this.suspects.get(id);
        if (since === undefined) {
          if (this.suspects.size < MAX_QUEUED) this.suspects.set(id, performance.now());
        } else if (performance.now() - since >= this.graceMs) {
          await slot.data.del(key);
          deleted += 1;
        }
      }
      cursor = page.cursor;
    }
  }
}

function* names(view: View, prefix: string): Generator<string> {
  const end = Buffer.concat([Buffer.from(prefix), Buffer.from([0xff])]);
  let from: Buffer = Buffer.from(prefix);
  for (;;) {
    const page = view.range(from, end, SCAN_PAGE);
    for (const { name } of page) yield name.toString('utf8');
    const last = page.at(-1);
    if (!last) return;
    from = Buffer.concat([last.name, Buffer.from([0])]);
  }
}
