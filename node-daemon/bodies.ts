import type { Body, ContractId, Header } from '../contract/contract.ts';
import type { Follower } from '../ledger/follower.ts';
import { type HeldWorkload } from './holdings.ts';
import { type Verified, verifyBody } from './verify.ts';

const RETRY_MS = 2000;

/** Bodies of the contracts that this node works for, each checked against its header before anyone sees it. */
export class Bodies {
  readonly #follower: Follower;
  readonly #onArrival: () => void;
  readonly #bytes = new Map<ContractId, Uint8Array>();
  readonly #verified = new Map<ContractId, Body>();
  /** Why the last attempt to fetch one failed. */
  readonly #trouble = new Map<ContractId, string>();
  readonly #fetching = new Map<ContractId, NodeJS.Timeout | undefined>();
  #closed = false;

  constructor(follower: Follower, onArrival: () => void) {
    this.#follower = follower;
    this.#onArrival = onArrival;
  }

  /** The checked body of a contract, if it is here. */
  get(contract: ContractId): Body | undefined {
    return this.#verified.get(contract);
  }

  /** Checks the body for one holding; undefined while it is being fetched (onArrival is called then). */
  check(header: Header, held: HeldWorkload): Verified | undefined {
    const known = this.#verified.get(held.contract);
    const workload = known?.workloads.find((w) => w.name === held.workload);
    if (known && workload?.type === held.type) return { ok: true, header, body: known, workload };
    const bytes = this.#bytes.get(held.contract);
    if (!bytes) {
      this.#fetch(header, held.contract);
      return undefined;
    }
    const verified = verifyBody(header, held, bytes);
    if (verified.ok) {
      this.#verified.set(held.contract, verified.body);
      this.#bytes.delete(held.contract);
    }
    return verified;
  }

  /** What a holding waits for while check() has no answer. */
  waitingFor(contract: ContractId): string {
    const trouble = this.#trouble.get(contract);
    return trouble === undefined ? 'fetching the body of the contract' : `the body of the contract cannot be fetched: ${trouble}`;
  }

  /** Forgets all but these. */
  keep(contracts: ReadonlySet<ContractId>): void {
    for (const map of [this.#bytes, this.#verified, this.#trouble]) for (const id of map.keys()) if (!contracts.has(id)) map.delete(id);
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#fetching.values()) clearTimeout(timer);
    this.#fetching.clear();
  }

  #fetch(header: Header, contract: ContractId): void {
    if (this.#fetching.has(contract) || this.#closed) return;
    this.#fetching.set(contract, undefined);
    this.#follower.getBlob(header.bodyDigest).then(
      (bytes) => {
        this.#bytes.set(contract, bytes);
        this.#trouble.delete(contract);
        this.#fetching.delete(contract);
        if (!this.#closed) this.#onArrival();
      },
      (error: unknown) => {
        if (this.#closed) return;
        this.#trouble.set(contract, error instanceof Error ? error.message : 'unknown');
        this.#fetching.set(contract, setTimeout(() => {
          this.#fetching.delete(contract);
          this.#onArrival();
        }, RETRY_MS).unref());
      },
    );
  }
}
