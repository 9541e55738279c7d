import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { z } from 'zod';
import { Digest } from '../../contract/digest.ts';
import { Envelope, openEnvelope, payloadTypeOf } from '../../contract/envelope.ts';
import { LedgerError } from '../../ledger/client.ts';
import { leafBytes, MAX_LEAF } from '../../ledger/leaf.ts';
import { NATIVE } from '../../ledger/native.ts';
import { verifySignature } from '../../signer/verify.ts';
import type { BotContext, ToolRefusal } from '../context.ts';
import { limitOf } from './http/limits.ts';

/** Leaves of one answer. */
const MAX_ENTRIES = 1000;
const MAX_ENTRIES_BYTES = 4 * 1024 * 1024 - MAX_LEAF;
/** A vote says at most 2000 characters. */
const MAX_VOTE_BYTES = 32 * 1024;
/** Votes and blobs that are on their way to or from the ledger at once, and pages of the log that are being read. */
const MAX_AT_ONCE = 8;
const VOTE_KINDS = ['contract.approved', 'contract.rejected'].map(payloadTypeOf);

const FILES: Readonly<Record<string, { readonly file: string; readonly type: string }>> = {
  '/sign': { file: 'sign-page.html', type: 'text/html; charset=utf-8' },
  '/sign/app.js': { file: 'sign.js', type: 'text/javascript; charset=utf-8' },
  '/sign/worker.js': { file: 'sign-worker.js', type: 'text/javascript; charset=utf-8' },
  '/sign/style.css': { file: 'sign-style.css', type: 'text/css; charset=utf-8' },
  '/sign/icon.svg': { file: 'sign-icon.svg', type: 'image/svg+xml' },
};

/** Nothing runs but the page's own two programs, and it speaks to nobody but this origin: a key could not leave if one tried. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types worker",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
  'cache-control': 'no-store',
};

const Position = z.string().regex(/^(0|[1-9][0-9]{0,15})$/).transform(Number).refine(Number.isSafeInteger);

/** The signing page (web/sign) and what it asks for: the log, the contract's parts, and a place to put one signed vote. */
export function signPages(context: BotContext, folder: string = builtFolder()): Hono {
  const pages = new Hono();
  const secured: MiddlewareHandler = async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(HEADERS)) c.res.headers.set(name, value);
  };
  pages.use('/sign', secured);
  pages.use('/sign/*', secured);
  for (const [path, { file, type }] of Object.entries(FILES)) {
    pages.get(path, (c) => (existsSync(join(folder, file)) ? c.body(readFileSync(join(folder, file)), 200, { 'content-type': type }) : refused(c, 404, { ok: false, code: 'not_built', message: `${file} is not there`, hint: 'run `npm run build`' })));
  }
  pages.get('/sign/checkpoint', (c) => {
    const note = context.follower.status().lastCheckpoint;
    return note === undefined ? refused(c, 503, { ok: false, code: 'not_here_yet', message: 'this bot has no copy of the ledger yet', hint: 'try again in a moment' }) : c.text(note);
  });
  const reading = limitOf(MAX_AT_ONCE);
  pages.get('/sign/entries', (c) => {
    const from = Position.safeParse(c.req.query('from'));
    if (!from.success) return refused(c, 400, { ok: false, code: 'request_invalid', message: 'from is a whole number', hint: 'ask for /sign/entries?from=0' });
    return reading(c, () => c.body(entriesFrom(context, from.data), 200, { 'content-type': 'application/json' }));
  });
  pages.get('/sign/contract/:id', (c) => {
    const id = Digest.safeParse(c.req.param('id'));
    const record = id.success ? context.follower.state().contracts[id.data] : undefined;
    return record ? c.json({ ok: true, header: record.header }) : refused(c, 404, { ok: false, code: 'contract_unknown', message: 'this bot knows no such contract', hint: 'is the link whole? see `3bot contract list`' });
  });
  const busy = limitOf(MAX_AT_ONCE);
  pages.get('/sign/blob/:digest', (c) => busy(c, async () => {
    const digest = Digest.safeParse(c.req.param('digest'));
    // Nothing but what a contract names: this is no way to read or keep anything else.
    if (!digest.success || !isNamed(context, digest.data)) return refused(c, 404, { ok: false, code: 'blob_missing', message: 'no contract names this blob', hint: 'ask for the body or the blueprint of a contract' });
    return c.body(Uint8Array.from(await context.follower.getBlob(digest.data)), 200, { 'content-type': 'application/octet-stream' });
  }));
  pages.post('/sign/vote', (c) => busy(c, () => submitVote(context, c)));
  pages.onError((error, c) => {
    if (error instanceof LedgerError) return refused(c, 503, { ok: false, code: error.code, message: error.message, hint: error.hint ?? 'try again in a moment' });
    return refused(c, 500, { ok: false, code: 'internal', message: 'the bot failed to answer', hint: 'load the page again' });
  });
  return pages;
}

