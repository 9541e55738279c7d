import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { type Body, checkBody, type DeploymentId, serviceName } from '../contract/contract.ts';
import { Digest } from '../contract/digest.ts';
import { Location, Rates } from '../contract/entry.ts';
import { type EntrySigner, sealEnvelope } from '../contract/envelope.ts';
import { Label } from '../contract/units.ts';
import type { PrincipalId } from '../contract/principal.ts';
import { type Directory, directoryOf } from '../ledger/directory.ts';
import { type Follower, openFollower } from '../ledger/follower.ts';
import { joinGrid, type Membership } from '../ledger/membership.ts';
import { findOpeners } from '../ledger/opening/find.ts';
import { createAgent } from '../overlay/agent.ts';
import { openKeystore } from '../signer/keystore.ts';
import { createAuthority } from './authority.ts';
import { createGateway } from './gateway.ts';
import type { Gateway, Route } from './ports.ts';

/** What the process is told at its start, over IPC. */
export const GatewayStart = z.strictObject({
  type: z.literal('start'),
  ledger: z.url(),
  grid: Digest,
  dir: z.string(),
  name: Label,
  location: Location,
  port: z.int().min(0).max(65_535),
  domain: z.string().max(200),
  keystore: z.strictObject({ dir: z.string(), unlock: z.string() }),
  rates: Rates,
});
export type GatewayStart = z.infer<typeof GatewayStart>;

const CHECK_EVERY_MS = 1000;
/** A loss of all front ends that is shorter is not reported. */
const BLIP_MS = 5000;
/** A gateway serves names in memory; this is what one offers to hold. */
const CAPACITY = { disk: '0', memory: String(16n * 2n ** 30n), cpu: '8000' } as const;

