import type { Body, ContractId } from '../contract/contract.ts';
import { engineOf } from '../contract/workload.ts';
import type { Condition, Driver, Running } from './driver.ts';
import { Bodies } from './bodies.ts';
import { type HeldWorkload, holdingsOf, isHeldBy, keyOf, slotsOf } from './holdings.ts';
import { type Desired, reconcile, type Step } from './reconcile.ts';
import type { Observation } from './report.ts';
import { missingSecret } from './secrets.ts';
import type { Standing } from './standing.ts';
import { type OwnFacts, verifyHeader } from './verify.ts';

/** Entries arrive in bursts: one look serves them all. */
const COALESCE_MS = 50;
/** A look even if nothing was heard. */
const LOOK_MS = 2000;
const INSPECT_MS = 10_000;
const RETRY_START_MS = 2000;
/** Versions that may be signed before the body of one of them arrives. */
const MAX_VERSIONS_BEHIND = 8;

export interface ControllerOptions {
  readonly standing: Standing;
  readonly facts: OwnFacts;
  readonly drivers: Readonly<Record<'zdb' | 'archive', Driver>>;
  readonly heldForMs: () => number;
  readonly onStart: (key: string, held: HeldWorkload) => void;
  /** Called after each look with how every holding is. */
  readonly onLook: (observations: readonly Observation[]) => void;
  readonly onClose: () => void;
}

/** Makes what runs here be what the ledger says: follow, verify, plan, act; again at every change. */
export class Controller {
  readonly #o: ControllerOptions;
  readonly bodies: Bodies;
  readonly #running = new Map<string, Running>();
  readonly #stopping = new Map<string, Promise<void>>();
  /** What each holding should be by the last contract whose body was verified here. */
  readonly #judged = new Map<string, Desired>();
  readonly #failedStarts = new Map<string, { reason: string; at: number }>();
  readonly #timers: NodeJS.Timeout[];
  readonly #unsubscribe: () => void;
  #soon: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #closed = false;

