import { chmod, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MAX_NAMESPACES, type Mode, namespaceName, readCatalogue, writeCatalogue, type NamespaceRow } from './catalogue.ts';
import { Committer, type WriteResult } from './committer.ts';
import { lockDirectory, type DirectoryLock } from './lock.ts';
import { Log, LogCorrupt } from './log.ts';
import { entryOf, Namespace, type Entry } from './namespace.ts';
import { decodeHead, MAX_KEY_BYTES, MAX_VALUE_BYTES, RECORD_HEADER_BYTES, recordBytes, valueChecksum } from './record.ts';
import { reclaimable, reclaimSegment } from './reclaim.ts';
import { refuse, type Refusal } from './refusal.ts';
import { readAt, releaseSegment, syncDirectory } from './segment.ts';

export const DEFAULT_NAMESPACE = 'default';
const MAX_SEGMENT_BYTES = 256 * 1024 * 1024;
const MIN_SEGMENT_BYTES = 1024 * 1024;
/** A small store has more, smaller segments, or it would be full of dead records that no reclaim can reach. */
const SEGMENTS_IN_CAPACITY = 16;
/** After a reclaim that found no room, the next attempt waits for this many batches. */
const RECLAIM_PAUSE_BATCHES = 64;

export interface StoreOptions {
  readonly dir: string;
  /** Bytes that the log may take. */
  readonly capacity: bigint;
  /** Created when they are not there yet, beside `default`. */
  readonly namespaces?: readonly string[] | undefined;
  /** Of every namespace, `default` too; by default user. */
  readonly mode?: Mode | undefined;
  /** Size at which a segment is sealed; by default a sixteenth of the capacity, from 1 to 256 MiB. */
  readonly segmentBytes?: number | undefined;
  /** Milliseconds since 1970, to tell how old tombstones are; by default the system's clock. */
  readonly now?: (() => number) | undefined;
  /** Called once when the log failed and only a restart can tell what is durable. */
  readonly onFailure: (error: unknown) => void;
}

/** The data directory is open in another process. */
export class StoreLocked extends Error {
  override readonly name = 'StoreLocked';
}

/** The data directory has namespaces in another mode than the one asked for: their keys would mean something else. */
export class WrongMode extends Error {
  override readonly name = 'WrongMode';
}

/** The key-value store of one data directory: namespaces over one append-only log. */
export class Store {
  private reclaiming: Promise<void> | undefined;
  private reclaimPause = 0;
  private catalogueWrites: Promise<unknown> = Promise.resolve();
  private closed = false;

  private constructor(
    private readonly dir: string,
    readonly capacity: number,
    private readonly lock: DirectoryLock,
    private readonly log: Log,
    private readonly committer: Committer,
    private readonly byId: Map<number, Namespace>,
    private readonly byName: Map<string, Namespace>,
    private readonly mode: Mode,
    private readonly now: () => number,
  ) {}

