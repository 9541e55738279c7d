import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { Outcome } from '../output.ts';
import { Refusal } from '../refusal.ts';
import { installRoot, stateDir } from '../state-dir.ts';
import { keystorePaths } from '../up/grid-keys.ts';

export interface ServeFlags { readonly state?: string; readonly dir?: string; readonly host?: string; readonly port?: number; readonly json?: boolean; /** `URL=VERIFIERKEY` each. */ readonly witness?: readonly string[] }

const Told = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready'), url: z.url() }),
  z.object({ type: z.literal('failed'), code: z.string(), message: z.string(), hint: z.string().optional() }),
]);

/**
 * Serves a state folder's ledger in the foreground until SIGTERM or Ctrl-C; prints its address when it answers. The
 * ledger is a process of its own, which ends when this one does, however that happens.
 */
export async function ledgerServe(flags: ServeFlags): Promise<Outcome> {
  const state = stateDir(flags.state);
  const dir = flags.dir ?? state.part('ledger');
  // A mistyped folder would become a new, empty ledger.
  if (!existsSync(path.join(dir, 'ledger.sqlite'))) throw new Refusal({ code: 'store_missing', message: `there is no ledger in ${dir}`, hint: '`3bot up` begins one; name its folder with --state or --dir' });
  const witnesses = await witnessesOf(flags.witness ?? []);
  const child = spawn(process.execPath, [path.join(installRoot(), 'dist', 'ledger.mjs')], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
  const stop = (): void => { child.kill('SIGTERM'); };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  const told = new Promise<z.infer<typeof Told>>((resolve) => { child.on('message', (message) => { const parsed = Told.safeParse(message); if (parsed.success) resolve(parsed.data); }); });
  child.send({ type: 'start', dir, host: flags.host ?? '127.0.0.1', port: flags.port ?? 0, keystore: keystorePaths(state, 'ledger'), key: 'ledger', witnesses });
  const first = await Promise.race([told, ended]);
  if (typeof first === 'number') throw new Refusal({ code: 'ledger_failed', message: `the ledger ended with ${first} before it answered`, hint: 'what it said is above' });
  if (first.type === 'failed') {
    await ended;
    throw new Refusal({ code: first.code, message: first.message, hint: first.hint ?? HINTS[first.code] });
  }
  process.stdout.write(flags.json ? `${JSON.stringify({ ok: true, url: first.url, pid: child.pid })}\n` : `ledger  ${first.url}\n`);
  return { json: undefined, text: '', exitCode: await ended };
}

/** Who is asked to cosign: where, and the key that `3bot ledger witness` prints. */
async function witnessesOf(options: readonly string[]): Promise<{ url: string; name: string; key: string }[]> {
  const [{ parseVerifierKey }, { WitnessAddress }] = await Promise.all([import('../../ledger/witness/cosignature.ts'), import('../../ledger/witness/submitter.ts')]);
  return options.map((text) => {
    const at = text.lastIndexOf('=');
    const parsed = WitnessAddress.safeParse({ url: text.slice(0, Math.max(0, at)), ...parseVerifierKey(text.slice(at + 1)) });
    if (parsed.success) return parsed.data;
    throw new Refusal({ code: 'witness_unusable', message: `${text} is no witness`, hint: 'expected URL=VERIFIERKEY, as `3bot ledger witness` prints them' });
  });
}

const HINTS: Readonly<Record<string, string>> = {
  ledger_in_use: 'a grid is up in this state folder, or another `3bot ledger serve`: one process serves a ledger',
  keystore_missing: '`3bot up` makes the keys of a grid; name its state folder with --state',
  key_missing: '`3bot up` makes the keys of a grid; name its state folder with --state',
  eaddrinuse: 'choose another --port',
  store_damaged: 'run `3bot ledger verify` on this state',
};
