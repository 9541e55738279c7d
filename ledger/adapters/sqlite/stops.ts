import Database from 'better-sqlite3';

const FORMAT = 1;
const STOPPED = 'stopped';
/** Promises on disk, whoever wrote them: several processes may follow with one copy. */
const MAX_PROMISES = 256;

/**
 * What a follower remembers against its ledger: that it was caught, and the notes that it has yet to keep. In a file of its
 * own, since a copy of the log can be fetched again, and a conviction cannot.
 */
export class StopStore {
  readonly #database: Database.Database;
  readonly #get; readonly #set; readonly #promises; readonly #promise; readonly #forget;
  #seen: unknown;

  /** `:memory:` or a file. @throws when the file is not such a store. */
  constructor(file: string) {
    this.#database = new Database(file);
    try {
      this.#database.pragma('journal_mode = WAL');
      this.#database.pragma('synchronous = NORMAL');
      this.#database.exec('CREATE TABLE IF NOT EXISTS texts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT; CREATE TABLE IF NOT EXISTS promises (id INTEGER PRIMARY KEY, note TEXT NOT NULL UNIQUE) STRICT');
      const version = this.#database.pragma('user_version', { simple: true });
      if (version !== 0 && version !== FORMAT) throw new Error(`${file} has format ${String(version)}, this program reads format ${FORMAT}`);
      if (version === 0) this.#database.pragma(`user_version = ${FORMAT}`);
      this.#get = this.#database.prepare<[string], { value: string }>('SELECT value FROM texts WHERE name = ?');
      this.#set = this.#database.prepare<[string, string]>('INSERT INTO texts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value');
      this.#promises = this.#database.prepare<[], { note: string }>('SELECT note FROM promises ORDER BY id');
      this.#promise = this.#database.prepare<[string]>(`INSERT INTO promises (note) SELECT ? WHERE (SELECT count(*) FROM promises) < ${MAX_PROMISES} ON CONFLICT (note) DO NOTHING`);
      this.#forget = this.#database.prepare<[string]>('DELETE FROM promises WHERE note = ?');
      this.#seen = this.#version();
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  stopped(): string | undefined {
    return this.#get.get(STOPPED)?.value;
  }

  /**
   * Compares and sets in one transaction that no other process can come between: `decide` gets what stands there, and
   * says what shall; undefined leaves it. On disk when this returns.
   */
  decide(decide: (kept: string | undefined) => string | undefined): void {
    this.#database.pragma('synchronous = FULL');
    try {
      this.#database.transaction(() => {
        const text = decide(this.stopped());
        if (text !== undefined) this.#set.run(STOPPED, text);
      }).immediate();
    } finally {
      this.#database.pragma('synchronous = NORMAL');
    }
  }

  /** True once after another process wrote. */
  changed(): boolean {
    const version = this.#version();
    const changed = version !== this.#seen;
    this.#seen = version;
    return changed;
  }

  /** In the order in which they came. */
  promises(): string[] {
    return this.#promises.all().map(({ note }) => note);
  }

  promise(note: string): void {
    this.#promise.run(note);
  }

  forget(note: string): void {
    this.#forget.run(note);
  }

  close(): void {
    this.#database.close();
  }

  #version(): unknown {
    return this.#database.pragma('data_version', { simple: true });
  }
}
