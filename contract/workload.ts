import { z } from 'zod';
import { DecimalString, Label, Resources, Text } from './units.ts';
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

export const ZdbWorkload = z.strictObject({ ...common, type: z.literal('zdb'), spec: z.strictObject({ mode: z.enum(['user', 'seq']), capacity: DecimalString, namespaces: z.array(Label).min(1).max(8) }) });

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

/** A name that its owner points at the gateway themselves. */
export const GatewayFqdnWorkload = z.strictObject({
  ...common,
  type: z.literal('gateway-fqdn'),
  spec: z.strictObject({ fqdn: z.string().max(253).regex(/^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/, 'expected a host name such as www.example.org'), backends: z.array(Label).min(1).max(64) }),
});

/** An OCI image: host, path, tag, and the digest of what it resolves to once it is pinned. */
export const ImageReference = z.string().max(255).regex(/^(?:[a-z0-9][a-z0-9.-]*(?::\d{1,5})?\/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*(?::\w[\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/, 'expected an image such as nginx:1.27 or ghcr.io/acme/shop@sha256:…');
const Port = z.int().min(1).max(65_535);
const Environment = z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'expected the name of a variable'), z.union([z.literal(''), Text(4096)])).refine((env) => Object.keys(env).length <= 64, 'more than 64 variables');
/** Absolute, and nothing above it: no `..`. */
const MountPath = z.string().max(255).regex(/^(?:\/[\w.-]+)+$/, 'expected an absolute path').refine((path) => !path.split('/').some((part) => part === '.' || part === '..'), 'expected a path without . and ..');
const Mounts = z.array(z.strictObject({ volume: Label, path: MountPath })).max(8);
/** What runs an image: never privileged, never on its host's network; there is no field to ask for it. */
const program = {
  image: ImageReference,
  /** Replaces the image's own command; empty leaves it. */
  command: z.array(Text(4096)).max(64),
  /** Everybody on the grid can read it: secrets are named in `secrets` instead. */
  env: Environment,
  mounts: Mounts,
};

export const ContainerWorkload = z.strictObject({ ...common, type: z.literal('container'), spec: z.strictObject({ ...program, ports: z.array(Port).max(32) }) });
/** Runs once, to its end or to its limit. */
export const JobWorkload = z.strictObject({
  ...common,
  type: z.literal('job'),
  spec: z.strictObject({ ...program, /** URL, bucket or path of what it reads; empty when nothing. */ dataset: z.union([z.literal(''), Text(1024)]), gpus: z.int().min(0).max(64), maxHours: z.int().min(1).max(8760) }),
});
/** A block device, or one copy of one; the copies of a volume lie on distinct nodes. */
export const VolumeWorkload = z.strictObject({ ...common, type: z.literal('volume'), spec: z.strictObject({ capacity: DecimalString, copies: z.array(Label).min(1).max(8) }) });
/** Who of a network's members may reach whom; what is not named is denied. A member is a workload or a group of its deployment, or somebody outside. */
export const NetworkWorkload = z.strictObject({
  ...common,
  type: z.literal('network'),
  spec: z.strictObject({ members: z.array(Label).min(1).max(256), allow: z.array(z.string().regex(/^[a-z0-9-]{1,63}->[a-z0-9-]{1,63}(?::\d{1,5})?$/, 'expected a flow such as web->db:5432')).max(1024) }),
});
/** One machine of a Kubernetes cluster. */
export const KubernetesWorkload = z.strictObject({ ...common, type: z.literal('kubernetes'), spec: z.strictObject({ role: z.enum(['control-plane', 'worker']), cluster: Label, controlPlanes: z.array(Label).min(1).max(7) }) });

/** What a contract can ask for. Which of them run is what nodes offer (capabilities): a plan for a type that nobody offers is refused. */
export const Workload = z.discriminatedUnion('type', [ZdbWorkload, ArchiveWorkload, GatewayNameWorkload, GatewayFqdnWorkload, ContainerWorkload, JobWorkload, VolumeWorkload, NetworkWorkload, KubernetesWorkload]);
export type Workload = z.infer<typeof Workload>;
export const WorkloadType = z.enum(['zdb', 'archive', 'gateway-name', 'gateway-fqdn', 'container', 'job', 'volume', 'network', 'kubernetes']);
export type WorkloadType = z.infer<typeof WorkloadType>;

/** Other workloads of its deployment that a spec names. */
export function mentionedBy(workload: Workload): readonly string[] {
  switch (workload.type) {
    case 'archive': return workload.spec.slots;
    case 'gateway-name':
    case 'gateway-fqdn': return workload.spec.backends;
    case 'container':
    case 'job': return workload.spec.mounts.map(({ volume }) => volume);
    case 'volume': return workload.spec.copies;
    case 'kubernetes': return workload.spec.controlPlanes;
    // Members of a network may live outside its deployment.
    case 'network':
    case 'zdb': return [];
  }
}

/** Of a group that holds parts of one whole: how many members may at once be without their part. */
export const Bound = z.strictObject({ group: Label, atMost: z.int().min(0).max(MAX_SHARDS) });
export type Bound = z.infer<typeof Bound>;

/** No more of these groups may be replaced at once than their whole bears: a new member begins empty, and is filled from the others. */
export function boundsOf(workloads: readonly Workload[]): Bound[] {
  const bounds = new Map<string, number>();
  for (const workload of workloads) {
    const whole = wholeOf(workload);
    for (const { group } of workloads.filter((w) => whole?.parts.includes(w.name))) {
      bounds.set(group, Math.min(bounds.get(group) ?? MAX_SHARDS, whole?.bears ?? 0));
    }
  }
  return [...bounds].sort(([a], [b]) => (a < b ? -1 : 1)).map(([group, atMost]) => ({ group, atMost }));
}

/** Of what a workload is a part or holds together: its parts, and how many of them it bears to lose. */
function wholeOf(workload: Workload): { readonly parts: readonly string[]; readonly bears: number } | undefined {
  switch (workload.type) {
    case 'archive': return { parts: workload.spec.slots, bears: workload.spec.parityShards };
    case 'volume': return { parts: workload.spec.copies, bears: workload.spec.copies.length - 1 };
    // A cluster's memory needs a majority of its control planes.
    case 'kubernetes': return { parts: workload.spec.controlPlanes, bears: Math.floor((workload.spec.controlPlanes.length - 1) / 2) };
    case 'container':
    case 'gateway-fqdn':
    case 'gateway-name':
    case 'job':
    case 'network':
    case 'zdb': return undefined;
  }
}

/** The engine binary a workload type runs on, if it is a built-in one. */
export function engineOf(type: WorkloadType): EngineName | undefined {
  return type === 'zdb' || type === 'archive' ? type : undefined;
}

export const Engine = z.strictObject({ name: EngineName, digest: Digest });
export type Engine = z.infer<typeof Engine>;
