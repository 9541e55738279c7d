import Database from 'better-sqlite3';

const FORMAT = 1;
const BASE = 'base';

/** Another process with this copy was shown something else, and has verified that as well. */
export class CopyDiffers extends Error {
  readonly seq: number;
  constructor(seq: number) {
    super(`the copy has another entry ${seq} than this process was shown: two processes follow with it, and were shown two logs`);
    this.seq = seq;
  }
}

/**
 * A follower's copy of the log: leaves that it verified, and a few named texts. It begins at entry 0, or at the size of
 * the snapshot that it was begun from. Losing its tail costs only a transfer, so it does not wait for the disk.
 */
export class LeafCache {
  readonly #database: Database.Database;
  #base: number;
  readonly #insert; readonly #range; readonly #last; readonly #get; readonly #set;

  /** `:memory:` or a file. @throws when the file is not such a copy. */
  constructor(file: string) {
    this.#database = new Database(file);
    try {
      this.#database.pragma('journal_mode = WAL');
      this.#database.pragma('synchronous = NORMAL');
      this.#database.exec('CREATE TABLE IF NOT EXISTS leaves (seq INTEGER PRIMARY KEY, leaf BLOB NOT NULL) STRICT; CREATE TABLE IF NOT EXISTS texts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT');
      const version = this.#database.pragma('user_version', { simple: true });
      if (version !== 0 && version !== FORMAT) throw new Error(`${file} has format ${String(version)}, this program reads format ${FORMAT}`);
      this.#database.pragma(`user_version = ${FORMAT}`);
      this.#insert = this.#database.prepare<[number, Uint8Array]>('INSERT INTO leaves (seq, leaf) VALUES (?, ?) ON CONFLICT (seq) DO NOTHING');
      this.#range = this.#database.prepare<[number, number, number], { seq: number; leaf: Uint8Array }>('SELECT seq, leaf FROM leaves WHERE seq >= ? AND seq < ? ORDER BY seq LIMIT ?');
      // Not count(*), which reads the whole table.
      this.#last = this.#database.prepare<[], { seq: number | null }>('SELECT max(seq) AS seq FROM leaves');
      this.#get = this.#database.prepare<[string], { value: string }>('SELECT value FROM texts WHERE name = ?');
      this.#set = this.#database.prepare<[string, string]>('INSERT INTO texts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value');
      this.#base = Number(this.#get.get(BASE)?.value ?? 0);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** Entries that come before the first one here. */
  get base(): number {
    return this.#base;
  }

  /** The place after the last entry. */
  size(): number {
    const last = this.#last.get()?.seq;
    return last == null ? this.#base : last + 1;
  }

  /** Begins an empty copy at a snapshot of this size. @throws when there are entries. */
  beginAt(base: number): void {
    if (this.size() > 0) throw new Error('a copy that has entries cannot begin at a snapshot');
    this.setText(BASE, String(base));
    this.#base = base;
  }

  /** Keeps what is there: two processes may follow with one copy, and each has verified what it appends. @throws CopyDiffers when that is not the same. */
  append(from: number, leaves: readonly Uint8Array[]): void {
    leaves.forEach((leaf, i) => {
      if (this.#insert.run(from + i, leaf).changes > 0) return;
      const [there] = this.#range.all(from + i, from + i + 1, 1);
      if (!there || Buffer.compare(there.leaf, leaf) !== 0) throw new CopyDiffers(from + i);
    });
  }

  /** Leaves in order; reads pages, so that the log may grow meanwhile. */
  *leaves(from: number, to: number): Generator<Uint8Array> {
    const page = 256;
    for (let at = from; at < to;) {
      const rows = this.#range.all(at, to, page);
      for (const { seq, leaf } of rows) {
        if (seq !== at) throw new Error(`the copy of the log lacks entry ${at}`);
        at += 1;
        yield leaf;
      }
      if (rows.length === 0) throw new Error(`the copy of the log lacks entry ${at}`);
    }
  }

  text(name: string): string | undefined {
    return this.#get.get(name)?.value;
  }

  setText(name: string, value: string): void {
    this.#set.run(name, value);
  }

  /** Runs `work` as one transaction; what it throws undoes it. */
  atomically<T>(work: () => T): T {
    return this.#database.transaction(work)();
  }

  close(): void {
    this.#database.close();
  }
}
