import { recompile } from '../../bot/planner/verify.ts';
import type { ContractId, Header } from '../../contract/contract.ts';
import type { Digest } from '../../contract/digest.ts';
import { explainContract, type Explanation, explanationDigest } from '../../contract/explain.ts';
import type { DidKey } from '../../contract/principal.ts';
import { openCosigned, originOf, parseNote } from '../../ledger/checkpoint.ts';
import { equalHash } from '../../ledger/merkle.ts';
import { verifySignatureNoble } from '../../signer/verify-noble.ts';
import { Refused } from '../refusal.ts';
import { type Contract, fetchBlueprint, fetchContract } from './material.ts';
import { Replay } from './replay.ts';
import type { CheckSignatures } from './signatures.ts';
import type { LedgerSource } from './source.ts';
import { nameOf, type Speaker, speakerOf, type Standing, standingOf } from './standing.ts';

/** Longest log that a page replays: a few minutes' work. */
const MAX_ENTRIES = 500_000;
/** Entries applied before the thread looks up. */
const STEP = 250;
const DISTRUST = 'do not sign it, and do not trust what runs under it';

export interface Progress { readonly step: 'fetch' | 'replay' | 'recompile'; readonly done: number; readonly total: number }

/** A contract that was recompiled to its id from the ledger's own entries. */
export interface Reviewed {
  readonly header: Header;
  readonly grid: { readonly digest: Digest; readonly name: string };
  readonly explanation: Explanation;
  /** What an approval names as seen. */
  readonly digest: Digest;
  readonly standing: Standing;
  /** What the ledger calls the ids that stand in the explanation. */
  readonly names: ReadonlyMap<string, string>;
}

/** Checks one contract against the ledger, and follows what is decided on it. */
export class Review {
  readonly #source: LedgerSource;
  readonly #contract: ContractId;
  readonly #onProgress: (progress: Progress) => void;
  readonly #replay: Replay;
  #explanation: Digest | undefined;
  #isSound = true;

  constructor(options: { source: LedgerSource; contract: ContractId; check: CheckSignatures; onProgress: (progress: Progress) => void }) {
    this.#source = options.source;
    this.#contract = options.contract;
    this.#onProgress = options.onProgress;
    this.#replay = new Replay(options.check);
  }

  /** False once the log itself was wrong: what was applied half is nothing to go on from. Who could not be reached can be asked again. */
  get isSound(): boolean { return this.#isSound; }

  /** Everything at once. @throws Refused when anything is not as it must be: then nothing may be signed. */
  async open(): Promise<Reviewed> {
    this.#onProgress({ step: 'fetch', done: 0, total: 1 });
    const contract = await fetchContract(this.#source, this.#contract);
    const { header } = contract;
    const blueprint = await fetchBlueprint(this.#source, header.blueprint.digest);
    const base = header.supersedes === undefined ? undefined : await fetchContract(this.#source, header.supersedes);
    const { size } = header.derivation.ledger;

    const note = await this.#source.checkpoint();
    const total = sizeOf(note);
    if (size > total) throw new Refused('log_shorter', `the contract was made from ${size} entries, the ledger shows ${total}`, DISTRUST);
    await this.#replayTo(size, total);
    const { grid } = this.#replay.state;
    if (!grid || grid.digest !== header.grid) throw new Refused('grid_mismatch', `the contract is for grid ${header.grid}, this ledger is of ${grid?.digest ?? 'none'}`, DISTRUST);
    this.#onProgress({ step: 'recompile', done: 0, total: 1 });
    const verdict = recompile(contract, { state: this.#replay.state, ledger: { size, root: this.#replay.rootHex }, blueprint: { parsed: blueprint, digest: header.blueprint.digest } });
    if (!verdict.ok) throw new Refused(verdict.code, verdict.message, verdict.code === 'planner_mismatch' ? 'sign it with the version of 3bot that compiled it' : DISTRUST);
    await this.#replayTo(total, total);
    this.#checkNote(note);
    return this.#reviewed(contract, base);
  }

  /** Reads on to the ledger's present end. @throws Refused as open. */
  async refresh(): Promise<Standing> {
    const note = await this.#source.checkpoint();
    const total = sizeOf(note);
    if (total < this.#replay.size) throw new Refused('log_shorter', `the bot showed ${this.#replay.size} entries of the ledger, and now shows ${total}`, 'try again in a moment; if it stays, do not sign it');
    await this.#replayTo(total, total);
    this.#checkNote(note);
    return this.#standing();
  }

  speaker(key: DidKey): Speaker {
    return speakerOf(this.#replay.state, this.#contract, key);
  }

  async #replayTo(size: number, total: number): Promise<void> {
    let left: readonly unknown[] = [];
    while (this.#replay.size < size) {
      if (left.length === 0) left = await this.#source.entries(this.#replay.size);
      const step = left.slice(0, Math.min(STEP, size - this.#replay.size));
      left = left.slice(step.length);
      this.#isSound = false;
      await this.#replay.append(step);
      this.#isSound = true;
      this.#onProgress({ step: 'replay', done: this.#replay.size, total });
    }
  }

  /** The ledger's own signature over exactly these entries. */
  #checkNote(note: string): void {
    this.#isSound = false;
    const { grid } = this.#replay.state;
    if (!grid) throw new Refused('grid_missing', 'the ledger is empty', DISTRUST);
    const opened = openCosigned(note, { origin: originOf(grid.digest), key: grid.payload.ledger, verify: verifySignatureNoble });
    if (!opened.ok) throw new Refused(opened.code, opened.message, DISTRUST);
    if (opened.checkpoint.size !== this.#replay.size || !equalHash(opened.checkpoint.root, this.#replay.root)) {
      throw new Refused('root_mismatch', `the ledger signed another log of ${opened.checkpoint.size} entries than it shows`, DISTRUST);
    }
    this.#isSound = true;
  }

  #reviewed(contract: Contract, base: Contract | undefined): Reviewed {
    const { state } = this.#replay;
    const { header } = contract;
    const explanation = explainContract(contract, base);
    this.#explanation = explanationDigest(explanation);
    const ids = JSON.stringify(explanation).match(/sha256:[0-9a-f]{64}/g) ?? [];
    const names = new Map([...new Set(ids)].flatMap((id) => { const name = nameOf(state, id); return name === undefined ? [] : [[id, name] as const]; }));
    return { header, grid: { digest: header.grid, name: state.grid?.payload.name ?? '' }, explanation, digest: this.#explanation, standing: this.#standing(), names };
  }

  #standing(): Standing {
    const standing = this.#explanation && standingOf(this.#replay.state, this.#contract, this.#explanation);
    if (!standing) throw new Refused('contract_unknown', 'nobody has proposed this contract on this ledger', 'ask its author to propose it, or open the link again later');
    return standing;
  }
}

/** How many entries a note says there are; nothing of it is verified yet. */
function sizeOf(note: string): number {
  const size = parseNote(note)?.checkpoint.size;
  if (size === undefined) throw new Refused('checkpoint_invalid', 'the ledger shows no signed note over its log', DISTRUST);
  if (size > MAX_ENTRIES) throw new Refused('log_too_long', `the ledger has ${size} entries, a page replays at most ${MAX_ENTRIES}`, 'use `3bot contract explain` and `3bot contract approve` instead');
  return size;
}
