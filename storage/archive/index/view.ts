import Database from 'better-sqlite3';
import { RECORD_HASH_BYTES } from '../seal.ts';
import type { Sealer } from '../seal.ts';
import { RECORD_KEY_BYTES, VERSION_BYTES, blobsOf, decodeRecord } from './record.ts';
import type { RecordState } from './record.ts';

export interface Entry {
  readonly name: string;
  readonly state: RecordState;
  readonly version: Buffer;
  readonly zdbKey: Buffer;
  readonly sealed: Buffer;
  readonly holders: number;
  readonly stable: boolean;
}

interface Row { name: Buffer; hash: Buffer; version: Buffer; state: string; sealed: Buffer; holders: number; stable: number }
interface Head { name: Buffer; version: Buffer; holders: number; stable: number }

/** How many more versions of a name may wait for deletion in memory; beyond it they stay on disk until a restart tails them again. */
const MAX_SUPERSEDED = 200_000;

export function bitOf(slot: number): number { return 2 ** slot; }
export function popcount(bits: number): number {
  let count = 0;
  for (let left = bits; left !== 0; left &= left - 1) count += 1;
  return count;
}

/**
 * The newest known version of every record, folded from the slots' tails and from this front end's own acknowledged
 * writes. `holders` is the set of current slot incarnations that told us they have that version; `stable` means a
 * write quorum of incarnations was alive after all of them had it (see register.ts).
 */
export class View {
  private readonly db = new Database(':memory:');
  private readonly sealer: Sealer;
  private readonly statements;
  /** Records that are not stable yet: hash (hex) -> round in which the last holder became known. */
  readonly unstable = new Map<string, number>();
  /** Outdated versions still on slots: zdb key (latin1) -> slots and when first seen. */
  readonly superseded = new Map<string, { slots: number; since: number }>();
  objects = 0;
  bytes = 0;

  constructor(sealer: Sealer) {
    this.sealer = sealer;
    this.db.exec(`
      CREATE TABLE records (hash BLOB PRIMARY KEY, name BLOB NOT NULL UNIQUE, version BLOB NOT NULL, state TEXT NOT NULL,
        sealed BLOB NOT NULL, live INTEGER NOT NULL, holders INTEGER NOT NULL, stable INTEGER NOT NULL) WITHOUT ROWID;
      CREATE INDEX live ON records (name) WHERE live = 1;
      CREATE TABLE refs (blob BLOB NOT NULL, name BLOB NOT NULL, size INTEGER NOT NULL, PRIMARY KEY (blob, name)) WITHOUT ROWID;
      CREATE INDEX refs_by_name ON refs (name);`);
    const p = (sql: string): Database.Statement => this.db.prepare(sql);
    this.statements = {
      head: p('SELECT name, version, holders, stable FROM records WHERE hash = ?'),
      entry: p('SELECT * FROM records WHERE hash = ?'),
      put: p('INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?, ?, 0)'),
      holders: p('UPDATE records SET holders = ?, stable = stable OR ? WHERE hash = ?'),
      forget: p('UPDATE records SET holders = holders & ~? WHERE holders & ? != 0'),
      range: p('SELECT name, state, hash, stable FROM records WHERE live = 1 AND name >= ? AND name < ? ORDER BY name LIMIT ?'),
      lacking: p('SELECT hash, version, sealed FROM records WHERE hash > ? AND holders & ? = 0 ORDER BY hash LIMIT ?'),
      unref: p('DELETE FROM refs WHERE name = ?'),
      ref: p('INSERT OR REPLACE INTO refs VALUES (?, ?, ?)'),
      referenced: p('SELECT 1 FROM refs WHERE blob = ? LIMIT 1'),
      blobs: p('SELECT blob, MAX(size) AS size FROM refs WHERE blob > ? GROUP BY blob ORDER BY blob LIMIT ?'),
    };
  }

  close(): void { this.db.close(); }

  /** Runs `work` as one SQLite transaction: one journal for a whole TAIL page. */
  batch(work: () => void): void { this.db.transaction(work)(); }

  /** Folds what one slot holds under `zdbKey`; `round` is the catch-up round now under way. False when the value is not ours or rotten. */
  fold(slot: number, zdbKey: Buffer, sealed: Buffer | null, round: number): boolean {
    if (zdbKey.length !== RECORD_KEY_BYTES) return false;
    const hash = zdbKey.subarray(0, RECORD_HASH_BYTES);
    const version = zdbKey.subarray(RECORD_HASH_BYTES, RECORD_HASH_BYTES + VERSION_BYTES);
    const head = this.statements.head.get(hash) as Head | undefined;
    const order = head ? Buffer.compare(version, head.version) : 1;
    if (sealed === null) {
      if (order === 0 && head) this.setHolders(hash, head.holders & ~bitOf(slot), false);
      else this.dropSuperseded(slot, zdbKey);
      return true;
    }
    if (order === 0 && head) {
      if (head.holders & bitOf(slot)) return true;
      this.setHolders(hash, head.holders | bitOf(slot), false);
      if (!head.stable) this.unstable.set(hash.toString('hex'), round);
      return true;
    }
    if (order < 0) { this.addSuperseded(zdbKey, bitOf(slot)); return true; }

    const plain = this.sealer.openRecord(zdbKey, sealed);
    const record = plain && decodeRecord(plain);
    if (!record || !this.sealer.recordHash(record.name).equals(hash)) return false;
    if (head) {
      if (head.holders !== 0) this.addSuperseded(Buffer.concat([hash, head.version]), head.holders);
      this.count(this.entryByHash(hash)?.state, -1);
    }
    const name = Buffer.from(record.name, 'utf8');
    this.statements.put.run(hash, name, version, JSON.stringify(record.state), sealed, record.state.kind === 'gone' ? 0 : 1, bitOf(slot));
    this.statements.unref.run(name);
    for (const blob of blobsOf(record.state)) this.statements.ref.run(Buffer.from(blob.id, 'hex'), name, blob.size);
    this.count(record.state, 1);
    this.unstable.set(hash.toString('hex'), round);
    return true;
  }

