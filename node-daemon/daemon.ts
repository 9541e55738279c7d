import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import type { ContractId } from '../contract/contract.ts';
import type { PrincipalId } from '../contract/principal.ts';
import { joinGrid, type Membership, type Offer } from '../ledger/membership.ts';
import { AbandonedData } from './abandoned.ts';
import type { DaemonConfig } from './config.ts';
import { Controller } from './controller.ts';
import { openDialProxy } from './dial-proxy.ts';
import { createArchiveDriver } from './drivers/archive.ts';
import { createGrounds, dataFolder } from './drivers/grounds.ts';
import { createZdbDriver } from './drivers/zdb.ts';
import { isActive, isHeldBy, keyOf } from './holdings.ts';
import { MoveWatcher } from './moves.ts';
import { type Node, openNode } from './node.ts';
import { startOverlay, type StartedAgent } from './overlay-agent.ts';
import { type Observation, Reporter } from './report.ts';
import { Resealer } from './resealer.ts';
import { openArchiveSecrets } from './secrets.ts';
import { mayDial, Services } from './services.ts';
import type { Log, Standing } from './standing.ts';
import { keepStatus } from './status.ts';

const SWEEP_MS = 60_000;

export interface Daemon {
  readonly id: PrincipalId;
  /** `ws://host:port` when it listens for overlay links. */
  readonly endpoint: string | undefined;
  close(): Promise<void>;
}

export interface DaemonOptions {
  readonly signal: AbortSignal;
  readonly log?: Log;
}

/**
 * Runs one node: joins the grid, keeps its lease, and makes what runs here be what the ledger says. Resolves when the
 * node is registered; what was opened is closed when that fails, and when the signal aborts.
 *
 * Identity, contract bodies, the copy of the log and all data survive on disk, so a node resumes without asking for
 * them. Serving needs more: a lease that this process renewed itself, in a log it has verified up to that renewal.
 * A node that was away cannot know what moved meanwhile, and must not act on what it remembers.
 */
