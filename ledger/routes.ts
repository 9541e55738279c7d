import type { IncomingMessage } from 'node:http';
import { base64 } from '@scure/base';
import { z } from 'zod';
import { Digest } from '../contract/digest.ts';
import { BlobDamagedError } from './blobs.ts';
import { EntryRate } from './entry-rate.ts';
import { type Answer, answerJson, BodyBudget, refuseRequest } from './http-body.ts';
import { MAX_LEAF } from './leaf.ts';
import { type BlobStore, BUSY, type Log, type Refusal } from './ports.ts';
import { MAX_SUBMISSION, MAX_SUBMISSION_BYTES } from './protocol.ts';
import type { SnapshotFiles } from './snapshot/files.ts';
import { SnapshotRoutes } from './snapshot/routes.ts';
import type { CosignedNotes } from './witness/cosigned-notes.ts';
import { parseWanted } from './witness/query.ts';

const MAX_ENTRIES = 1000;
const MAX_ENTRIES_BYTES = 4 * 1024 * 1024 - MAX_LEAF;
const MAX_BODIES_IN_MEMORY = 64 * 1024 * 1024;
/** Blobs are read whole before they are sent, to be checked: so many at once, until their readers have them. */
const MAX_DOWNLOADS = 16;

const Submission = z.strictObject({ envelopes: z.array(z.unknown()).min(1).max(MAX_SUBMISSION) });
const Position = z.string().regex(/^(0|[1-9][0-9]{0,15})$/).transform(Number).refine(Number.isSafeInteger);

/** The HTTP API over a log and its blobs; every request has an answer, and no answer depends on who asks. */
export class LedgerRoutes {
  readonly #log: Log;
  readonly #blobs: BlobStore;
  readonly #rate: EntryRate;
  readonly #bodies = new BodyBudget(MAX_BODIES_IN_MEMORY);
  readonly #snapshots: SnapshotRoutes;
  readonly #cosigned: CosignedNotes | undefined;
  #downloads = 0;

  constructor(log: Log, blobs: BlobStore, { snapshots, cosigned, rate = new EntryRate() }: { snapshots?: SnapshotFiles | undefined; cosigned?: CosignedNotes | undefined; rate?: EntryRate } = {}) {
    this.#cosigned = cosigned;
    this.#log = log;
    this.#blobs = blobs;
    this.#rate = rate;
    this.#snapshots = new SnapshotRoutes(snapshots);
  }

  async answer(request: IncomingMessage, url: URL): Promise<Answer> {
    const { method = '' } = request;
    if (url.pathname.startsWith('/v1/blobs/')) {
      const digest = Digest.safeParse(url.pathname.slice('/v1/blobs/'.length));
      if (!digest.success) return refuseRequest(400, 'bad_request', 'expected /v1/blobs/sha256:<64 hex digits>');
      if (method === 'GET') return this.#getBlob(digest.data);
      if (method === 'PUT') return this.#putBlob(digest.data, request);
      return notAllowed(method, 'GET or PUT');
    }
    if (url.pathname === '/v1/entries' && method === 'POST') return this.#submit(request);
    const read = this.#reader(url.pathname);
    if (!read) return refuseRequest(404, 'not_found', `there is no ${url.pathname.slice(0, 100)} here`);
    if (method !== 'GET') return notAllowed(method, url.pathname === '/v1/entries' ? 'GET or POST' : 'GET');
    return read(url.searchParams);
  }

