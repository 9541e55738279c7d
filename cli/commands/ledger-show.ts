import { Digest } from '../../contract/digest.ts';
import { type Follower, openFollower } from '../../ledger/follower.ts';
import { ALREADY_VERIFIED, envelopeDigest, type Leaf, openEntry } from '../../ledger/leaf.ts';
import { findOpeners } from '../../ledger/opening/find.ts';
import { refuseStopped, requireGrid } from '../connect.ts';
import type { Outcome } from '../output.ts';
import { Refusal } from '../refusal.ts';
import { summarizeEntry } from '../render/entry.ts';
import { stateDir } from '../state-dir.ts';

export interface LedgerFlags { readonly state?: string; readonly url?: string; readonly grid?: string }
export interface ShowFlags extends LedgerFlags { readonly from?: number; readonly limit?: number }

/** Entries that are listed when nobody says how many, and at most. */
const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 10_000;

/** A verified copy of the ledger of this state folder, or of the one that --url and --grid name. */
export async function openLedger(flags: LedgerFlags): Promise<Follower> {
  if ((flags.url === undefined) !== (flags.grid === undefined)) throw new Refusal({ code: 'grid_needed', message: '--url and --grid go together', hint: 'a ledger is believed by the digest of its grid: 3bot … --url http://… --grid sha256:…' });
  const follower = flags.url === undefined || flags.grid === undefined ? await openOwn(flags) : await openFollower({ url: flags.url, pin: { grid: parseGrid(flags.grid) }, openers: findOpeners() });
  try {
    refuseStopped({ follower });
    if (follower.size() === 0) throw new Refusal({ code: 'ledger_unreachable', message: `nothing came from the ledger: ${follower.status().trouble?.message ?? 'it has no entries'}`, hint: 'is the ledger running? `3bot up` and `3bot ledger serve` start one' });
    return follower;
  } catch (error) {
    await follower.close();
    throw error;
  }
}

export function parseGrid(text: string): Digest {
  const parsed = Digest.safeParse(text);
  if (!parsed.success) throw new Refusal({ code: 'grid_mismatch', message: `${text.slice(0, 100)} is not the digest of a grid`, hint: 'expected sha256:<64 hex digits>, as in `3bot ledger show 0`' });
  return parsed.data;
}

async function openOwn(flags: LedgerFlags): Promise<Follower> {
  const state = stateDir(flags.state);
  const running = await requireGrid(state);
  return openFollower({ url: running.ledger, pin: { grid: Digest.parse(running.grid) }, dir: state.part('cli'), openers: findOpeners() });
}

/** One entry with all that it says, or a list of them in a line each. */
export async function ledgerShow(which: string | undefined, flags: ShowFlags): Promise<Outcome> {
  const follower = await openLedger(flags);
  try {
    const size = follower.size();
    if (which !== undefined) return showOne(follower, which === 'latest' ? size - 1 : parseSeq(which, size));
    const limit = flags.limit ?? DEFAULT_LIMIT;
    if (limit > MAX_LIMIT) throw new Refusal({ code: 'too_many', message: `at most ${MAX_LIMIT} entries are shown at once`, hint: 'show them in parts, with --from' });
    const from = flags.from ?? Math.max(0, size - limit);
    if (from > size) throw new Refusal({ code: 'entry_unknown', message: `the log has ${size} entries`, hint: `the last one is ${size - 1}` });
    const entries = [...follower.entries(from, Math.min(size, from + limit))].map((leaf) => lineOf(follower, leaf));
    const width = Math.min(24, Math.max(0, ...entries.map(({ who }) => who.length)));
    const text = entries.map((e) => `${String(e.seq).padStart(7)}  ${e.time}  ${e.kind.padEnd(20)}  ${e.who.padEnd(width)}  ${e.summary}`).join('\n');
    return { json: { ok: true, size, from, entries }, text };
  } finally {
    await follower.close();
  }
}

export function parseSeq(text: string, size: number): number {
  const seq = /^(0|[1-9][0-9]{0,14})$/.test(text) ? Number(text) : NaN;
  if (Number.isNaN(seq)) throw new Refusal({ code: 'entry_unknown', message: `${text.slice(0, 40)} is not the number of an entry`, hint: 'entries are counted from 0; `latest` is the last one' });
  if (seq >= size) throw new Refusal({ code: 'entry_unknown', message: `the log has ${size} entries, there is no entry ${seq}`, hint: `the last one is ${size - 1}` });
  return seq;
}

function lineOf(follower: Follower, leaf: Leaf) {
  const opened = openEntry(leaf.envelope, ALREADY_VERIFIED);
  // The copy was verified when it was made.
  if (!opened.ok) throw new Error(`entry ${leaf.seq} of the copy cannot be read: ${opened.message}`);
  const { entry, key, payloadDigest } = opened.opened;
  return { seq: leaf.seq, time: leaf.time, kind: entry.kind, ...summarizeEntry(entry, { key, id: payloadDigest, state: follower.state() }), key, payloadDigest, payload: entry.payload };
}

function showOne(follower: Follower, seq: number): Outcome {
  const [leaf] = follower.entries(seq, seq + 1);
  if (!leaf) throw new Error(`the copy lacks entry ${seq}`);
  const line = lineOf(follower, leaf);
  const text = [
    `entry     ${line.seq} of ${follower.size()}`, `time      ${line.time}`, `kind      ${line.kind}`, `who       ${line.who}`, `says      ${line.summary}`, `key       ${line.key}`, `digest    ${line.payloadDigest}`,
    // JSON escapes what could reach the terminal.
    escapeNonAscii(JSON.stringify(line.payload, null, 2)),
  ].join('\n');
  return { json: { ok: true, size: follower.size(), entry: { ...line, envelopeDigest: envelopeDigest(leaf.envelope) } }, text };
}

function escapeNonAscii(json: string): string {
  return json.replace(/[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
