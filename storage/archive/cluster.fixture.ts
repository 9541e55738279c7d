import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fence } from '../zdb/fence.ts';
import { startZdb } from '../zdb/server.ts';
import type { Zdb } from '../zdb/server.ts';
import { createArchive } from './archive.ts';
import type { Archive } from './archive.ts';
import type { Intervals } from './maintenance.ts';
import type { Retention } from './s3/context.ts';
import type { SlotSpec } from './slots.ts';

export const CREDENTIALS = { accessKeyId: 'AKTEST', secretAccessKey: 'a-secret-of-the-tests-0123456789' };
export const REGION = 'ch-1';

/** Fast enough to watch a repair in a test; the grace stays longer than any test. */
export const QUICK: Partial<Intervals> = { heartbeat: 100, fill: 300, clean: 300, collect: 300, sweep: 2_000, sweepAgain: 1_000, sweepSoon: 50 };

export interface FrontEnd { readonly archive: Archive; readonly socket: string }

/** Real zdb servers and front ends in this process, on Unix sockets in a temporary directory. */
export class Cluster {
  readonly dir: string;
  readonly data: number;
  readonly parity: number;
  readonly dataKey = randomBytes(32);
  private readonly zdbs = new Map<string, Zdb>();
  private readonly links = new Map<string, Set<Duplex>>();
  private readonly frozen = new Set<string>();
  private readonly capacity: bigint;
  slots: SlotSpec[];
  readonly fronts: FrontEnd[] = [];

  private constructor(dir: string, data: number, parity: number, capacity: bigint) {
    this.dir = dir; this.data = data; this.parity = parity; this.capacity = capacity;
    this.slots = Array.from({ length: data + parity }, (_, slot) => ({ slot, epoch: 1, address: `zdb-${slot}@1` }));
  }

  static async start({ data = 4, parity = 2, fronts = 3, capacity = 2n ** 40n } = {}): Promise<Cluster> {
    const cluster = new Cluster(await mkdtemp(join(tmpdir(), 'ar-')), data, parity, capacity);
    await Promise.all(cluster.slots.map((s) => cluster.startZdb(s.address)));
    for (let i = 0; i < fronts; i++) await cluster.addFront();
    return cluster;
  }

  async startZdb(address: string): Promise<void> {
    const fence = new Fence();
    fence.renew({ validForMs: 3_600_000 });
    this.zdbs.set(address, await startZdb({
      dir: join(this.dir, address), socket: join(this.dir, `${address}.s`), capacity: this.capacity, namespaces: ['index', 'data'], fence,
      onFailure: (error) => { throw error; },
    }));
  }

  /** Ends a zdb; its files stay, so startZdb brings it back with its data. */
  async stopZdb(address: string): Promise<void> {
    const zdb = this.zdbs.get(address);
    this.zdbs.delete(address);
    for (const link of this.links.get(address) ?? []) link.destroy();
    await zdb?.close();
  }

  /** From now on nothing comes back from a zdb, and nothing is closed either: a stopped machine or a cut path. */
  freeze(address: string): void {
    this.frozen.add(address);
    for (const link of this.links.get(address) ?? []) link.pause();
  }

  /** The ledger's move: a new, empty zdb for the slot, under a higher epoch. */
  async replace(slot: number): Promise<void> {
    const old = this.slots[slot] as SlotSpec;
    await this.stopZdb(old.address);
    const spec = { slot, epoch: old.epoch + 1, address: `zdb-${slot}@${old.epoch + 1}` };
    await this.startZdb(spec.address);
    this.slots = this.slots.map((s) => s.slot === slot ? spec : s);
    for (const { archive } of this.fronts) archive.slots.update(this.slots);
  }

  async addFront(options: { retention?: Retention; intervals?: Partial<Intervals>; graceMs?: number; patienceMs?: number } = {}): Promise<FrontEnd> {
    const archive = createArchive({
      slots: this.slots, dataShards: this.data, parityShards: this.parity, dataKey: this.dataKey, region: REGION, credentials: CREDENTIALS,
      dial: (address) => this.dial(address), bucket: 'first', leased: () => true, intervals: options.intervals ?? QUICK,
      ...(options.retention === undefined ? {} : { retention: options.retention }),
      ...(options.patienceMs === undefined ? {} : { patienceMs: options.patienceMs }),
      ...(options.graceMs === undefined ? {} : { graceMs: options.graceMs }),
    });
    const socket = join(this.dir, `front-${this.fronts.length}.s`);
    await new Promise<void>((resolve) => { archive.server.listen(socket, resolve); });
    const front = { archive, socket };
    this.fronts.push(front);
    for (let i = 0; i < 100 && !(await archive.health()).ok; i++) await new Promise((resolve) => { setTimeout(resolve, 20); });
    return front;
  }

  async close(): Promise<void> {
    await Promise.all(this.fronts.map((front) => front.archive.close()));
    await Promise.all([...this.zdbs.keys()].map((address) => this.stopZdb(address)));
    await rm(this.dir, { recursive: true, force: true });
  }

  private dial(address: string): Promise<Duplex> {
    if (this.frozen.has(address)) return new Promise(() => undefined);
    return new Promise((resolve, reject) => {
      const socket = connect(join(this.dir, `${address}.s`));
      socket.once('error', reject);
      socket.once('connect', () => {
        const links = this.links.get(address) ?? new Set();
        this.links.set(address, links.add(socket));
        socket.once('close', () => links.delete(socket));
        resolve(socket);
      });
    });
  }
}
