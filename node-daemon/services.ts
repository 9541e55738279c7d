import { createConnection, type Socket } from 'node:net';
import { type Duplex, pipeline } from 'node:stream';
import type { Body, ContractId, DeploymentId } from '../contract/contract.ts';
import type { PrincipalId } from '../contract/principal.ts';
import type { LedgerState } from '../ledger/state/machine.ts';

/** Streams that one node serves at once, over all its services. */
const MAX_OPEN_STREAMS = 4096;
const MAX_EPOCH = 1_000_000;

export interface ServiceAddress {
  readonly deployment: DeploymentId;
  readonly workload: string;
  readonly epoch: number;
}

/** Parses `<deployment>/<workload>@<epoch>`; what is not exactly that is no service. */
export function parseService(service: string): ServiceAddress | undefined {
  const match = /^(sha256:[0-9a-f]{64})\/([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)@([1-9][0-9]{0,6})$/.exec(service);
  if (!match?.[1] || !match[2] || Number(match[3]) > MAX_EPOCH) return undefined;
  return { deployment: match[1] as DeploymentId, workload: match[2], epoch: Number(match[3]) };
}

export interface ServiceRules {
  readonly state: () => LedgerState;
  /** Bodies that were verified against their headers. */
  bodyOf(contract: ContractId): Body | undefined;
  readonly id: PrincipalId;
  readonly leaseHeld: () => boolean;
  /** Unix socket of a service that runs here now. */
  socketOf(service: string): string | undefined;
}

/**
 * Whether `from` may use a service of this node. Denied unless, by the ledger as it is now, this node holds the
 * workload at exactly this epoch and `from` holds a workload of the same deployment that is signed to dial it.
 */
export function mayDial(rules: ServiceRules, from: string, service: string): boolean {
  const address = parseService(service);
  if (!address || !rules.leaseHeld()) return false;
  const state = rules.state();
  const record = Object.hasOwn(state.deployments, address.deployment) ? state.deployments[address.deployment] : undefined;
  if (!record || state.contracts[record.contract]?.status !== 'active' || !Object.hasOwn(record.holdings, address.workload)) return false;
  const held = record.holdings[address.workload];
  if (held?.node !== rules.id || held.epoch !== address.epoch) return false;
  const body = rules.bodyOf(record.contract);
  return body?.workloads.some((w) => w.dials.includes(address.workload) && record.holdings[w.name]?.node === from) ?? false;
}

/** Serves the streams that the overlay let in: each is joined to the Unix socket of its service. */
export class Services {
  readonly #rules: ServiceRules;
  readonly #open = new Set<Duplex>();

  constructor(rules: ServiceRules) {
    this.#rules = rules;
  }

  accept(stream: Duplex, service: string): void {
    const socketPath = this.#rules.leaseHeld() ? this.#rules.socketOf(service) : undefined;
    if (socketPath === undefined || this.#open.size >= MAX_OPEN_STREAMS) {
      stream.on('error', () => undefined);
      stream.destroy();
      return;
    }
    this.#open.add(stream);
    const socket: Socket = createConnection({ path: socketPath, allowHalfOpen: true });
    join(stream, socket);
    stream.once('close', () => this.#open.delete(stream));
  }

  /** Ends every stream: the lease is over, or the daemon stops. */
  cut(): void {
    for (const stream of this.#open) stream.destroy();
  }
}

/** Joins two byte streams both ways with backpressure; each half ends apart, an error ends both. */
export function join(a: Duplex, b: Duplex): void {
  const drop = (error: unknown): void => {
    if (!error) return;
    a.destroy();
    b.destroy();
  };
  pipeline(a, b, drop);
  pipeline(b, a, drop);
}
