import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { canonicalize } from '../../contract/canonical.ts';
import { checkEntryProof, type CheckedProof, type EntryProof, MAX_PROOF_FILE, PROOF_FORMAT } from '../../ledger/proof.ts';
import { HttpClient } from '../../ledger/http-client.ts';
import { MAX_PROOF } from '../../ledger/merkle.ts';
import { verifySignature } from '../../signer/verify.ts';
import { replaceFile } from '../../signer/durable.ts';
import type { Outcome } from '../output.ts';
import { Refusal } from '../refusal.ts';
import { readRunningGrid, stateDir } from '../state-dir.ts';
import { type LedgerFlags, openLedger, parseGrid, parseSeq } from './ledger-show.ts';

const InclusionReply = z.object({ ok: z.literal(true), proof: z.array(z.string().max(44)).max(MAX_PROOF) });
const MAX_REPLY = 64 * 1024;

/** A file that shows to anybody who knows the grid's digest, offline, that an entry is in the log. */
export async function ledgerProof(which: string, flags: LedgerFlags & { readonly out?: string }): Promise<Outcome> {
  const follower = await openLedger(flags);
  try {
    const { lastCheckpoint: checkpoint } = follower.status();
    const { grid } = follower.state();
    if (checkpoint === undefined || !grid) throw new Refusal({ code: 'ledger_unreachable', message: 'the copy has no signed checkpoint yet', hint: 'ask again in a moment' });
    const size = follower.size();
    const seq = which === 'latest' ? size - 1 : parseSeq(which, size);
    const [entry] = follower.entries(seq, seq + 1);
    const [first] = follower.entries(0, 1);
    if (!entry || !first) throw new Error(`the copy lacks entry ${seq}`);
    const proof: EntryProof = { format: PROOF_FORMAT, entry, path: await fetchPath(await ledgerUrl(flags), seq, size), checkpoint, genesis: first.envelope };
    // The server's path is believed by nobody: the file is checked as its reader will.
    const checked = checkEntryProof(proof, { grid: grid.digest, verify: verifySignature });
    if (!checked.ok) throw new Refusal({ ...checked, hint: 'the ledger did not give a true path; ask again' });
    const text = canonicalize(proof);
    if (flags.out !== undefined) await replaceFile(flags.out, `${text}\n`);
    return { json: flags.out === undefined ? { ...proof } : { ok: true, file: flags.out, grid: grid.digest, seq, size }, text: flags.out === undefined ? text : `${flags.out}: entry ${seq} is in the log of ${size}\n  check it anywhere: 3bot ledger proof check ${flags.out} --grid ${grid.digest}` };
  } finally {
    await follower.close();
  }
}

/** Offline; says what the proof shows, or names what is wrong. */
export async function ledgerProofCheck(file: string, flags: { readonly state?: string; readonly grid?: string }): Promise<Outcome> {
  const grid = flags.grid ?? (await readRunningGrid(stateDir(flags.state)))?.grid;
  if (grid === undefined) throw new Refusal({ code: 'grid_needed', message: 'a proof shows something only to who knows the grid', hint: 'add --grid sha256:…' });
  const checked = checkEntryProof(await readProof(file), { grid: parseGrid(grid), verify: verifySignature });
  if (!checked.ok) throw new Refusal(checked);
  return { json: documentOf(checked), text: [`ok  entry ${checked.seq} (${checked.entry.kind}, ${checked.time}) is in the log of ${checked.size} entries that the ledger of ${checked.grid} signed`, `ok  signed by ${checked.key}`].join('\n') };
}

function documentOf({ grid, seq, time, entry, key, size, root }: Extract<CheckedProof, { ok: true }>): Record<string, unknown> {
  return { ok: true, grid, seq, time, kind: entry.kind, payload: entry.payload, key, size, root: Buffer.from(root).toString('hex') };
}

async function readProof(file: string): Promise<unknown> {
  const { size } = await stat(file);
  if (size > MAX_PROOF_FILE) throw new Refusal({ code: 'proof_invalid', message: `${file} has ${size} bytes, a proof has at most ${MAX_PROOF_FILE}`, hint: 'expected the file that `3bot ledger proof SEQ --out FILE` writes' });
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw new Refusal({ code: 'proof_invalid', message: `${file} is not JSON`, hint: 'expected the file that `3bot ledger proof SEQ --out FILE` writes' });
    throw error;
  }
}

async function ledgerUrl(flags: LedgerFlags): Promise<string> {
  const url = flags.url ?? (await readRunningGrid(stateDir(flags.state)))?.ledger;
  if (url === undefined) throw new Refusal({ code: 'grid_not_running', message: 'there is no ledger to ask for the path', hint: 'start the grid with `npm start`, or name a ledger with --url and --grid' });
  return url;
}

async function fetchPath(url: string, seq: number, size: number): Promise<string[]> {
  const http = new HttpClient(url);
  try {
    const { body, status } = await http.call({ method: 'GET', path: `/v1/proof/inclusion?seq=${seq}&size=${size}`, maxBytes: MAX_REPLY });
    const parsed = InclusionReply.safeParse(JSON.parse(body.toString('utf8')));
    if (status !== 200 || !parsed.success) throw new Refusal({ code: 'ledger_unreachable', message: `the ledger answered ${status} to the question for a path`, hint: 'ask again in a moment' });
    return parsed.data.proof;
  } finally {
    http.close();
  }
}
