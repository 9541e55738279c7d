import { mkdir } from 'node:fs/promises';
import { z } from 'zod';
import type { Condition, Driver, Phase } from '../driver.ts';
import type { Slot } from '../holdings.ts';
import type { Desired } from '../reconcile.ts';
import type { ArchiveSecrets } from '../secrets.ts';
import { EngineProcess } from './engine-process.ts';
import type { Grounds } from './grounds.ts';

const State = z.enum(['healthy', 'degraded', 'repairing', 'unavailable']);
const StatusMessage = z.object({ type: z.literal('status'), state: State, reason: z.string().max(10_000), slots: z.array(z.object({ slot: z.number().int(), epoch: z.number().int(), synced: z.boolean(), repaired: z.boolean() })).max(64) });

const PHASE_OF: Readonly<Record<z.infer<typeof State>, Phase>> = { healthy: 'running', degraded: 'degraded', repairing: 'repairing', unavailable: 'degraded' };

export interface ArchiveGrounds extends Grounds {
  /** Opens the workload's secrets; throws when one is not there. */
  readonly secretsFor: (desired: Desired) => Promise<ArchiveSecrets>;
  /** Opens the socket through which this workload, and no other, dials its shards. */
  readonly openDialSocket: (desired: Desired, socket: string) => Promise<{ close(): Promise<void> }>;
}

/** Runs archive front ends: one process each, and a socket through which it reaches the shards it may dial. */
export function createArchiveDriver(grounds: ArchiveGrounds): Driver {
  return {
    start: async (desired) => {
      const { workload, key } = desired;
      if (workload.type !== 'archive') throw new TypeError(`${key} is not an archive workload`);
      const { spec } = workload;
      const { socket, dialSocket, data, log } = grounds.placesOf(desired);
      await mkdir(data, { recursive: true, mode: 0o700 });
      const proxy = await grounds.openDialSocket(desired, dialSocket);
      let slots: readonly Slot[] = desired.slots;
      let told: { phase: Phase; reason: string; complete: string[] } | undefined;
      const engine = new EngineProcess({
        ...grounds.engineFor('archive', desired),
        workDir: data,
        logFile: log,
        startMessage: async () => {
          const { dataKey, credentials } = await grounds.secretsFor(desired);
          told = undefined;
          return {
            type: 'start', socket, scratch: data, slots, dialSocket, credentials, dataKey,
            dataShards: spec.dataShards, parityShards: spec.parityShards, region: spec.region, bucket: spec.bucket,
            retention: { days: spec.retentionDays, immutable: spec.immutable },
          };
        },
        onMessage: (message) => {
          const status = StatusMessage.safeParse(message);
          if (!status.success) return;
          told = { phase: PHASE_OF[status.data.state], reason: status.data.reason.slice(0, 500), complete: status.data.slots.flatMap((s) => (s.synced && s.repaired ? [`${spec.slots[s.slot] ?? ''}@${s.epoch}`] : [])).sort() };
          grounds.onChange();
        },
        onChange: grounds.onChange,
      });
      return {
        key,
        desired,
        get slots() {
          return slots;
        },
        get socket() {
          return engine.ready ? socket : undefined;
        },
        condition: (): Condition => {
          const own = engine.condition();
          return own.phase === 'running' && told ? { ...own, ...told } : own;
        },
        lease: (validForMs) => engine.lease(validForMs),
        updateSlots: (next) => {
          slots = next;
          engine.send({ type: 'slots', slots });
        },
        inspect: () => engine.inspect(),
        stop: async () => {
          await engine.stop();
          await proxy.close();
        },
      };
    },
  };
}
