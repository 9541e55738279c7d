import type { Kind } from '../../contract/entry.ts';
import type { DidKey, PrincipalId } from '../../contract/principal.ts';
import { digestOf } from '../../contract/digest.ts';
import type { EntrySigner } from '../../contract/envelope.ts';
import { ACTS } from './acts.ts';
import type { Deal, Facts } from './facts.ts';
import type { Saying, Scene } from './scene.ts';

/** What to do, as small numbers that are read against the grid as it is: so that a sequence can be cut and still says something. */
export type Command = readonly [act: number, a: number, b: number, c: number, flaw: number];
/** From 0: nothing is wrong below the first of these. */
export const FLAWS = 24;
const OTHER_KEY = 16;
const FOREIGN_KEY = 17;
const OTHER_GRID = 18;
const LATER = 19;
const SPOILT = 20;
/** Entries kept for replays and reordering. */
const MAX_KEPT = 200;

/** A saying and the clock of whoever writes the log, in ms since the epoch; the clock may be set back. */
export interface Moment { readonly at: number; readonly saying: Saying }

/** Reads commands against the facts and says what the people, nodes and strangers of the grid then say. */
export class Actor {
  readonly facts: Facts;
  readonly scene: Scene;
  clock: number;
  /** Numbers what must differ from all before. */
  count = 0;
  readonly #settle: (moment: Moment) => void;
  readonly #held: Saying[] = [];
  readonly #said: Saying[] = [];

  /** `settle` is called with what is said, and has written it into the facts, if it was accepted, when it returns. */
  constructor({ facts, scene, settle }: { facts: Facts; scene: Scene; settle: (moment: Moment) => void }) {
    this.facts = facts;
    this.scene = scene;
    this.clock = Date.parse(scene.time);
    this.#settle = settle;
  }

  do([act, a, b, c, flaw]: Command): void {
    this.wait(this.scene.setting.stepMs);
    ACTS[act % ACTS.length]!(this, { a, b, c, flaw });
  }

  /** Lets the clock go on, or sets it back. */
  wait(ms: number): void {
    if (ms > 0 || this.scene.setting.stepMs === 0) this.clock += ms;
    this.facts.ask(this.#now());
  }

  /** Somebody says something with one of their keys, or does something wrong. */
  say(kind: Kind, by: PrincipalId, payload: object, { flaw = 0, n = 0 }: { flaw?: number; n?: number } = {}): void {
    const keys = this.facts.keysOf(by);
    const all = this.facts.people.get(by)?.keys.map((k) => k.key) ?? [];
    const others = [...this.facts.people.values()].flatMap((who) => who.keys.map((k) => k.key));
    const key = flaw === FOREIGN_KEY ? pick(others, n) : flaw === OTHER_KEY ? pick([...all, this.scene.spare[n % this.scene.spare.length]!.key], n) : pick(keys, n) ?? pick(all, n);
    const signer = key && this.scene.signers.get(key);
    if (!signer) return;
    this.utter({ kind, payload: { grid: flaw === OTHER_GRID ? digestOf('another grid') : this.facts.grid!.digest, by, ...payload }, signer }, flaw);
  }

  /** As it is; some are held back, to be said later and in another order. */
  utter(saying: Saying, flaw = 0): void {
    if (flaw === LATER) {
      if (this.#held.length < MAX_KEPT) this.#held.push(saying);
      return;
    }
    if (this.#said.length < MAX_KEPT) this.#said.push(saying);
    this.#tell(saying);
  }

  /** What was held back, last first. */
  release(): void {
    for (const saying of this.#held.splice(0).reverse()) this.utter(saying);
  }

  repeat(n: number): void {
    const saying = pick(this.#said, n);
    if (saying) this.#tell(saying);
  }

  signerOf(key: DidKey): EntrySigner | undefined {
    return this.scene.signers.get(key);
  }

  /** A contract: one in this state if there is one, or any. */
  deal(status: 'proposed' | 'active', n: number): Deal | undefined {
    return pick(this.facts.live(status), n) ?? pick([...this.facts.deals.values()], n);
  }

  #tell(saying: Saying): void {
    this.#settle({ at: this.clock, saying });
    this.facts.ask(this.#now());
  }

  #now(): string {
    const clock = new Date(this.clock).toISOString();
    return clock < this.facts.time ? this.facts.time : clock;
  }
}

export function isSpoilt(flaw: number): boolean {
  return flaw >= SPOILT;
}

export function pick<T>(items: readonly T[], n: number): T | undefined {
  return items[n % items.length];
}