export async function runDaemon(config: DaemonConfig, { signal, log = () => undefined }: DaemonOptions): Promise<Daemon> {
  const closers: (() => unknown)[] = [];
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => closing ??= (async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  })();
  try {
    const node = await openNode(config, { signal, log, closers });
    const endpoint = await serve(config, node, { signal, log, closers });
    signal.throwIfAborted();
    signal.addEventListener('abort', () => void close(), { once: true });
    return { id: node.id, endpoint, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Serving {
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Run in reverse order. */
  readonly closers: (() => unknown)[];
}

/** Joins overlay and grid, and sets the work going; returns the overlay endpoint. */
async function serve(config: DaemonConfig, node: Node, { signal, log, closers }: Serving): Promise<string | undefined> {
  const { id, grid, follower, signer, sealing } = node;
  // Set below; until then the lease does not run, so nobody is let in and nothing is served.
  const parts: { membership?: Membership; controller?: Controller } = {};
  const heldForMs = (): number => (follower.status().stopped ? 0 : (parts.membership?.lease().heldForMs ?? 0));
  const leaseHeld = (): boolean => heldForMs() > 0;
  const standing: Standing = { id, grid, follower, signer, sealing, leaseHeld, log };
  const rules = {
    id, leaseHeld,
    state: () => follower.state(),
    bodyOf: (contract: ContractId) => parts.controller?.bodyInForce(contract),
    socketOf: (service: string) => parts.controller?.socketOf(service),
  };
  const services = new Services(rules);
  const joinOverlay = async (): Promise<StartedAgent> => {
    const started = await startOverlay(config, node, { access: (from, service) => mayDial(rules, from, service), log });
    closers.push(() => started.agent.close());
    started.agent.handle((stream, { service }) => services.accept(stream, service));
    return started;
  };
  // The offer names the endpoint, so a listener comes first; who only dials out would be refused as unknown until registered.
  const listening = config.offer.listen && (await joinOverlay());

  const membership = await joinGrid({
    ...node.identity, follower, signal,
    overlayKey: Buffer.from(node.overlay.publicKey).toString('base64url'),
    sealingKey: sealing.recipient,
    offer: offerOf(config, node, listening?.endpoint),
  });
  parts.membership = membership;
  closers.push(() => membership.close());
  const overlay = listening ?? (await joinOverlay());
  const { agent, endpoint } = overlay;

  const controller = startController(config, node, { standing, heldForMs, overlay });
  parts.controller = controller;
  const moves = new MoveWatcher(standing);
  const abandoned = new AbandonedData({
    store: node.store,
    folderOf: (known) => dataFolder(config.state, known),
    lossOf: (known) => {
      const state = follower.state();
      if (!leaseHeld() || isHeldBy(state, id, known)) return undefined;
      // Until its successor has all of it again, this copy may be the one that saves an object.
      if (state.deployments[known.deployment]?.unrestored[known.workload]) return undefined;
      return isActive(state, known.deployment) ? 'moved' : 'ended';
    },
    isRunning: (key) => controller.isRunning(key),
  });
  const sweeper = setInterval(() => void abandoned.sweep().catch(() => log('warn', 'sweep.failed')), SWEEP_MS).unref();
  const share = (): void => {
    controller.shareLease();
    if (leaseHeld()) return;
    log('warn', 'lease.ended');
    services.cut();
    agent.refresh();
  };
  const unsubscribe = [
    membership.onLease(share),
    // A ledger that was caught lying gives no leases: what ran under its word ends now.
    follower.onChange(() => { if (follower.status().stopped) share(); }),
  ];
  controller.shareLease();
  closers.push(async () => {
    for (const each of unsubscribe) each();
    clearInterval(sweeper);
    moves.close();
    // The lease stays with this node until its time is over: it is not renewed, and nobody serves meanwhile.
    await Promise.all([membership.close(), controller.close()]);
    services.cut();
  });
  return endpoint;
}

function startController(config: DaemonConfig, node: Node, o: { standing: Standing; heldForMs: () => number; overlay: StartedAgent }): Controller {
  const { standing, heldForMs, overlay: { agent, endpoint } } = o;
  const { id, follower, capabilities } = node;
  const { leaseHeld } = standing;
  const digests = new Map([...capabilities.engines].map(([name, copies]) => [name, copies.map(({ digest }) => digest)]));
  const grounds = createGrounds({ state: config.state, runDir: config.runDir, engines: capabilities.engines, sources: config.engines, onChange: () => controller.kick() });
  const reporter = new Reporter(standing);
  const resealer = new Resealer(standing);
  let latest: readonly Observation[] = [];
  const status = keepStatus(path.join(config.state, 'status.json'), () => ({
    id, label: config.offer.label, at: new Date().toISOString(), lease: heldForMs(),
    ledger: { size: follower.size(), connected: follower.status().connected },
    overlay: { endpoint, ...agent.status() },
    missing: capabilities.missing,
    workloads: latest.map(({ held, phase, reason }) => ({ deployment: held.deployment, workload: held.workload, epoch: held.epoch, phase, reason, pid: controller.conditionOf(keyOf(held))?.pid })),
  }));
  const controller: Controller = new Controller({
    standing, heldForMs,
    facts: { id, capabilities: capabilities.capabilities, engines: digests },
    drivers: {
      zdb: createZdbDriver(grounds),
      archive: createArchiveDriver({
        ...grounds,
        secretsFor: ({ held }) => openArchiveSecrets(follower.state(), { node: id, deployment: held.deployment, key: node.sealing }),
        openDialSocket: (desired, socket) => openDialProxy({ desired, socket, state: () => follower.state(), leaseHeld, dial: (target, options) => agent.dial(target, options) }),
      }),
    },
    onStart: (key, held) => {
      const folder = dataFolder(config.state, held);
      // An archive counts a store of the same epoch as holding all it ever acknowledged: an empty one must not pose as it.
      if (held.type === 'zdb' && node.store.has(key) && !existsSync(folder)) throw new Error('data_lost: what this node stored for it is gone from its disk; it is not started empty');
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      node.store.remember(key, held);
    },
    onLook: (observations) => {
      latest = observations;
      reporter.observe(observations);
      for (const { held } of observations) {
        const body = controller.bodies.get(held.contract);
        if (body && leaseHeld()) resealer.look(held.deployment, body.workloads);
      }
      // Names, relays and who may dial whom come from the ledger; streams that it no longer backs end here.
      agent.refresh();
      status.touch();
    },
    onClose: () => {
      for (const part of [reporter, resealer, status]) part.close();
    },
  });
  return controller;
}

function offerOf({ offer }: DaemonConfig, { capabilities }: Node, endpoint: string | undefined): Offer {
  const { label, location, capacity, thin, rates } = offer;
  return {
    label, location, capacity, thin, rates,
    endpoints: endpoint ? [endpoint] : [],
    relay: offer.relay && endpoint !== undefined,
    capabilities: capabilities.capabilities,
    engines: [...capabilities.engines].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([name, copies]) => copies.map(({ digest }) => ({ name, digest }))),
  };
}