  /** A slot got a new, empty incarnation: it holds nothing of what the old one held. */
  forgetSlot(slot: number): void {
    this.statements.forget.run(bitOf(slot), bitOf(slot));
    for (const [key, entry] of this.superseded) {
      entry.slots &= ~bitOf(slot);
      if (entry.slots === 0) this.superseded.delete(key);
    }
  }

  /** Marks what `quorum` slots of `answered` held before `round` began; all of them were alive after that. */
  settle(answered: number, round: number, quorum: number): void {
    this.batch(() => {
      for (const [key, seen] of this.unstable) {
        if (seen >= round) continue;
        const hash = Buffer.from(key, 'hex');
        const head = this.statements.head.get(hash) as Head | undefined;
        if (!head) { this.unstable.delete(key); continue; }
        if (popcount(head.holders & answered) < quorum) continue;
        this.setHolders(hash, head.holders, true);
        this.unstable.delete(key);
      }
    });
  }

  markStable(zdbKey: Buffer): void {
    const hash = zdbKey.subarray(0, RECORD_HASH_BYTES);
    const head = this.statements.head.get(hash) as Head | undefined;
    if (!head || !head.version.equals(zdbKey.subarray(RECORD_HASH_BYTES))) return;
    this.setHolders(hash, head.holders, true);
    this.unstable.delete(hash.toString('hex'));
  }

  get(name: string): Entry | null { return this.entryByHash(this.sealer.recordHash(name)); }

  entryByHash(hash: Buffer): Entry | null {
    const row = this.statements.entry.get(hash) as Row | undefined;
    return row ? {
      name: row.name.toString('utf8'), state: JSON.parse(row.state) as RecordState, version: row.version,
      zdbKey: Buffer.concat([row.hash, row.version]), sealed: row.sealed, holders: row.holders, stable: row.stable !== 0,
    } : null;
  }

  /** Live records with from <= name < to, in UTF-8 byte order. */
  range(from: Buffer, to: Buffer, limit: number): { name: Buffer; state: string; hash: Buffer; stable: boolean }[] {
    return (this.statements.range.all(from, to, limit) as { name: Buffer; state: string; hash: Buffer; stable: number }[])
      .map((row) => ({ ...row, stable: row.stable !== 0 }));
  }

  /** Hashes of the records whose name begins with `prefix`, deletions included, that are not stable. */
  unsettled(prefix: string): Buffer[] {
    const start = Buffer.from(prefix, 'utf8');
    return [...this.unstable.keys()].map((key) => Buffer.from(key, 'hex'))
      .filter((hash) => (this.statements.head.get(hash) as Head | undefined)?.name.subarray(0, start.length).equals(start));
  }

  /** Newest versions that a slot is not known to hold, by hash after `after`. */
  lacking(slot: number, after: Buffer, limit: number): { hash: Buffer; zdbKey: Buffer; sealed: Buffer }[] {
    return (this.statements.lacking.all(after, bitOf(slot), limit) as Row[])
      .map((row) => ({ hash: row.hash, zdbKey: Buffer.concat([row.hash, row.version]), sealed: row.sealed }));
  }

  isReferenced(blob: Buffer): boolean { return this.statements.referenced.get(blob) !== undefined; }

  /** Referenced blobs in id order after `after`. */
  blobs(after: Buffer, limit: number): { blob: Buffer; size: number }[] {
    return this.statements.blobs.all(after, limit) as { blob: Buffer; size: number }[];
  }

  private setHolders(hash: Buffer, holders: number, stable: boolean): void {
    this.statements.holders.run(holders, stable ? 1 : 0, hash);
  }

  private count(state: RecordState | undefined, sign: 1 | -1): void {
    if (state?.kind !== 'object') return;
    this.objects += sign;
    this.bytes += sign * state.size;
  }

  private addSuperseded(zdbKey: Buffer, slots: number): void {
    const key = zdbKey.toString('latin1');
    const entry = this.superseded.get(key);
    if (entry) entry.slots |= slots;
    else if (this.superseded.size < MAX_SUPERSEDED) this.superseded.set(key, { slots, since: performance.now() });
  }

  dropSuperseded(slot: number, zdbKey: Buffer): void {
    const key = zdbKey.toString('latin1');
    const entry = this.superseded.get(key);
    if (!entry) return;
    entry.slots &= ~bitOf(slot);
    if (entry.slots === 0) this.superseded.delete(key);
  }
}
