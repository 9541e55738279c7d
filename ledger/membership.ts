import { randomBytes } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { canonicalize } from '../contract/canonical.ts';
import { Digest, digestOf } from '../contract/digest.ts';
import type { Kind, Payload } from '../contract/entry.ts';
import { type EntrySigner, type Envelope, sealEnvelope } from '../contract/envelope.ts';
import type { PrincipalId} from '../contract/principal.ts';
import { DidKey, PrincipalKind } from '../contract/principal.ts';
import { LedgerError } from './client.ts';
import type { Follower } from './follower.ts';
import { LeaseClock } from './lease-clock.ts';
import type { SubmitResult } from './ports.ts';

/** Renewals in the time of one lease. */
const RENEWALS_PER_LEASE = 3;
/** Part of the lease that is not used: two clocks may run at rates this far apart. */
const LEASE_MARGIN = 0.1;
/** Part of a lease that one renewal may take; then a new one, with a later reading of the clock, is worth more. */
const RENEWAL_TIMEOUT = 0.5;
const MIN_RETRY_MS = 200;
const MAX_RETRY_MS = 2000;
/** Refusals that come from an own copy that lags behind the log. */
const LAGGING = new Set(['stale_revision', 'principal_exists', 'entries_withheld']);
/** Answers of the ledger after which it must be settled; a ledger that is away is waited for. */
const MAX_ANSWERS = 20;

