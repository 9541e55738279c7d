import type { Duplex } from 'node:stream';
import { ZdbError, createZdbClient } from '../zdb/client.ts';

export { ZdbError } from '../zdb/client.ts';

/** One entry of a namespace as SCAN reports it. */
export interface ScannedEntry {
  readonly key: Buffer;
  readonly timestampMs: number;
  readonly deleted: boolean;
}

export interface TailedEntry {
  readonly key: Buffer;
  readonly value: Buffer | null;
}

/** What the archive needs of one namespace of one zdb; every method rejects with ZdbError. A SET or DEL that resolves is durable. */
export interface ZdbPort {
  set(key: Buffer, value: Buffer): Promise<void>;
  /** The value; null when there is none, or when the zdb says that its copy is damaged. */
  get(key: Buffer): Promise<Buffer | null>;
  exists(key: Buffer): Promise<boolean>;
  del(key: Buffer): Promise<void>;
  scan(cursor: string, count: number): Promise<{ cursor: string; entries: ScannedEntry[] }>;
  tail(cursor: string, count: number): Promise<{ cursor: string; entries: TailedEntry[] }>;
  /** Resolves when reads and writes are both answered again. */
  probe(): Promise<void>;
  close(): void;
}

const INDEX_TIMEOUT_MS = 4_000;
const DATA_TIMEOUT_MS = 10_000;
const PROBE_KEY = Buffer.from('probe');

/** A namespace over two streams, so that a read never waits behind a write's fdatasync. */
export function openZdbPort(open: (signal: AbortSignal) => Promise<Duplex>, namespace: 'index' | 'data'): ZdbPort {
  const timeoutMs = namespace === 'index' ? INDEX_TIMEOUT_MS : DATA_TIMEOUT_MS;
  const reads = createZdbClient(open, { namespace, timeoutMs });
  const writes = createZdbClient(open, { namespace, timeoutMs });
  return {
    set: (key, value) => writes.set(key, value),
    async get(key) {
      try {
        return await reads.get(key) ?? null;
      } catch (error) {
        if (error instanceof ZdbError && error.code === 'refused' && error.message.startsWith('CORRUPT ')) return null;
        throw error;
      }
    },
    exists: (key) => reads.exists(key),
    del: async (key) => { await writes.del(key); },
    async scan(cursor, count) {
      const page = await reads.scan(cursor, count);
      return { cursor: page.cursor, entries: page.items.map((item) => ({ key: item.key, timestampMs: item.timeMs, deleted: item.deleted })) };
    },
    async tail(cursor, count) {
      const page = await reads.tail(cursor, count);
      return { cursor: page.cursor, entries: page.items.map((item) => ({ key: item.key, value: item.value ?? null })) };
    },
    // EXISTS is refused by a fenced zdb, PING is not.
    probe: async () => { await Promise.all([reads.exists(PROBE_KEY), writes.exists(PROBE_KEY)]); },
    close: () => { reads.close(); writes.close(); },
  };
}
