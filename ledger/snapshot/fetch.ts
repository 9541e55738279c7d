import type { Digest } from '../../contract/digest.ts';
import type { VerifySignature } from '../../contract/envelope.ts';
import { z } from 'zod';
import { HttpClient, type HttpReply } from '../http-client.ts';
import type { Refusal } from '../ports.ts';
import { Failure } from '../protocol.ts';
import { type LoadedSnapshot, loadState } from './load.ts';
import { type OpenedSnapshot, openSnapshot, SnapshotOffer } from './statement.ts';

const MAX_OFFER_BYTES = 1024 * 1024;
/** A state of 256 MiB at 1 MB/s. */
const STATE_MS = 300_000;
/** The newest snapshot may be replaced between its offer and its state, twice in a row only if something is wrong. */
const ATTEMPTS = 2;

const OfferReply = z.object({ ok: z.literal(true), ...SnapshotOffer.shape });

export interface FetchedSnapshot extends LoadedSnapshot {
  readonly offer: SnapshotOffer;
  /** The state's canonical JSON. */
  readonly bytes: Uint8Array;
}

export interface FetchOptions {
  /** What makes the snapshot worth anything: whose key signs it follows from this digest alone. */
  readonly grid: Digest;
  readonly verify: VerifySignature;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

/**
 * Fetches a ledger's newest snapshot and checks all that can be checked without its entries: it is what the ledger
 * signed, and a state that the machine can go on from. That it follows from the entries is for the audit to show.
 */
export async function fetchSnapshot(url: string, options: FetchOptions): Promise<FetchedSnapshot | Refusal> {
  const http = new HttpClient(url);
  try {
    let last: Refusal = { ok: false, code: 'snapshot_missing', message: 'the ledger has no snapshot' };
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const fetched = await fetchOnce(http, options);
      if (fetched.ok || fetched.code !== 'snapshot_missing') return fetched;
      last = fetched;
    }
    return last;
  } catch (error) {
    options.signal?.throwIfAborted();
    return { ok: false, code: 'ledger_unreachable', message: `no snapshot came: ${error instanceof Error ? error.message : String(error)}`, hint: 'is the ledger running?' };
  } finally {
    http.close();
  }
}

async function fetchOnce(http: HttpClient, options: FetchOptions): Promise<FetchedSnapshot | Refusal> {
  const { signal } = options;
  const reply = await http.call({ method: 'GET', path: '/v1/snapshot', maxBytes: MAX_OFFER_BYTES, signal, ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }) });
  if (reply.status !== 200) return refusalOf(reply);
  const { ok: _, ...offer } = OfferReply.parse(JSON.parse(reply.body.toString('utf8')));
  const opened: OpenedSnapshot | Refusal = openSnapshot(offer, options);
  if (!opened.ok) return opened;
  const { state, bytes } = opened.statement;
  const content = await http.call({ method: 'GET', path: `/v1/snapshot/${state}`, maxBytes: bytes, signal, timeoutMs: STATE_MS });
  if (content.status !== 200) return refusalOf(content);
  const loaded = loadState(opened, content.body);
  return loaded.ok ? { ...loaded, offer, bytes: content.body } : loaded;
}

function refusalOf({ status, body }: HttpReply): Refusal {
  const parsed = Failure.safeParse(parseJson(body));
  if (!parsed.success) return { ok: false, code: 'snapshot_missing', message: `the ledger answered ${status} to the question for a snapshot` };
  const { code, message, hint } = parsed.data.error;
  return { ok: false, code: status === 404 ? 'snapshot_missing' : code, message, ...(hint === undefined ? {} : { hint }) };
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
