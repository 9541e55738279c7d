import Database from 'better-sqlite3';

const FORMAT = 1;

/** A follower's copy of the log: leaves that it verified, and a few named texts. Losing its tail costs only a transfer, so it does not wait for the disk. */
export class LeafCache {
  readonly #database: Database.Database;
  readonly #insert; readonly #range; readonly #count; readonly #get; readonly #set;

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
      this.#count = this.#database.prepare<[], { count: number }>('SELECT count(*) AS count FROM leaves');
      this.#get = this.#database.prepare<[string], { value: string }>('SELECT value FROM texts WHERE name = ?');
      this.#set = this.#database.prepare<[string, string]>('INSERT INTO texts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value');
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  size(): number {
    return this.#count.get()?.count ?? 0;
  }

  /** Keeps what is there: two processes may follow with one copy, and each has verified what it appends. */
  append(from: number, leaves: readonly Uint8Array[]): void {
    leaves.forEach((leaf, i) => this.#insert.run(from + i, leaf));
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