/** Somebody follows a link to the page, from a mail or another site: that shows them the page, and the other site nothing. */
export function isVisit(c: Context): boolean {
  return c.req.method === 'GET' && c.req.path === '/sign' && c.req.header('sec-fetch-mode') === 'navigate' && c.req.header('sec-fetch-dest') === 'document' && c.req.header('origin') === undefined;
}

/** Signed by a stakeholder's own key and judged by the ledger: who sends it does not matter, so no token is asked. */
async function submitVote({ follower }: BotContext, c: Context): Promise<Response> {
  if (!/^application\/json\b/i.test(c.req.header('content-type') ?? '')) return refused(c, 415, { ok: false, code: 'request_invalid', message: 'a vote is sent as application/json' });
  const text = await readText(c.req.raw.body, MAX_VOTE_BYTES);
  if (text === undefined) return refused(c, 413, { ok: false, code: 'too_large', message: `a vote has at most ${MAX_VOTE_BYTES} bytes` });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refused(c, 400, { ok: false, code: 'request_invalid', message: 'the body is not JSON' });
  }
  const envelope = Envelope.safeParse(value);
  if (!envelope.success || !VOTE_KINDS.includes(envelope.data.payloadType)) return refused(c, 422, { ok: false, code: 'kind_refused', message: 'only one approval or rejection of a contract is passed on here', hint: 'use `3bot` for everything else' });
  const opened = openEnvelope(envelope.data, verifySignature, NATIVE);
  if (!opened.ok) return refused(c, 422, opened);
  const [result] = await follower.submit([envelope.data], { timeoutMs: 20_000 });
  if (!result) return refused(c, 503, { ok: false, code: 'ledger_unavailable', message: 'the ledger did not answer', hint: 'try again in a moment' });
  return result.ok ? c.json({ ok: true, seq: result.seq, time: result.time }) : refused(c, 422, result);
}

/** Stored leaves are canonical JSON: they are sent as they are. */
function entriesFrom({ follower }: BotContext, from: number): string {
  const leaves: string[] = [];
  let bytes = 0;
  for (const leaf of follower.entries(from, from + MAX_ENTRIES)) {
    const text = Buffer.from(leafBytes(leaf)).toString('utf8');
    bytes += text.length;
    if (leaves.length > 0 && bytes > MAX_ENTRIES_BYTES) break;
    leaves.push(text);
  }
  return `{"ok":true,"from":${from},"entries":[${leaves.join(',')}]}`;
}

function isNamed({ follower }: BotContext, digest: Digest): boolean {
  return Object.values(follower.state().contracts).some(({ header }) => header.bodyDigest === digest || header.blueprint.digest === digest);
}

/** The text of a body; undefined when it is longer than `most` bytes. */
async function readText(body: ReadableStream<Uint8Array> | null, most: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > most) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function refused(c: Context, status: 400 | 404 | 413 | 415 | 422 | 500 | 503, { code, message, hint }: ToolRefusal): Response {
  return c.json({ ok: false, error: { code, message, ...(hint !== undefined && { hint }) } }, status);
}

/** Where the page was built to: beside the bundled bot, or in dist/ of the checkout that this file is the source of. */
function builtFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  return existsSync(join(here, 'sign-page.html')) ? here : join(here, '..', '..', 'dist');
}
