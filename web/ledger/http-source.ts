import { z } from 'zod';
import type { Digest } from '../../contract/digest.ts';
import { MAX_COSIGNED_NOTE } from '../../ledger/checkpoint.ts';
import { Refused } from '../refusal.ts';
import type { LedgerSource } from './source.ts';

/** One answer with entries, in bytes; the bot sends at most 4 MiB of leaves. */
const MAX_ENTRIES_BYTES = 6 * 1024 * 1024;
/** A header has at most 128 KiB (contract/envelope). */
const MAX_HEADER_BYTES = 256 * 1024;
const MAX_FAILURE_BYTES = 16 * 1024;
const TIMEOUT_MS = 30_000;

const Entries = z.object({ ok: z.literal(true), entries: z.array(z.unknown()).min(1).max(1000) });
const HeaderAnswer = z.object({ ok: z.literal(true), header: z.unknown() });
const Failure = z.object({ error: z.object({ code: z.string().max(64), message: z.string().max(4096), hint: z.string().max(1024).optional() }) });

/** The bot that served this page, under the same origin. */
export function httpSource(base: string): LedgerSource {
  return {
    checkpoint: async () => decode(await get(`${base}/checkpoint`, MAX_COSIGNED_NOTE)),
    entries: async (from) => Entries.parse(parseJson(await get(`${base}/entries?from=${from}`, MAX_ENTRIES_BYTES))).entries,
    header: async (contract: Digest) => HeaderAnswer.parse(parseJson(await get(`${base}/contract/${contract}`, MAX_HEADER_BYTES))).header,
    blob: (digest: Digest, most: number) => get(`${base}/blob/${digest}`, most),
  };
}

/** The body of an answer, at most `most` bytes. @throws Refused with the bot's own words, or `unreachable`, `too_large`. */
async function get(path: string, most: number): Promise<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(path, { cache: 'no-store', credentials: 'omit', redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch {
    throw new Refused('unreachable', 'the bot does not answer', 'is the grid still running? `3bot up` starts it');
  }
  if (!response.ok) throw await failureOf(response);
  return readBody(response, most, path);
}

/** What the bot said when it did not do what was asked. */
export async function failureOf(response: Response): Promise<Refused> {
  const failure = Failure.safeParse(await readBody(response, MAX_FAILURE_BYTES, response.url).then(parseJson).catch(() => undefined));
  if (!failure.success) return new Refused('unreachable', `the bot answered with status ${response.status}`, 'load the page again');
  const { code, message, hint } = failure.data.error;
  return new Refused(code, message, hint ?? 'load the page again');
}

async function readBody(response: Response, most: number, path: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const next = await reader?.read();
    if (!next || next.done) break;
    size += next.value.length;
    if (size > most) {
      await reader?.cancel();
      throw new Refused('too_large', `${path} has more than ${most} bytes`, 'what is larger than its bound is not read');
    }
    chunks.push(next.value);
  }
  const out = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}

function parseJson(bytes: Uint8Array): unknown {
  return JSON.parse(decode(bytes)) as unknown;
}