  constructor(options: ControllerOptions) {
    this.#o = options;
    const { follower } = options.standing;
    this.bodies = new Bodies(follower, () => this.kick());
    this.#unsubscribe = follower.onChange(() => {
      // A workload that the ledger took away is fenced before anything else happens.
      for (const running of this.#running.values()) if (!this.#holds(running)) running.lease(0);
      this.kick();
    });
    this.#timers = [setInterval(() => this.kick(), LOOK_MS).unref(), setInterval(() => this.#inspect(), INSPECT_MS).unref()];
    this.kick();
  }

  /** To be called when the lease was renewed or has ended: passes it on, to what the ledger still gives to this node only. */
  shareLease(): void {
    const heldForMs = this.#o.heldForMs();
    for (const running of this.#running.values()) running.lease(this.#holds(running) ? heldForMs : 0);
    this.kick();
  }

  kick(): void {
    if (this.#closed) return;
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      if (this.#looking) return this.kick();
      this.#looking = this.#look()
        .catch((error: unknown) => this.#o.standing.log('warn', 'look.failed', { reason: messageOf(error) }))
        .finally(() => { this.#looking = undefined; });
    }, COALESCE_MS).unref();
  }

  socketOf(service: string): string | undefined {
    return this.#running.get(service)?.socket;
  }

  /** The body of a contract; while an update's is on the way, that of the version which it replaces. */
  bodyInForce(contract: ContractId): Body | undefined {
    const { contracts } = this.#o.standing.follower.state();
    for (let id: ContractId | undefined = contract, n = 0; id !== undefined && n < MAX_VERSIONS_BEHIND; id = contracts[id]?.header.supersedes, n++) {
      const body = this.bodies.get(id);
      if (body) return body;
    }
    return undefined;
  }

  isRunning(key: string): boolean {
    return this.#running.has(key) || this.#stopping.has(key);
  }

  conditionOf(key: string): Condition | undefined {
    return this.#running.get(key)?.condition();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#soon);
    for (const timer of this.#timers) clearInterval(timer);
    this.#unsubscribe();
    this.bodies.close();
    await this.#looking;
    this.#o.onClose();
    for (const key of [...this.#running.keys()]) this.#stop(key);
    await Promise.all(this.#stopping.values());
  }

  async #look(): Promise<void> {
    const { standing, onLook } = this.#o;
    const held = holdingsOf(standing.follower.state(), standing.id);
    for (const key of this.#judged.keys()) if (!held.some((h) => keyOf(h) === key)) this.#judged.delete(key);
    // An update's body may still be on the way: until then what it replaces counts, for the dialling too.
    this.bodies.keep(new Set([...held.map((h) => h.contract), ...[...this.#judged.values()].map((d) => d.held.contract)]));
    for (const key of this.#failedStarts.keys()) if (!held.some((h) => keyOf(h) === key)) this.#failedStarts.delete(key);
    const refused = new Map<string, Observation>();
    const desired: Desired[] = [];
    for (const holding of held) {
      const judged = this.#judge(holding);
      if ('key' in judged) desired.push(judged);
      else refused.set(keyOf(holding), judged);
    }
    const leaseHeld = this.#o.heldForMs() > 0;
    for (const step of reconcile({ desired, actual: [...this.#running.values()], leaseHeld })) await this.#act(step);
    onLook(held.map((holding) => refused.get(keyOf(holding)) ?? this.#observe(holding, desired.find((d) => d.key === keyOf(holding)))));
  }

  /** What a holding should be, or why not. */
  #judge(held: HeldWorkload): Desired | Observation {
    const { standing, facts } = this.#o;
    const state = standing.follower.state();
    const header = verifyHeader(state, held, facts);
    const verified = header.ok ? this.bodies.check(header.header, held) : header;
    if (!verified) {
      // An update was signed and its body is on the way: until it is here, what it replaces runs on, with the slots of now.
      const before = this.#judged.get(keyOf(held));
      if (header.ok && before) return before.workload.type === 'archive' ? { ...before, slots: slotsOf(state, held.deployment, before.workload.spec.slots) } : before;
      return { held, phase: 'starting', reason: this.bodies.waitingFor(held.contract) };
    }
    if (!verified.ok) return { held, phase: 'failed', reason: `${verified.code}: ${verified.message}` };
    const { workload } = verified;
    const engine = verified.header.engines.find((e) => e.name === engineOf(workload.type))?.digest;
    const missing = missingSecret(state, standing.id, held.deployment, workload);
    const desired: Desired = {
      key: keyOf(held), held, workload, ...(engine && { engine }),
      slots: workload.type === 'archive' ? slotsOf(state, held.deployment, workload.spec.slots) : [],
      ...(missing !== undefined && { waitingFor: `waiting for secret ${missing}` }),
    };
    this.#judged.set(desired.key, desired);
    return desired;
  }

  async #act(step: Step): Promise<void> {
    const { standing, drivers, onStart } = this.#o;
    switch (step.type) {
      case 'stop':
        return this.#stop(step.key);
      case 'update-slots':
        return this.#running.get(step.key)?.updateSlots(step.slots);
      case 'start': {
        const { desired } = step;
        const { type } = desired.workload;
        if (this.#closed || this.#stopping.has(desired.key) || (type !== 'zdb' && type !== 'archive')) return;
        if (performance.now() - (this.#failedStarts.get(desired.key)?.at ?? -Infinity) < RETRY_START_MS) return;
        try {
          onStart(desired.key, desired.held);
          const running = await drivers[type].start(desired);
          this.#running.set(desired.key, running);
          this.#failedStarts.delete(desired.key);
          running.lease(this.#holds(running) ? this.#o.heldForMs() : 0);
          standing.log('info', 'workload.started', { workload: desired.key });
        } catch (error) {
          this.#failedStarts.set(desired.key, { reason: messageOf(error), at: performance.now() });
          standing.log('warn', 'workload.not_started', { workload: desired.key, reason: messageOf(error) });
        }
      }
    }
  }

  #stop(key: string): void {
    const running = this.#running.get(key);
    if (!running) return;
    running.lease(0);
    this.#running.delete(key);
    this.#stopping.set(key, running.stop()
      .catch((error: unknown) => this.#o.standing.log('warn', 'workload.not_stopped', { workload: key, reason: messageOf(error) }))
      .finally(() => {
        this.#stopping.delete(key);
        // Its successor, an update of the same, waits for this.
        this.kick();
      }));
    this.#o.standing.log('info', 'workload.stopped', { workload: key });
  }

  #observe(held: HeldWorkload, desired: Desired | undefined): Observation {
    const running = this.#running.get(keyOf(held));
    if (running) {
      const { phase, reason, measured, complete } = running.condition();
      return { held, phase, reason, ...(measured && { measured }), ...(complete && { complete }) };
    }
    const failed = this.#failedStarts.get(keyOf(held))?.reason;
    return { held, phase: failed ? 'failed' : 'starting', reason: failed ?? desired?.waitingFor ?? 'waiting for the lease' };
  }

  #holds({ desired }: Running): boolean {
    return isHeldBy(this.#o.standing.follower.state(), this.#o.standing.id, desired.held);
  }

  #inspect(): void {
    for (const running of this.#running.values()) void running.inspect();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 300) : 'unknown';
}

