import type { Server } from 'node:http';
import { Blobs } from './blobs.ts';
import { ChunkStore } from './chunks.ts';
import { createErasure } from './erasure.ts';
import { Garbage } from './garbage.ts';
import { bucketName } from './index/record.ts';
import { Register } from './index/register.ts';
import { IndexSync } from './index/sync.ts';
import { INTERVALS, Maintenance } from './maintenance.ts';
import type { Intervals } from './maintenance.ts';
import type { Credentials } from './s3/sigv4.ts';
import { createSealer } from './seal.ts';
import { createArchiveServer } from './server.ts';
import type { Health } from './server.ts';
import type { Retention } from './s3/context.ts';
import { NO_RETENTION } from './s3/retention.ts';
import { SlotSet } from './slots.ts';
import type { SlotSpec } from './slots.ts';
import { describe } from './status.ts';
import type { ArchiveStatus } from './status.ts';
import { openZdbPort } from './zdb-port.ts';
import type { Dial } from './dial.ts';

export interface ArchiveOptions {
  readonly slots: readonly SlotSpec[];
  readonly dataShards: number;
  readonly parityShards: number;
  /** 32 bytes; every front end of an archive has the same. */
  readonly dataKey: Buffer;
  readonly region: string;
  readonly credentials: Credentials;
  /** What the contract keeps from being overwritten or deleted; nothing by default. */
  readonly retention?: Retention;
  readonly dial: Dial;
  /** Created when the archive never had it. */
  readonly bucket?: string;
  /** False while this front end must not act: before its first lease and after its last. */
  readonly leased: () => boolean;
  readonly intervals?: Partial<Intervals>;
  readonly graceMs?: number;
  /** How long a request waits for missing slots before it is told to come again; 8 s unless a test is in a hurry. */
  readonly patienceMs?: number;
  readonly onChange?: () => void;
}

export interface Archive {
  readonly server: Server;
  readonly register: Register;
  readonly blobs: Blobs;
  readonly garbage: Garbage;
  readonly slots: SlotSet;
  status(): ArchiveStatus;
  health(): Promise<Health>;
  close(): Promise<void>;
}

const HEALTH_TIMEOUT_MS = 2_000;
/** Clients' own deadlines are longer. */
const PATIENCE_MS = 8_000;
const OPENING_RETRY_MS = 500;

/** One S3 front end over the archive's zdbs. Throws a RangeError when the shard numbers do not allow a quorum. */
export function createArchive(options: ArchiveOptions): Archive {
  const { dataShards, parityShards } = options;
  // The index needs a majority of slots after the loss of `parity` of them.
  if (dataShards <= parityShards) throw new RangeError(`data shards (${dataShards}) must be more than parity shards (${parityShards})`);
  const erasure = createErasure(dataShards, parityShards);
  const sealer = createSealer(options.dataKey);
  const patienceMs = options.patienceMs ?? PATIENCE_MS;
  const changed = (): void => { options.onChange?.(); };

  const slots = new SlotSet(options.slots, erasure.total, (address, namespace) => openZdbPort((signal) => options.dial(address, signal), namespace));
  slots.onChange(changed);
  const sync = new IndexSync({ slots, sealer, register: () => register });
  const register: Register = new Register({ slots, sealer, onMarker: sync.onMarker, patienceMs });
  const chunks = new ChunkStore({ slots, erasure, sealer, patienceMs, onIncomplete: () => { maintenance.needed(); changed(); } });
  const blobs = new Blobs(chunks, slots);
  const garbage = new Garbage(register, blobs, options.graceMs);
  let closed = false;
  const maintenance: Maintenance = new Maintenance({
    slots, register, sync, chunks, garbage, intervals: { ...INTERVALS, ...options.intervals }, allowed: () => options.leased() && !closed, onProgress: changed,
  });

  let opened = false;
  const open = async (): Promise<void> => {
    while (!opened && !closed) {
      try {
        if (options.leased()) {
          await register.catchUp();
          // A tombstone counts: a bucket that its owner deleted stays deleted.
          const name = options.bucket === undefined ? null : bucketName(options.bucket);
          if (name !== null && register.view.get(name) === null) await register.write(name, { kind: 'bucket', created: new Date().toISOString() });
          opened = true;
          changed();
          return;
        }
      } catch {
        // Not enough slots yet: requests are told to come again until there are.
      }
      await new Promise((resolve) => { setTimeout(resolve, OPENING_RETRY_MS).unref(); });
    }
  };

  const status = (): ArchiveStatus =>
    describe({ slots, view: register.view, data: dataShards, quorum: register.quorum, leased: options.leased(), opened, repair: maintenance.totals });

  const health = async (): Promise<Health> => {
    const now = status();
    if (!opened) return { ok: false, degraded: true, reason: 'starting: not enough storage nodes have answered yet' };
    const timeout = new Promise<never>((_, reject) => { setTimeout(() => { reject(new Error('timeout')); }, HEALTH_TIMEOUT_MS).unref(); });
    try {
      await Promise.race([register.catchUp(), timeout]);
      return { ok: true, degraded: now.state !== 'healthy', reason: now.reason };
    } catch {
      return { ok: false, degraded: true, reason: status().reason };
    }
  };

  const server = createArchiveServer({
    services: { register, blobs, garbage, region: options.region, retention: options.retention ?? NO_RETENTION },
    verifier: { region: options.region, credentials: options.credentials },
    health, leased: () => options.leased() && opened,
  });
  const opening = open();

  return {
    server, register, blobs, garbage, slots, status, health,
    async close() {
      closed = true;
      register.stop();
      const ended = new Promise<void>((resolve) => { if (server.listening) server.close(() => { resolve(); }); else resolve(); });
      server.closeAllConnections();
      slots.close();
      await Promise.all([ended, maintenance.close(), opening]);
      register.close();
    },
  };
}
