import { z } from 'zod';
import type { DeploymentId } from '../../contract/contract.ts';
import type { LedgerState } from '../../ledger/state/state.ts';
import { currentAssignments, isAlive } from '../../ledger/state/views.ts';
import type { BotContext, ToolRefusal } from '../context.ts';
import { readContract } from './contracts.ts';

export interface WorkloadStatus { readonly workload: string; readonly type: string; readonly node: string; readonly label: string; readonly city: string; readonly country: string; readonly epoch: number; readonly phase: string; readonly reason: string; /** Digest of the engine that its node measured before it started it. */ readonly measured?: string }

/** Every workload of a deployment: where it lies now, and what its node last said; `lost` when nobody can hold that any more. */
export function deploymentStatus(state: LedgerState, id: DeploymentId): WorkloadStatus[] {
  const deployment = state.deployments[id];
  if (!deployment) return [];
  const moves = state.contracts[deployment.contract]?.header.autonomy.replace ?? false;
  return currentAssignments(state, deployment).map((a) => {
    const holding = deployment.holdings[a.workload];
    const report = deployment.reports[a.workload];
    const node = state.nodes[a.node];
    const label = node?.offer?.label ?? a.node;
    // What a node said before it went silent is no news of it.
    const lost = node && !isAlive(node, state.time) ? { phase: 'lost', reason: `the lease of ${label} has ended; the workload ${moves ? 'moves to another node' : 'waits for it, since the contract lets nobody replace it'}` } : undefined;
    const current = lost ?? (report && report.epoch === holding?.epoch ? report : undefined);
    return { workload: a.workload, type: a.type, node: a.node, label, city: node?.attested?.city ?? '?', country: node?.attested?.country ?? '?', epoch: holding?.epoch ?? 0, phase: current?.phase ?? 'waiting', reason: current?.reason ?? 'its node has not reported yet', ...(report?.measured !== undefined && report.epoch === holding?.epoch && { measured: report.measured }) };
  });
}

/** Runs well enough to be used: everything says running, or the front ends say how they manage. */
export function isRunning(status: readonly WorkloadStatus[]): boolean {
  return status.length > 0 && status.every((w) => w.phase === 'running' || w.phase === 'degraded' || w.phase === 'repairing');
}

const Credentials = z.object({ accessKeyId: z.string(), secretAccessKey: z.string() });

export interface ArchiveAccess {
  readonly ok: true;
  readonly deployment: DeploymentId;
  readonly contract: string;
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly nodes: readonly { id: string; label: string; country: string; city: string; workloads: string[] }[];
  readonly shards: { data: number; parity: number };
  readonly price: { currency: string; month: string };
}

/** How to reach an archive: endpoint as its gateway reported it, credentials as this person's key opens them. */
export async function archiveAccess(context: BotContext, id: DeploymentId): Promise<ArchiveAccess | ToolRefusal> {
  const state = context.follower.state();
  const deployment = state.deployments[id];
  if (!deployment) return { ok: false, code: 'deployment_unknown', message: `no deployment ${id} on this grid` };
  const read = await readContract(context, deployment.contract);
  if (!read.ok) return read;
  const front = read.body.workloads.find((w) => w.type === 'archive');
  const name = read.body.workloads.find((w) => w.type === 'gateway-name');
  if (front?.type !== 'archive' || !name) return { ok: false, code: 'not_an_archive', message: 'this deployment is not an archive' };
  const endpoint = deployment.reports[name.name]?.endpoint;
  const sealed = deployment.secrets['s3-credentials']?.[context.requester.id];
  if (endpoint === undefined || sealed === undefined) return { ok: false, code: 'not_ready', message: 'the archive is not published yet', hint: 'see `3bot contract show`' };
  const { accessKeyId, secretAccessKey } = Credentials.parse(JSON.parse(Buffer.from(await context.requester.sealing.unseal(sealed)).toString('utf8')));
  return {
    ok: true, deployment: id, contract: deployment.contract, endpoint, bucket: front.spec.bucket, region: front.spec.region, accessKeyId, secretAccessKey,
    nodes: nodesOf(state, id), shards: { data: front.spec.dataShards, parity: front.spec.parityShards }, price: read.header.price,
  };
}

/** What runs, and where; of what is published, where it answers. */
export interface DeploymentAccess {
  readonly ok: true;
  readonly deployment: DeploymentId;
  readonly contract: string;
  readonly title: string;
  /** By the name that the gateway publishes. */
  readonly endpoints: Readonly<Record<string, string>>;
  readonly nodes: ArchiveAccess['nodes'];
  readonly price: { currency: string; month: string };
}

/** The same of any deployment: only archives have credentials of a form that this bot knows. */
export async function deploymentAccess(context: Pick<BotContext, 'follower'>, id: DeploymentId): Promise<DeploymentAccess | ToolRefusal> {
  const state = context.follower.state();
  const deployment = state.deployments[id];
  const header = deployment && state.contracts[deployment.contract]?.header;
  if (!deployment || !header) return { ok: false, code: 'deployment_unknown', message: `no deployment ${id} on this grid` };
  const endpoints = Object.entries(deployment.reports).flatMap(([workload, { endpoint }]) => (endpoint === undefined ? [] : [[workload, endpoint] as const]));
  return { ok: true, deployment: id, contract: deployment.contract, title: header.title, endpoints: Object.fromEntries(endpoints), nodes: nodesOf(state, id), price: header.price };
}

/** The nodes that hold a deployment, each with what it holds; gateways hold nothing of it. */
function nodesOf(state: LedgerState, id: DeploymentId): ArchiveAccess['nodes'] {
  const nodes = new Map<string, ArchiveAccess['nodes'][number]>();
  for (const w of deploymentStatus(state, id)) {
    if (w.type === 'gateway-name') continue;
    const known = nodes.get(w.node);
    if (known) known.workloads.push(w.workload);
    else nodes.set(w.node, { id: w.node, label: w.label, country: w.country, city: w.city, workloads: [w.workload] });
  }
  return [...nodes.values()];
}
