import { z } from 'zod';
import { DecimalString, Label, Resources } from './units.ts';
import { Digest } from './digest.ts';

/** Largest erasure code that the archive engine runs: 24 data and 6 parity shards. */
export const MAX_DATA_SHARDS = 24;
export const MAX_PARITY_SHARDS = 6;
export const MAX_SHARDS = MAX_DATA_SHARDS + MAX_PARITY_SHARDS;

/** Names the engines whose digest a contract pins. */
export const EngineName = z.enum(['zdb', 'archive']);
export type EngineName = z.infer<typeof EngineName>;

const SecretName = Label;

const common = {
  name: Label,
  /** Workloads of one group lie on distinct nodes. */
  group: Label,
  resources: Resources,
  /** Names of secrets sealed to whichever node holds this workload. */
  secrets: z.array(SecretName).max(8),
  /** Names of workloads of the same deployment that this one may dial; everything else is denied. */
  dials: z.array(Label).max(MAX_SHARDS),
};

export const ZdbWorkload = z.strictObject({ ...common, type: z.literal('zdb'), spec: z.strictObject({ mode: z.enum(['user']), capacity: DecimalString, namespaces: z.array(Label).min(1).max(8) }) });

export const ArchiveWorkload = z.strictObject({
  ...common,
  type: z.literal('archive'),
  spec: z.strictObject({
    dataShards: z.int().min(1).max(MAX_DATA_SHARDS),
    parityShards: z.int().min(1).max(MAX_PARITY_SHARDS),
    /** zdb workload of shard i, in order; data + parity of them. */
    slots: z.array(Label).min(2).max(MAX_SHARDS),
    bucket: Label,
    region: z.string().regex(/^[a-z0-9-]{2,32}$/),
    retentionDays: z.int().min(0).max(36_500),
    immutable: z.boolean(),
  }),
});

export const GatewayNameWorkload = z.strictObject({ ...common, type: z.literal('gateway-name'), spec: z.strictObject({ name: Label, backends: z.array(Label).min(1).max(64) }) });

/** What a node can be told to run. A type joins this union when a driver runs it for real. */
export const Workload = z.discriminatedUnion('type', [ZdbWorkload, ArchiveWorkload, GatewayNameWorkload]);
export type Workload = z.infer<typeof Workload>;
export type WorkloadType = Workload['type'];
export const WorkloadType = z.enum(['zdb', 'archive', 'gateway-name']);

/** Of a group that holds parts of one whole: how many members may at once be without their part. */
export const Bound = z.strictObject({ group: Label, atMost: z.int().min(0).max(MAX_SHARDS) });
export type Bound = z.infer<typeof Bound>;

/** An archive bears the loss of `parity` of the stores that hold its shards: no more of them may be replaced before their shards are rebuilt. */
export function boundsOf(workloads: readonly Workload[]): Bound[] {
  const bounds = new Map<string, number>();
  for (const workload of workloads) {
    if (workload.type !== 'archive') continue;
    for (const { group } of workloads.filter((w) => workload.spec.slots.includes(w.name))) {
      bounds.set(group, Math.min(bounds.get(group) ?? MAX_SHARDS, workload.spec.parityShards));
    }
  }
  return [...bounds].sort(([a], [b]) => (a < b ? -1 : 1)).map(([group, atMost]) => ({ group, atMost }));
}

/** The engine binary a workload type runs on, if it is a built-in one. */
export function engineOf(type: WorkloadType): EngineName | undefined {
  return type === 'zdb' || type === 'archive' ? type : undefined;
}

export const Engine = z.strictObject({ name: EngineName, digest: Digest });
export type Engine = z.infer<typeof Engine>;