export class MembershipError extends Error {
  override readonly name = 'MembershipError';
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export type Offer = Omit<Payload<'node.offer'>, 'grid' | 'by' | 'revision'>;

/** A node's or gateway's standing on the grid. While the lease runs, no other node can be given what it holds. */
export interface Membership {
  readonly id: PrincipalId;
  /** What is left of the lease, by this machine's clocks; 0 when it does not run. */
  lease(): { heldForMs: number };
  /** Called after each renewal and when the lease ends; returns how to stop it. */
  onLease(listener: () => void): () => void;
  close(): Promise<void>;
}

export interface IdentityOptions {
  readonly grid: Digest;
  readonly signer: EntrySigner;
  readonly kind: 'node' | 'gateway';
  readonly name: string;
  /** Remembers the inception, so that there is one identity however often the process starts. */
  readonly stateFile: string;
}

export interface MembershipOptions extends Omit<IdentityOptions, 'grid'> {
  readonly follower: Follower;
  /** base64url of 32 bytes. */
  readonly overlayKey: string;
  /** `age1…` */
  readonly sealingKey: string;
  readonly offer: Offer;
  readonly signal: AbortSignal;
}

const Inception = z.strictObject({ grid: Digest, kind: PrincipalKind, name: z.string(), keys: z.tuple([DidKey]), nonce: z.string() });

/**
 * This process's principal: read from the state file, or made and remembered there durably *before* anything is
 * submitted, so that a crash in between cannot make a second one.
 * @throws MembershipError identity_mismatch when the file belongs to another key or grid.
 */
export async function prepareIdentity(o: IdentityOptions): Promise<{ id: PrincipalId; inception: Payload<'principal.created'> }> {
  let text: string | undefined;
  try {
    text = await readFile(o.stateFile, 'utf8');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  if (text === undefined) {
    const inception = { grid: o.grid, kind: o.kind, name: o.name, keys: [o.signer.key], nonce: randomBytes(16).toString('hex') };
    await writeDurably(o.stateFile, canonicalize(inception));
    return { id: digestOf(inception), inception };
  }
  const parsed = Inception.safeParse(parseJson(text));
  if (!parsed.success) throw new MembershipError('identity_mismatch', `${o.stateFile} is not an identity file`);
  const inception = parsed.data;
  if (inception.grid !== o.grid) throw new MembershipError('identity_mismatch', `this state belongs to grid ${inception.grid}, the ledger is grid ${o.grid}`);
  if (inception.keys[0] !== o.signer.key || inception.kind !== o.kind) throw new MembershipError('identity_mismatch', `this state belongs to ${inception.kind} ${inception.keys[0]}, the key is ${o.signer.key}`);
  return { id: digestOf(inception), inception };
}

/**
 * Registers this principal and its offer if the ledger does not have them yet, then keeps its lease. Resolves when the
 * verified log shows both; the first lease comes later (onLease).
 * @throws MembershipError when the ledger refuses; the signal's reason when aborted.
 */
export async function joinGrid(o: MembershipOptions): Promise<Membership> {
  const { follower, signer, signal } = o;
  const gridRecord = await follower.waitFor((s) => s.grid ?? undefined, { signal });
  const grid = gridRecord.digest;
  const { id, inception } = await prepareIdentity({ ...o, grid });
  const say = (kind: Kind, payload: object) => sealEnvelope(kind, payload, signer);

  const own = () => follower.state().nodes[id];
  await ensure(o, id, [
    { there: () => follower.state().principals[id] !== undefined, entry: () => say('principal.created', inception) },
    {
      there: () => {
        const node = own();
        if (node && (node.overlayKey !== o.overlayKey || node.sealingKey !== o.sealingKey)) throw new MembershipError('identity_mismatch', 'the ledger has other overlay or sealing keys for this principal');
        return node !== undefined;
      },
      entry: () => say('node.registered', { grid, by: id, overlayKey: o.overlayKey, sealingKey: o.sealingKey }),
    },
    {
      there: () => {
        const offer = own()?.offer;
        if (!offer) return false;
        const { grid: _grid, by: _by, revision: _revision, ...known } = offer;
        return digestOf(known) === digestOf(o.offer);
      },
      entry: () => say('node.offer', { ...o.offer, grid, by: id, revision: (own()?.offer?.revision ?? 0) + 1 }),
    },
  ]);
  return keepLease(o, { id, grid, leaseMs: gridRecord.payload.leaseSeconds * 1000 });
}

/** What the log must show, and what to say while it does not. */
interface Wanted { readonly there: () => boolean; readonly entry: () => Envelope }

/**
 * Submits, in order and at once, until the verified log shows all of it. What a copy that lags behind makes us say
 * twice or too late is refused, and settles when the copy has caught up.
 */
async function ensure({ follower, signal }: MembershipOptions, id: PrincipalId, wanted: readonly Wanted[]): Promise<void> {
  for (let answered = 0; ; ) {
    signal.throwIfAborted();
    const missing = wanted.filter(({ there }) => !there());
    if (missing.length === 0) return;
    const results = await submit(follower, missing.map(({ entry }) => entry()), { signal });
    if (results) answered += 1;
    const refused = results?.find((r) => !r.ok);
    if (refused?.ok === false && (!LAGGING.has(refused.code) || answered >= MAX_ANSWERS)) throw new MembershipError(refused.code, `the ledger refuses ${id}: ${refused.message}`);
    // Never fills the log with entries that do not bring about what is wanted.
    if (answered >= MAX_ANSWERS) throw new MembershipError('not_settled', `the ledger accepts what ${id} says and does not show it`);
    if (!results || refused) await sleep(MIN_RETRY_MS, undefined, { signal });
  }
}

function keepLease({ follower, signer, signal }: MembershipOptions, { id, grid, leaseMs }: { id: PrincipalId; grid: Digest; leaseMs: number }): Membership {
  const closing = new AbortController();
  const ended = AbortSignal.any([signal, closing.signal]);
  const listeners = new Set<() => void>();
  const lease = new LeaseClock();
  let lapse: NodeJS.Timeout | undefined;
  const notify = (): void => { for (const listener of listeners) listener(); };

  const renew = async (): Promise<boolean> => {
    // Read before submitting: the ledger's clock starts the lease later than that, never earlier.
    const reading = lease.read();
    const beat = Math.max((follower.state().nodes[id]?.beat ?? 0) + 1, Date.now());
    const results = await submit(follower, [sealEnvelope('node.alive', { grid, by: id, beat }, signer)], { signal: ended, timeoutMs: leaseMs * RENEWAL_TIMEOUT });
    if (!results?.[0]?.ok) return false;
    // The answer of a server is not proof; the verified log is. It also shows every move made before this beat, so a
    // node that was away knows what it lost before it may serve again.
    await follower.waitFor((s) => ((s.nodes[id]?.beat ?? 0) >= beat ? true : undefined), { signal: ended, timeoutMs: leaseMs });
    lease.extend(reading, leaseMs * (1 - LEASE_MARGIN));
    // An answer that took longer than the lease gives none: the end was told already.
    if (lease.heldForMs() === 0) return true;
    clearTimeout(lapse);
    lapse = setTimeout(notify, lease.heldForMs() + 1).unref();
    notify();
    return true;
  };

  const loop = async (): Promise<void> => {
    let retryMs = MIN_RETRY_MS;
    while (!ended.aborted) {
      const renewed = await renew().catch(() => false);
      // A renewal that took long has little left of its lease: the next one must not wait.
      const rest = renewed ? Math.min(leaseMs / RENEWALS_PER_LEASE, Math.max(lease.heldForMs() - (leaseMs * 2) / RENEWALS_PER_LEASE, MIN_RETRY_MS)) : retryMs;
      retryMs = renewed ? MIN_RETRY_MS : Math.min(retryMs * 2, MAX_RETRY_MS, leaseMs / RENEWALS_PER_LEASE);
      await sleep(rest * (0.9 + Math.random() * 0.1), undefined, { signal: ended }).catch(() => undefined);
    }
  };
  const running = loop();

  return {
    id,
    lease: () => ({ heldForMs: closing.signal.aborted ? 0 : lease.heldForMs() }),
    onLease: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: async () => {
      closing.abort();
      clearTimeout(lapse);
      listeners.clear();
      await Promise.race([running, sleep(MAX_RETRY_MS, undefined, { ref: false })]);
    },
  };
}

/** Undefined when the ledger could not be reached. */
async function submit(follower: Follower, envelopes: Envelope[], options: { signal: AbortSignal; timeoutMs?: number }): Promise<SubmitResult[] | undefined> {
  try {
    return await follower.submit(envelopes, options);
  } catch (error) {
    if (error instanceof LedgerError && error.code === 'ledger_forked') throw error;
    return undefined;
  }
}

async function writeDurably(file: string, text: string): Promise<void> {
  const temporary = `${file}.tmp`;
  const handle = await open(temporary, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