/** A gateway on the grid: follows the ledger, publishes the names it was assigned, and reports where they answer. */
export async function runGateway(start: GatewayStart, { signal, ready }: { signal: AbortSignal; ready: (url: string) => void }): Promise<void> {
  const keystore = await openKeystore({ ...start.keystore, create: true });
  await mkdir(start.dir, { recursive: true, mode: 0o700 });
  const [signer, overlayKey, sealingKey] = [await keystore.signing('gateway'), await keystore.overlay('gateway'), await keystore.sealing('gateway')];
  const follower = await openFollower({ url: start.ledger, dir: path.join(start.dir, 'ledger'), pin: { grid: start.grid }, openers: findOpeners(), signal });
  const membership = await joinGrid({
    follower, signer, kind: 'gateway', name: start.name, signal,
    overlayKey: Buffer.from(overlayKey.publicKey).toString('base64url'),
    sealingKey: sealingKey.recipient,
    stateFile: path.join(start.dir, 'identity.json'),
    offer: { label: start.name, location: start.location, endpoints: [], relay: false, capabilities: ['gateway-name'], engines: [], capacity: CAPACITY, thin: false, rates: start.rates },
  });
  await writeFile(path.join(start.dir, 'node.pid.json'), JSON.stringify({ pid: process.pid, id: membership.id, label: start.name }), { mode: 0o600 });
  const directory = directoryOf(() => follower.state());
  const agent = createAgent({ id: membership.id, publicKey: overlayKey.publicKey, dh: (peer) => overlayKey.dh(peer), grid: start.grid, directory, relay: false, access: () => false });
  await agent.start();
  const names = new AssignedNames(follower, membership.id);
  const ca = await createAuthority(path.join(start.dir, 'ca'), { domain: start.domain });
  const gateway = createGateway({ dir: start.dir, routes: () => names.routes(), dial: (target, options) => agent.dial(target, options), port: start.port, domain: start.domain, ca, log: (event) => process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`) });
  ready((await gateway.start()).url);
  await serve({ follower, directory, gateway, names, membership, signer, grid: start.grid, refreshOverlay: () => { agent.refresh(); }, downSince: new Map() }, signal);
  await gateway.close();
  await Promise.all([agent.close(), membership.close()]);
  await follower.close();
}

interface Serving { follower: Follower; directory: Directory; gateway: Gateway; names: AssignedNames; membership: Membership; signer: EntrySigner; grid: Digest; refreshOverlay: () => void; /** When a name lost its last front end, on the monotonic clock. */ downSince: Map<string, number> }

async function serve(serving: Serving, signal: AbortSignal): Promise<void> {
  const { follower, gateway, names, directory, refreshOverlay } = serving;
  let wake: (() => void) | undefined;
  const stopListening = follower.onChange(() => wake?.());
  signal.addEventListener('abort', () => wake?.(), { once: true });
  let before = '';
  while (!signal.aborted) {
    await names.load();
    const seen = JSON.stringify([names.routes(), directory.relays()]);
    if (seen !== before) {
      refreshOverlay();
      await gateway.refresh();
      before = seen;
    }
    await reportNames(serving);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, CHECK_EVERY_MS);
      wake = () => { clearTimeout(timer); resolve(); };
    });
  }
  stopListening();
}

/** Says of each name whether it answers, and where; only what changed. */
async function reportNames({ follower, gateway, names, membership, signer, grid, downSince }: Serving): Promise<void> {
  const status = new Map(gateway.status().names.map((n) => [n.name, n]));
  for (const { name, deployment, workload, epoch } of names.held()) {
    const published = status.get(name);
    const healthy = published?.backends.filter((b) => b.healthy).length ?? 0;
    const phase = published && healthy > 0 ? 'running' : 'starting';
    const reason = published ? `${healthy > 0 ? 'published' : 'waiting for a front end'} as ${name}` : `${name} is not published yet`;
    const report = follower.state().deployments[deployment]?.reports[workload];
    if (report?.phase === phase && report.epoch === epoch && report.endpoint === published?.url) continue;
    // A name that was up and has lost its front ends for a moment says so only when it lasts: the ledger is not a heartbeat.
    if (healthy > 0) downSince.delete(name);
    else if (report?.phase === 'running' && report.epoch === epoch && published) {
      const since = downSince.get(name) ?? performance.now();
      downSince.set(name, since);
      if (performance.now() - since < BLIP_MS) continue;
    }
    await follower.submit([sealEnvelope('deployment.reported', {
      grid, by: membership.id, deployment, workload, epoch, revision: (report?.epoch === epoch ? report.revision : 0) + 1, phase, reason, ...(published && { endpoint: published.url }),
    }, signer)]).catch(() => undefined);
  }
}

interface HeldName { readonly name: string; readonly deployment: DeploymentId; readonly workload: string; readonly epoch: number; readonly backends: readonly string[] }

/** The names that the ledger assigns to this gateway, read from contract bodies that match their headers. */
class AssignedNames {
  readonly #follower: Follower;
  readonly #self: PrincipalId;
  readonly #bodies = new Map<Digest, Body>();

  constructor(follower: Follower, self: PrincipalId) {
    this.#follower = follower;
    this.#self = self;
  }

  /** Fetches the bodies that are needed now; one that cannot be had, or does not match, publishes nothing. */
  async load(): Promise<void> {
    const state = this.#follower.state();
    for (const { contract } of this.#mine()) {
      const header = state.contracts[contract]?.header;
      if (!header || this.#bodies.has(header.bodyDigest)) continue;
      const bytes = await this.#follower.getBlob(header.bodyDigest).catch(() => undefined);
      const checked = bytes && checkBody(header, bytes);
      if (checked?.ok) this.#bodies.set(header.bodyDigest, checked.body);
    }
  }

  held(): HeldName[] {
    const state = this.#follower.state();
    return this.#mine().flatMap(({ id, contract, holdings }) => {
      const header = state.contracts[contract]?.header;
      const body = header && this.#bodies.get(header.bodyDigest);
      return (body?.workloads ?? []).flatMap((w) => {
        const holding = holdings[w.name];
        return w.type === 'gateway-name' && holding?.node === this.#self ? [{ name: w.spec.name, deployment: id, workload: w.name, epoch: holding.epoch, backends: w.spec.backends }] : [];
      });
    });
  }

  routes(): Route[] {
    const { deployments } = this.#follower.state();
    return this.held().map(({ name, deployment, backends }) => ({
      name,
      deployment,
      backends: backends.flatMap((workload) => {
        const holding = deployments[deployment]?.holdings[workload];
        return holding ? [{ node: holding.node, service: serviceName({ deployment, workload, epoch: holding.epoch }) }] : [];
      }),
    }));
  }

  #mine() {
    const state = this.#follower.state();
    return Object.entries(state.deployments).flatMap(([id, d]) =>
      state.contracts[d.contract]?.status === 'active' && Object.values(d.holdings).some((h) => h.node === this.#self) ? [{ id: id as DeploymentId, ...d }] : []);
  }
}