  #reader(pathname: string): ((query: URLSearchParams) => Answer) | undefined {
    switch (pathname) {
      case '/v1/grid': return () => answerJson({ ok: true, grid: this.#log.grid() ?? null, key: this.#log.key, size: this.#log.size() });
      case '/v1/checkpoint': return () => this.#checkpoint();
      case '/v1/checkpoint/cosigned': return (query) => this.#cosignedCheckpoint(query);
      case '/v1/entries': return (query) => this.#entries(query);
      case '/v1/proof/inclusion': return (query) => this.#inclusion(query);
      case '/v1/proof/consistency': return (query) => this.#consistency(query);
      default: return this.#snapshots.reader(pathname);
    }
  }

  async #submit(request: IncomingMessage): Promise<Answer> {
    if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) return refuseRequest(415, 'bad_request', 'expected content-type application/json');
    return this.#bodies.read(request, MAX_SUBMISSION_BYTES, async (body) => {
      let value: unknown;
      try {
        value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
      } catch {
        return refuseRequest(400, 'bad_request', 'the body is not JSON');
      }
      const parsed = Submission.safeParse(value);
      if (!parsed.success) return refuseRequest(400, 'bad_request', z.prettifyError(parsed.error).slice(0, 500), `expected {"envelopes":[…]} with 1 to ${MAX_SUBMISSION} envelopes`);
      const refused = this.#rate.refuse(request.socket.remoteAddress, parsed.data.envelopes.length);
      if (refused) return refuseRequest(429, refused.code, refused.message, refused.hint);
      const results = await this.#log.submit(parsed.data.envelopes);
      // Signed after they were accepted, so it covers them: an acknowledgement that the ledger cannot take back.
      return answerJson({ ok: true, results, checkpoint: this.#log.checkpoint() ?? null });
    });
  }

  #entries(query: URLSearchParams): Answer {
    const from = Position.safeParse(query.get('from') ?? '0');
    const limit = Position.safeParse(query.get('limit') ?? String(MAX_ENTRIES));
    if (!from.success || !limit.success) return badQuery('from and limit are whole numbers');
    const leaves = this.#log.read(from.data, { entries: Math.min(limit.data, MAX_ENTRIES), bytes: MAX_ENTRIES_BYTES });
    return { status: 200, type: 'application/json', body: `{"ok":true,"from":${from.data},"size":${this.#log.size()},"entries":${joinLeaves(leaves)}}` };
  }

  #checkpoint(): Answer {
    const note = this.#log.checkpoint();
    return note === undefined ? refuseRequest(404, 'grid_missing', 'the log is empty: no grid was created yet') : { status: 200, type: 'text/plain; charset=utf-8', body: note };
  }

  #cosignedCheckpoint(query: URLSearchParams): Answer {
    const wanted = parseWanted(query);
    if (wanted === false) return badQuery('cosigned is how many witnesses, by which: eight hex digits each, with commas');
    const best = this.#cosigned?.best(wanted ?? { k: 1 });
    return best ? { status: 200, type: 'text/plain; charset=utf-8', body: best.note } : refuseRequest(404, 'not_witnessed', 'so many witnesses have cosigned nothing here', 'ask again in a moment, or for fewer');
  }

  #inclusion(query: URLSearchParams): Answer {
    const seq = Position.safeParse(query.get('seq') ?? '');
    const size = Position.safeParse(query.get('size') ?? String(this.#log.size()));
    if (!seq.success || !size.success) return badQuery('seq and size are whole numbers');
    if (size.data > this.#log.size() || seq.data >= size.data) return badQuery(`the log has ${this.#log.size()} entries`);
    return answerJson({
      ok: true, seq: seq.data, size: size.data,
      leafHash: base64.encode(this.#log.leafHash(seq.data)),
      proof: this.#log.inclusionProof(seq.data, size.data).map(base64.encode),
      checkpoint: this.#log.checkpoint(size.data),
    });
  }

  #consistency(query: URLSearchParams): Answer {
    const from = Position.safeParse(query.get('from') ?? '');
    const to = Position.safeParse(query.get('to') ?? String(this.#log.size()));
    if (!from.success || !to.success) return badQuery('from and to are whole numbers');
    if (to.data > this.#log.size() || from.data < 1 || from.data > to.data) return badQuery(`expected 1 <= from <= to <= ${this.#log.size()}`);
    return answerJson({ ok: true, from: from.data, to: to.data, fromRoot: base64.encode(this.#log.root(from.data)), proof: this.#log.consistencyProof(from.data, to.data).map(base64.encode), checkpoint: this.#log.checkpoint(to.data) });
  }

  async #getBlob(digest: Digest): Promise<Answer> {
    if (this.#downloads >= MAX_DOWNLOADS) return refuseRequest(503, BUSY, 'too many downloads at once', 'ask again in a moment');
    this.#downloads += 1;
    let sending = false;
    try {
      const bytes = await this.#blobs.get(digest);
      if (!bytes) return refuseRequest(404, 'blob_missing', `no blob ${digest} here`);
      sending = true;
      return { status: 200, type: 'application/octet-stream', body: bytes, onClosed: () => { this.#downloads -= 1; } };
    } catch (error) {
      if (error instanceof BlobDamagedError) return refuseRequest(500, error.code, error.message, 'put the blob again');
      throw error;
    } finally {
      if (!sending) this.#downloads -= 1;
    }
  }

  async #putBlob(digest: Digest, request: IncomingMessage): Promise<Answer> {
    const stored = await this.#blobs.put(digest, request as AsyncIterable<Uint8Array>);
    return stored.ok ? answerJson({ ok: true, digest }) : refuseBlob(stored);
  }
}

const BLOB_STATUS: Readonly<Record<string, number>> = { [BUSY]: 503, blobs_full: 507, blob_too_large: 413, blob_mismatch: 422 };

function refuseBlob({ code, message, hint }: Refusal): Answer {
  return refuseRequest(BLOB_STATUS[code] ?? 400, code, message, hint);
}

function badQuery(message: string): Answer {
  return refuseRequest(400, 'bad_request', message);
}

function notAllowed(method: string, expected: string): Answer {
  return refuseRequest(405, 'bad_request', `${method.slice(0, 16)} is not possible here, expected ${expected}`);
}

/** Stored leaves are canonical JSON: they are sent as they are. */
export function joinLeaves(leaves: readonly Uint8Array[]): string {
  const decoder = new TextDecoder();
  return `[${leaves.map((leaf) => decoder.decode(leaf)).join(',')}]`;
}
