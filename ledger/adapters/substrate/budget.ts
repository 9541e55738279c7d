import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { z } from 'zod';
import type { PrincipalId } from '../../../contract/principal.ts';
import type { Refusal } from '../../ports.ts';
import type { LedgerState, OpenedEntry } from '../../state/machine.ts';
import { isNamed } from '../../state/principals.ts';

/**
 * How much a day (UTC, by this machine's clock) the account pays for. Counted are bytes that are signed, since what a
 * byte costs is only the endpoint's word; each entry counts ENTRY_BYTES more.
 */
export interface BudgetLimits {
  /** All together whom the grid has no reason to hear: anybody can be as many of those as he likes. */
  readonly strangers: number;
  /** Each principal whom the grid has a reason to hear. */
  readonly principal: number;
  /** All extrinsics together, also those that are signed anew. */
  readonly total: number;
}

export const DEFAULT_BUDGET: BudgetLimits = { strangers: 1024 * 1024, principal: 8 * 1024 * 1024, total: 256 * 1024 * 1024 };
/** What an entry costs beside its bytes. */
export const ENTRY_BYTES = 128;
const DAY_MS = 86_400_000;
/** Beside the copy of the log: what was signed for today. Its loss gives one day's budget again. */
export const SPENT_FILE = 'chain-spent';
const Spent = z.strictObject({ day: z.int().min(0), strangers: z.int().min(0), total: z.int().min(0) });

/** For whom the account pays: the ledger's own entries, a principal, or somebody whom the grid has no reason to hear. */
export type Speaker = { readonly of: 'ledger' } | { readonly of: 'principal'; readonly id: PrincipalId } | { readonly of: 'strangers' };

/** Bounds what others can make the account pay. What each principal spent is forgotten at a restart, the sums are not. */
export class FeeBudget {
  readonly #limits: BudgetLimits;
  readonly #file: string;
  readonly #now: () => number;
  readonly #principals = new Map<PrincipalId, number>();
  #spent: z.infer<typeof Spent>;

  constructor({ file, limits, now = Date.now }: { file: string; limits?: Partial<BudgetLimits> | undefined; now?: (() => number) | undefined }) {
    this.#limits = { ...DEFAULT_BUDGET, ...limits };
    this.#file = file;
    this.#now = now;
    const kept = Spent.safeParse(readJson(file));
    this.#spent = kept.success ? kept.data : { day: 0, strangers: 0, total: 0 };
  }

  /** Undefined when the account may pay for so many bytes of this speaker's; nothing is counted yet. */
  refuse(speaker: Speaker, bytes: number): Refusal | undefined {
    this.#turnDay();
    if (speaker.of === 'ledger') return undefined;
    const cost = bytes + ENTRY_BYTES;
    if (speaker.of === 'strangers') {
      if (this.#spent.strangers + cost <= this.#limits.strangers) return undefined;
      return refused(`the account has paid today for ${this.#spent.strangers} bytes of principals whom this grid does not know yet`, 'ask the grid to credit the principal, to attest the node, or to name it in an organisation; or come again tomorrow (UTC)');
    }
    const spent = this.#principals.get(speaker.id) ?? 0;
    if (spent + cost <= this.#limits.principal) return undefined;
    return refused(`the account has paid today for ${spent} bytes of principal ${speaker.id}, of ${this.#limits.principal}`, 'come again tomorrow (UTC), or put the envelopes on the chain with an account of your own');
  }

  /** Counts an entry that is going to be paid for; `giveBack` when it was not. */
  charge(speaker: Speaker, bytes: number): void {
    this.#add(speaker, bytes + ENTRY_BYTES);
  }

  giveBack(speaker: Speaker, bytes: number): void {
    this.#add(speaker, -bytes - ENTRY_BYTES);
  }

  /** Counts an extrinsic, durably, before it is signed; a refusal when the day's sum does not allow it. */
  sign(bytes: number): Refusal | undefined {
    this.#turnDay();
    if (this.#spent.total + bytes > this.#limits.total) return refused(`the account has signed ${this.#spent.total} bytes today, of ${this.#limits.total}`, 'find out who sends so much, or whether the chain\'s node lies about what it took in; it goes on tomorrow (UTC)');
    this.#spent.total += bytes;
    this.#write();
    return undefined;
  }

  #add(speaker: Speaker, bytes: number): void {
    if (speaker.of === 'strangers') this.#spent.strangers = Math.max(0, this.#spent.strangers + bytes);
    if (speaker.of === 'principal') this.#principals.set(speaker.id, Math.max(0, (this.#principals.get(speaker.id) ?? 0) + bytes));
  }

  /** A clock that is set back does not begin a new day. */
  #turnDay(): void {
    const day = Math.floor(this.#now() / DAY_MS);
    if (day <= this.#spent.day) return;
    this.#spent = { day, strangers: 0, total: 0 };
    this.#principals.clear();
  }

  #write(): void {
    const draft = `${this.#file}.new`;
    const fd = openSync(draft, 'w', 0o644);
    try {
      writeSync(fd, JSON.stringify(this.#spent));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(draft, this.#file);
  }
}

/**
 * Whom the grid has a reason to hear: whom it names, nodes that were attested, members of its organisations, whoever has
 * credit, and requesters of contracts that are open or in force. All others can be made up by anybody, for nothing.
 */
export function speakerOf(state: LedgerState, { entry, key, payloadDigest }: OpenedEntry): Speaker {
  const { kind, payload } = entry;
  if (kind === 'grid.created' || kind === 'tick') return { of: 'ledger' };
  if (kind === 'principal.created') {
    const grid = state.grid?.payload;
    const named = grid && [grid.authors, grid.attestors, grid.issuers, grid.organisations].some((keys) => keys.includes(key));
    return named ? { of: 'principal', id: payloadDigest } : { of: 'strangers' };
  }
  return isKnown(state, payload.by) ? { of: 'principal', id: payload.by } : { of: 'strangers' };
}

function isKnown(state: LedgerState, by: PrincipalId): boolean {
  if ((['authors', 'attestors', 'issuers', 'organisations'] as const).some((as) => isNamed(state, as, by))) return true;
  if (state.nodes[by]) return state.nodes[by].attested !== null;
  if ((state.balances[by] ?? '0') !== '0') return true;
  const isMember = Object.entries(state.organisations).some(([id, { roles }]) => isNamed(state, 'organisations', id as PrincipalId) && Object.values(roles).some((members) => members.includes(by)));
  return isMember || Object.keys(state.live).some((id) => state.contracts[id as keyof typeof state.contracts]?.header.requester === by);
}

function refused(message: string, hint: string): Refusal {
  return { ok: false, code: 'fee_budget', message, hint };
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
