import { DiskFull, type Log, type NewRecord, type Place } from './log.ts';
import { entryBytes, entryOf, type Entry, type Namespace } from './namespace.ts';
import { recordBytes } from './record.ts';
import { refuse, type Refusal } from './refusal.ts';

const MAX_BATCH_BYTES = 32 * 1024 * 1024;
const MAX_BATCH_RECORDS = 4096;
/** A full store still takes tombstones within this reserve: deleting is the way out of being full. */
const DELETE_RESERVE_BYTES = 4 * 1024 * 1024;
const NO_VALUE = Buffer.alloc(0);

export type WriteResult = { readonly ok: true; /** As it was given or made. */ readonly key: string; readonly existed: boolean } | Refusal;

interface Write {
  readonly kind: 'set' | 'delete' | 'relocate';
  readonly namespace: Namespace;
  /** Undefined: the next number, which is known when the write's turn comes. */
  readonly key: string | undefined;
  readonly value: Buffer;
  /** Of a relocation: the entry whose record moves, with the sequence and time it has. */
  readonly entry?: Entry;
  readonly settle: (result: WriteResult) => void;
}

type Admitted = Write & { readonly record: NewRecord };

export interface CommitterOptions {
  readonly log: Log;
  /** Bytes that all segments together may take. */
  readonly capacity: number;
  /** Called after each batch: records may have been superseded, a segment sealed. */
  readonly onCommitted: () => void;
  /** Called once when writing or syncing failed for another reason than a full disk. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Group commit: everything queued while one batch is written goes into the next, with one sync for all.
 * The index learns of a record after the sync, so no read sees what a crash could take back, and a result is
 * given after the index knows. After an I/O error nothing is written any more: what an fsync that failed has
 * left on disk is unknown until the log is opened again.
 */
export class Committer {
  private readonly queue: Write[] = [];
  private running: Promise<void> | undefined;
  private failed = false;
  private closed = false;

  constructor(private readonly options: CommitterOptions) {}

  /** Without a key, the store makes one. */
  set(namespace: Namespace, key: string | undefined, value: Buffer): Promise<WriteResult> {
    return this.enqueue({ kind: 'set', namespace, key, value });
  }

  delete(namespace: Namespace, key: string): Promise<WriteResult> {
    return this.enqueue({ kind: 'delete', namespace, key, value: NO_VALUE });
  }

  /** Writes the record of an entry again at the end of the log, if it still is the newest of its key by then. */
  relocate(namespace: Namespace, entry: Entry, value: Buffer): Promise<WriteResult> {
    return this.enqueue({ kind: 'relocate', namespace, key: entry.key, value, entry });
  }

  /** Refuses new writes and waits for those that are queued. */
  async close(): Promise<void> {
    this.closed = true;
    await this.running;
  }

  private enqueue(write: Omit<Write, 'settle'>): Promise<WriteResult> {
    if (this.failed) return Promise.resolve(refuse('IOERR', 'the log failed, restart to recover it'));
    if (this.closed) return Promise.resolve(refuse('ERR', 'the store is closing'));
    return new Promise((settle) => {
      this.queue.push({ ...write, settle });
      this.running ??= this.run();
    });
  }

  private async run(): Promise<void> {
    // One turn of the event loop, so that what other connections sent at the same time is in the first batch.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.queue.length > 0) {
      const batch = this.takeBatch();
      try {
        await this.commit(batch);
      } catch (error) {
        this.failed = true;
        for (const write of [...batch, ...this.queue.splice(0)]) {
          write.settle(refuse('IOERR', 'the log failed, restart to recover it'));
        }
        this.options.onFailure(error);
      }
    }
    this.running = undefined;
  }

  private takeBatch(): Write[] {
    let bytes = 0;
    let count = 0;
    for (const write of this.queue) {
      bytes += recordBytes(write.key ?? '', write.value.length);
      if (count === MAX_BATCH_RECORDS || (count > 0 && bytes > MAX_BATCH_BYTES)) break;
      count += 1;
    }
    return this.queue.splice(0, count);
  }