  /** Opens a data directory, made if need be; throws StoreLocked, WrongMode, LogCorrupt, or what the disk says. */
  static async open(options: StoreOptions): Promise<Store> {
    const { dir } = options;
    const created = await mkdir(dir, { recursive: true, mode: 0o700 });
    if (created !== undefined) {
      for (const parent of new Set([dirname(created), dirname(dir)])) await syncDirectory(parent);
    }
    await chmod(dir, 0o700);
    const lock = lockDirectory(dir);
    if (!lock) throw new StoreLocked('the data directory is open in another process');
    try {
      const byId = new Map<number, Namespace>();
      const mode = options.mode ?? 'user';
      for (const row of await readCatalogue(dir)) {
        const before = row.mode ?? 'user';
        if (before !== mode) throw new WrongMode(`namespace ${row.name} was made in mode ${before}, and a mode is for good`);
        byId.set(row.id, new Namespace(row.id, row.name, row.maxSize, mode));
      }
      const capacity = toSafeNumber(options.capacity);
      const log = await openLog(dir, options.segmentBytes ?? segmentBytesFor(capacity), byId);
      const byName = new Map([...byId.values()].map((namespace) => [namespace.name, namespace]));
      const onCommitted = (): void => store.reclaim();
      const committer = new Committer({ log, capacity, onCommitted, onFailure: options.onFailure });
      const store = new Store(dir, capacity, lock, log, committer, byId, byName, mode, options.now ?? Date.now);
      for (const name of [DEFAULT_NAMESPACE, ...(options.namespaces ?? [])]) {
        if (byName.has(name)) continue;
        const created = await store.createNamespace(name);
        if (!created.ok) throw new Error(`namespace ${name}: ${created.message}`);
      }
      store.reclaim();
      return store;
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Bytes of the log on disk. */
  get bytes(): number {
    return this.log.bytes;
  }

  /** Keys that have a value, in all namespaces. */
  get records(): number {
    return this.namespaces().reduce((sum, n) => sum + n.live, 0);
  }

  namespaces(): Namespace[] {
    return [...this.byName.values()];
  }

  namespace(name: string): Namespace | undefined {
    return this.byName.get(name);
  }

  /** Creates a namespace; it can be selected when it is durable, since records name it by number. */
  createNamespace(name: string): Promise<{ ok: true } | Refusal> {
    return this.changeCatalogue(async () => {
      if (!namespaceName.safeParse(name).success) return refuse('ERR', 'invalid namespace name');
      if (this.byName.has(name)) return refuse('ERR', 'namespace exists');
      if (this.byName.size >= MAX_NAMESPACES) return refuse('ERR', 'too many namespaces');
      const namespace = new Namespace(Math.max(0, ...this.byId.keys()) + 1, name, 0, this.mode);
      await writeCatalogue(this.dir, [...this.namespaces(), namespace].map(rowOf));
      this.byId.set(namespace.id, namespace);
      this.byName.set(name, namespace);
      return { ok: true };
    });
  }

  /** Bounds the bytes (live and dead) of a namespace, durably; 0 takes the bound away. */
  setMaxSize(namespace: Namespace, bytes: bigint): Promise<void> {
    return this.changeCatalogue(async () => {
      namespace.maxSize = toSafeNumber(bytes);
      await writeCatalogue(this.dir, this.namespaces().map(rowOf));
    });
  }

  /**
   * Stores a value; resolves when it is durable or refused. The buffer must not change until then. In mode seq an empty
   * key makes a new one: a decimal number above every one before it in the store, never given twice; only a key that
   * has a value can be given one again.
   */
  set(namespace: Namespace, key: Buffer, value: Buffer): Promise<WriteResult> {
    const makesKey = namespace.mode === 'seq' && key.length === 0;
    if (!makesKey && !validKey(key)) return Promise.resolve(refuse('ERR', `key must have 1 to ${MAX_KEY_BYTES} bytes`));
    if (value.length > MAX_VALUE_BYTES) return Promise.resolve(refuse('ERR', `value is over ${MAX_VALUE_BYTES} bytes`));
    return this.committer.set(namespace, makesKey ? undefined : key.toString('latin1'), value);
  }

  /** Deletes a key; resolves when that is durable or refused. */
  delete(namespace: Namespace, key: Buffer): Promise<WriteResult> {
    if (!validKey(key)) return Promise.resolve(refuse('ERR', `key must have 1 to ${MAX_KEY_BYTES} bytes`));
    return this.committer.delete(namespace, key.toString('latin1'));
  }

  /** The value of an entry, checked against its CRC; undefined when it is damaged on disk. */
  async read(entry: Entry): Promise<Buffer | undefined> {
    if (entry.valueLength === 0) return Buffer.alloc(0);
    const at = entry.offset + RECORD_HEADER_BYTES + entry.key.length;
    const value = await this.readHeld(entry, at, entry.valueLength);
    return value.length === entry.valueLength && valueChecksum(value) === entry.valueCrc ? value : undefined;
  }

  /** Reads the whole record of an entry again and says whether header and value are what was written. */
  async check(entry: Entry): Promise<boolean> {
    const { salt } = entry.segment;
    const record = await this.readHeld(entry, entry.offset, recordBytes(entry.key, entry.valueLength));
    const head = decodeHead(record, salt);
    const value = record.subarray(RECORD_HEADER_BYTES + entry.key.length);
    return head?.seq === entry.seq && head.key === entry.key && value.length === head.valueLength && valueChecksum(value) === head.valueCrc;
  }

  /** Waits for queued writes, then closes all files and gives the directory free. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.committer.close();
    await this.reclaiming;
    await this.catalogueWrites;
    await this.log.close();
    this.lock.release();
  }

  private async readHeld(entry: Entry, offset: number, length: number): Promise<Buffer> {
    const { segment } = entry;
    segment.readers += 1;
    try {
      return await readAt(segment.file, offset, length);
    } finally {
      await releaseSegment(segment);
    }
  }

  /** Runs changes of the list of namespaces one after the other. */
  private changeCatalogue<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.catalogueWrites.then(change);
    this.catalogueWrites = changed.catch(() => undefined);
    return changed;
  }

  /** Reclaims dead segments in the background, one at a time. */
  private reclaim(): void {
    if (this.reclaimPause > 0) this.reclaimPause -= 1;
    if (this.reclaiming || this.closed || this.reclaimPause > 0) return;
    const segment = reclaimable(this.log, this.capacity);
    if (!segment) return;
    const { log, committer } = this;
    const namespaceById = (id: number): Namespace | undefined => this.byId.get(id);
    this.reclaiming = reclaimSegment({ log, committer, namespaceById, now: this.now }, segment)
      // Space that cannot be freed now stays taken; nothing is lost, and a later batch tries again.
      .catch(() => false)
      .then((done) => {
        this.reclaiming = undefined;
        if (!done) this.reclaimPause = RECLAIM_PAUSE_BATCHES;
        this.reclaim();
      });
  }
}

const rowOf = ({ id, name, maxSize, mode }: Namespace): NamespaceRow => ({ id, name, maxSize, ...(mode === 'seq' && { mode }) });

const validKey = (key: Buffer): boolean => key.length >= 1 && key.length <= MAX_KEY_BYTES;

const toSafeNumber = (bytes: bigint): number =>
  Number(bytes > BigInt(Number.MAX_SAFE_INTEGER) ? BigInt(Number.MAX_SAFE_INTEGER) : bytes);

const segmentBytesFor = (capacity: number): number =>
  Math.min(MAX_SEGMENT_BYTES, Math.max(MIN_SEGMENT_BYTES, Math.floor(capacity / SEGMENTS_IN_CAPACITY)));

async function openLog(dir: string, segmentBytes: number, byId: Map<number, Namespace>): Promise<Log> {
  const log = await Log.open({
    dir,
    segmentBytes,
    onRecord: ({ head, segment, offset }) => {
      const namespace = byId.get(head.namespace);
      if (!namespace) throw new LogCorrupt(segment.id, offset, `record of the unknown namespace ${head.namespace}`);
      namespace.bytes += recordBytes(head.key, head.valueLength);
      namespace.recover(entryOf(head, segment, offset));
    },
  });
  for (const namespace of byId.values()) namespace.recovered();
  return log;
}
