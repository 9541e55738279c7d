import { readFile, stat } from 'node:fs/promises';
import { Digest } from '../../contract/digest.ts';
import { DidKey } from '../../contract/principal.ts';
import type { Outcome } from '../output.ts';
import { Refusal } from '../refusal.ts';

/** Longest file that is read; one that carries entries has a few megabytes. */
const MAX_FILE = 32 * 1024 * 1024;

/** Says what a file of evidence proves against a ledger: offline, and without believing whoever wrote it. */
export async function ledgerEvidence(file: string, flags: { readonly grid?: string; readonly key?: string; readonly log?: string }): Promise<Outcome> {
  const [{ verifyEvidence }, { readLeaves }, { verifySignature }] = await Promise.all([import('../../ledger/evidence.ts'), import('../../ledger/adapters/sqlite/read-leaves.ts'), import('../../signer/verify.ts')]);
  const grid = flags.grid === undefined ? undefined : Digest.safeParse(flags.grid);
  if (grid?.success === false) throw new Refusal({ code: 'bad_request', message: `${flags.grid ?? ''} is no grid`, hint: 'a grid is sha256: and 64 hex digits' });
  const key = flags.key === undefined ? undefined : DidKey.safeParse(flags.key);
  if (key?.success === false) throw new Refusal({ code: 'bad_request', message: `${flags.key ?? ''} is no key`, hint: 'a key is did:key:z6Mk…, as the grid\'s first entry names it' });
  const log = flags.log === undefined ? undefined : readLeaves(flags.log);
  if (flags.log !== undefined && !log) throw new Refusal({ code: 'log_missing', message: `there is no copy of a log in ${flags.log}`, hint: 'name the folder of a ledger, or the one in which a node keeps its copy' });
  const judged = verifyEvidence(await readEvidence(file), { verify: verifySignature, grid: grid?.data, key: key?.data, log });
  if (!judged.ok) throw new Refusal({ code: judged.code, message: judged.message, hint: judged.code === 'needs_log' ? 'name the folder of any copy of the log with --log' : judged.code === 'key_unproven' ? 'give the key with --key as well, as grid.created names it (3bot ledger show 0)' : judged.hint });
  const { ok: _ok, ...facts } = judged;
  const named = judged.keyOfGrid ? 'which the grid\'s first entry names' : key ? 'which is the one that you gave' : undefined;
  const lines = [
    `${judged.testimony ? 'testimony' : 'proven'}  ${judged.proves}`,
    `log     ${judged.origin}`,
    named ? `key     ${judged.key}, ${named}` : `key     ${judged.key}; the file does not show that it is the grid's: compare it with grid.created`,
    ...(judged.testimony ? ['Both notes are signed; how long which of them was shown is the word of whoever wrote the file.'] : []),
  ];
  return { json: { ok: true, ...facts }, text: lines.join('\n') };
}

async function readEvidence(file: string): Promise<unknown> {
  let text: string;
  try {
    const { size } = await stat(file);
    if (size > MAX_FILE) throw new Refusal({ code: 'evidence_invalid', message: `${file} has ${size} bytes, evidence has at most ${MAX_FILE}` });
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal({ code: 'evidence_missing', message: `${file} cannot be read: ${error instanceof Error ? error.message : 'unknown'}`, hint: 'a follower that stopped names its file' });
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal({ code: 'evidence_invalid', message: `${file} is not JSON`, hint: 'give the file as the follower or the witness wrote it' });
  }
}