  private async commit(batch: Write[]): Promise<void> {
    const { log } = this.options;
    const results = new Map<Write, WriteResult>();
    let places: Place[] = [];
    let admitted: Admitted[] = [];
    try {
      await log.rotateIfFull();
      admitted = this.admit(batch, results);
      places = admitted.length > 0 ? await log.append(admitted.map((a) => a.record)) : [];
    } catch (error) {
      if (!(error instanceof DiskFull)) throw error;
      for (const write of batch) results.set(write, refuse('NOSPACE', error.message));
      admitted = [];
    }
    admitted.forEach((write, i) => {
      const place = places[i];
      if (place) apply(write, place);
    });
    for (const write of batch) write.settle(results.get(write) ?? refuse('ERR', 'write was not committed'));
    this.options.onCommitted();
  }

  /** Decides for each write of a batch in order, each on the state that the ones before it lead to. */
  private admit(batch: Write[], results: Map<Write, WriteResult>): Admitted[] {
    const { log, capacity } = this.options;
    const live = new Map<Namespace, Map<string, boolean>>();
    const grown = new Map<Namespace, number>();
    const admitted: Admitted[] = [];
    const before = log.bytes;
    let total = 0;
    for (const write of batch) {
      const { namespace } = write;
      const key = write.key ?? String(log.nextSeq);
      const inBatch = live.get(namespace) ?? new Map<string, boolean>();
      live.set(namespace, inBatch);
      const existed = inBatch.get(key) ?? namespace.get(key) !== undefined;
      results.set(write, { ok: true, key, existed });
      if (write.kind === 'delete' && !existed) continue;
      if (write.kind === 'relocate' && (!write.entry?.current || inBatch.has(key))) continue;
      if (write.kind === 'set' && namespace.mode === 'seq' && write.key !== undefined && !existed) {
        results.set(write, refuse('ERR', 'no such key: in mode seq the store makes the keys, SET with an empty one'));
        continue;
      }

      const bytes = recordBytes(key, write.value.length);
      const ofNamespace = namespace.bytes + (grown.get(namespace) ?? 0) + bytes;
      const refusal = write.kind === 'relocate' ? undefined : overLimit(write, before + total + bytes, ofNamespace, capacity);
      if (refusal) {
        results.set(write, refusal);
        continue;
      }
      total += bytes;
      grown.set(namespace, (grown.get(namespace) ?? 0) + bytes);
      if (write.kind !== 'relocate') inBatch.set(key, write.kind === 'set');
      admitted.push({ ...write, record: this.recordOf(write, key) });
    }
    return admitted;
  }

  private recordOf(write: Write, key: string): NewRecord {
    const { namespace, value, entry } = write;
    if (entry) return { namespace: namespace.id, key, value, deleted: entry.deleted, seq: entry.seq, time: entry.time };
    const seq = this.options.log.nextSeq;
    this.options.log.nextSeq += 1;
    return { namespace: namespace.id, key, value, deleted: write.kind === 'delete', seq, time: Date.now() };
  }
}

function overLimit(write: Write, ofStore: number, ofNamespace: number, capacity: number): Refusal | undefined {
  const reserve = write.kind === 'delete' ? DELETE_RESERVE_BYTES : 0;
  if (ofStore > capacity + reserve) return refuse('NOSPACE', 'capacity is used up');
  const { maxSize, name } = write.namespace;
  if (maxSize > 0 && ofNamespace > maxSize + reserve) return refuse('NOSPACE', `namespace ${name} is at its maxsize`);
  return undefined;
}

function apply(write: Write, place: Place): void {
  const { namespace, entry } = write;
  const { head, segment, offset } = place;
  namespace.bytes += recordBytes(head.key, head.valueLength);
  if (!entry) {
    namespace.apply(entryOf(head, segment, offset));
    return;
  }
  if (!entry.current) {
    // Overtaken inside the batch: what was written is one more older record of the key.
    const newest = namespace.newest(entry.key);
    if (newest) newest.older += 1;
    return;
  }
  const bytes = entryBytes(entry);
  entry.segment.currentBytes -= bytes;
  segment.currentBytes += bytes;
  entry.segment = segment;
  entry.offset = offset;
  entry.older += 1;
}
