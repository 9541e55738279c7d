import Database from 'better-sqlite3';
import type { Digest } from '../../../contract/digest.ts';
import type { Hash } from '../../merkle.ts';

/** The log's file inside the ledger's folder. */
export const STORE_FILE = 'ledger.sqlite';
/** ASCII `3bot`; tells the file from any other database. */
export const APPLICATION_ID = 0x33626f74;
/**
 * ASCII `3boc`: a copy of a log whose order is a chain's. In the database itself, so that no file that is lost or left out
 * lets somebody continue it here, which would fork it with the ledger's own key.
 */
export const CHAIN_APPLICATION_ID = 0x33626f63;
export const FORMAT_VERSION = 1;
/**
 * Pages of the write-ahead log before it is copied into the database (32 MiB). Envelope digests fall on random pages
 * of their index: the longer the log, the more entries share one copy of a page. Durability does not depend on it.
 */
const CHECKPOINT_PAGES = 8192;

/** Everything the database may contain, word for word as SQLite keeps it: `verify` compares. */
export const SCHEMA: readonly { readonly name: string; readonly sql: string }[] = [
  { name: 'checkpoint', sql: 'CREATE TABLE checkpoint (id INTEGER PRIMARY KEY CHECK (id = 0), note TEXT NOT NULL) STRICT' },
  { name: 'entries', sql: 'CREATE TABLE entries (seq INTEGER PRIMARY KEY, leaf BLOB NOT NULL, leaf_hash BLOB NOT NULL, envelope_digest BLOB NOT NULL) STRICT' },
  { name: 'entries_by_envelope', sql: 'CREATE UNIQUE INDEX entries_by_envelope ON entries (envelope_digest)' },
];

export interface EntryRow {
  readonly seq: number;
  readonly leaf: Uint8Array;
  readonly leaf_hash: Uint8Array;
  readonly envelope_digest: Uint8Array;
}

/** The 32 bytes of a digest. */
export function digestKey(digest: Digest): Uint8Array {
  return Buffer.from(digest.slice('sha256:'.length), 'hex');
}

/** Typed access to the log's database; knows rows and transactions, nothing of what they mean. */
export class EntryStore {
  readonly database: Database.Database;
  readonly #begin; readonly #commit; readonly #rollback; readonly #insert; readonly #bySeq; readonly #range; readonly #all; readonly #find; readonly #count; readonly #note; readonly #setNote;

  /** @throws when the file is not such a database, or cannot be made. */
  constructor(file: string, { readonly = false }: { readonly?: boolean } = {}) {
    this.database = new Database(file, { readonly, fileMustExist: readonly });
    try {
      if (!readonly) this.#prepareFile();
      this.#begin = this.database.prepare('BEGIN IMMEDIATE');
      this.#commit = this.database.prepare('COMMIT');
      this.#rollback = this.database.prepare('ROLLBACK');
      this.#insert = this.database.prepare<[number, Uint8Array, Uint8Array, Uint8Array]>('INSERT INTO entries (seq, leaf, leaf_hash, envelope_digest) VALUES (?, ?, ?, ?)');
      this.#bySeq = this.database.prepare<[number], EntryRow>('SELECT seq, leaf, leaf_hash, envelope_digest FROM entries WHERE seq = ?');
      this.#range = this.database.prepare<[number, number], EntryRow>('SELECT seq, leaf, leaf_hash, envelope_digest FROM entries WHERE seq >= ? ORDER BY seq LIMIT ?');
      this.#all = this.database.prepare<[], EntryRow>('SELECT seq, leaf, leaf_hash, envelope_digest FROM entries ORDER BY seq');
      this.#find = this.database.prepare<[Uint8Array], { seq: number }>('SELECT seq FROM entries WHERE envelope_digest = ?');
      this.#count = this.database.prepare<[], { count: number }>('SELECT count(*) AS count FROM entries');
      this.#note = this.database.prepare<[], { note: string }>('SELECT note FROM checkpoint WHERE id = 0');
      this.#setNote = this.database.prepare<[string]>('INSERT INTO checkpoint (id, note) VALUES (0, ?) ON CONFLICT (id) DO UPDATE SET note = excluded.note');
    } catch (error) {
      this.database.close();
      throw error;
    }
  }

  /** Who orders the log: this machine, or a chain that it is a copy of. */
  get orderedBy(): 'machine' | 'chain' {
    return this.database.pragma('application_id', { simple: true }) === CHAIN_APPLICATION_ID ? 'chain' : 'machine';
  }

  /** Durable when it returns; there is no way back. */
  markAsChainCopy(): void {
    if (this.orderedBy !== 'chain') this.database.pragma(`application_id = ${CHAIN_APPLICATION_ID}`);
  }

  count(): number {
    return this.#count.get()?.count ?? 0;
  }

  row(seq: number): EntryRow | undefined {
    return this.#bySeq.get(seq);
  }

  rows(): IterableIterator<EntryRow> {
    return this.#all.iterate();
  }

  /** Leaves from `from` on: at most `entries`, and no more than `bytes` unless the first alone is longer. */
  leaves(from: number, bounds: { entries: number; bytes: number }): Uint8Array[] {
    const leaves: Uint8Array[] = [];
    let bytes = 0;
    for (const { leaf } of this.#range.iterate(from, bounds.entries)) {
      bytes += leaf.length;
      if (leaves.length > 0 && bytes > bounds.bytes) break;
      leaves.push(leaf);
    }
    return leaves;
  }

  find(envelopeDigest: Digest): number | undefined {
    return this.#find.get(digestKey(envelopeDigest))?.seq;
  }

  note(): string | undefined {
    return this.#note.get()?.note;
  }

  begin(): void {
    this.#begin.run();
  }

  insert(row: { seq: number; leaf: Uint8Array; leafHash: Hash; envelopeDigest: Digest }): void {
    this.#insert.run(row.seq, row.leaf, row.leafHash, digestKey(row.envelopeDigest));
  }

  /** Durable when it returns: WAL with synchronous=FULL syncs at every commit. */
  commit(note: string | undefined): void {
    if (note !== undefined) this.#setNote.run(note);
    this.#commit.run();
  }

  rollback(): void {
    if (this.database.inTransaction) this.#rollback.run();
  }

  close(): void {
    this.database.close();
  }

  #prepareFile(): void {
    const { database } = this;
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    database.pragma('trusted_schema = OFF');
    const application = database.pragma('application_id', { simple: true });
    if (application === APPLICATION_ID || application === CHAIN_APPLICATION_ID) {
      const version = database.pragma('user_version', { simple: true });
      if (version !== FORMAT_VERSION) throw new Error(`${database.name} has format ${String(version)}, this program reads format ${FORMAT_VERSION}`);
      return;
    }
    database.transaction(() => {
      const objects = database.prepare<[], { count: number }>('SELECT count(*) AS count FROM sqlite_schema').get();
      if (objects?.count !== 0) throw new Error(`${database.name} is a database of another program`);
      for (const { sql } of SCHEMA) database.exec(sql);
      database.pragma(`application_id = ${APPLICATION_ID}`);
      database.pragma(`user_version = ${FORMAT_VERSION}`);
    }).immediate();
  }
}
