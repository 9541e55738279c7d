import type { Outcome } from '../output.ts';
import { Refusal } from '../refusal.ts';
import { stateDir } from '../state-dir.ts';

/** Offline check of everything the ledger has on disk; names the first bad entry. */
export async function ledgerVerify(flags: { readonly state?: string; readonly dir?: string }): Promise<Outcome> {
  const { verifyLedger } = await import('../../ledger/verify.ts');
  const verified = await verifyLedger(flags.dir ?? stateDir(flags.state).part('ledger'));
  if (!verified.ok) throw new Refusal({ code: verified.code, message: verified.message, hint: verified.code === 'store_missing' ? 'name the grid with --state, or the ledger folder with --dir' : 'restore the ledger from a copy: every node keeps a verified one' });
  return { json: { ...verified }, text: `ok  ${verified.size} entries, root ${verified.root}\nok  state ${verified.stateDigest}` };
}
