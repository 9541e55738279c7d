import { lstat, mkdir, realpath, rmdir, unlink } from 'node:fs/promises';
import { createConnection } from 'node:net';
import path from 'node:path';
import { serveKeyAgent, type KeyUse } from '../../signer/agent/server.ts';
import { type Keystore, openKeystoreFiles } from '../../signer/keystore.ts';
import { protectionOf } from '../../signer/unlock.ts';
import { present } from '../output.ts';
import { openTerminal } from '../prompt.ts';
import { Refusal } from '../refusal.ts';
import { type StateDir, stateDir } from '../state-dir.ts';
import { unlocking } from '../unlock.ts';
import { KEYSTORES, type KeystoreName, keystorePaths } from '../up/grid-keys.ts';
import { storeName } from './key.ts';

export interface AgentFlags { readonly state?: string; readonly json?: boolean; readonly keystore: readonly string[]; /** Milliseconds. */ readonly ttl: number; readonly confirm?: boolean }

/** Opens keystores once and uses their keys for other commands, until its time is over or it is ended. */
export async function keyAgent(flags: AgentFlags): Promise<void> {
  const ending = new AbortController();
  const stop = (): void => { ending.abort(); };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  let ended: Promise<'expired' | 'stopped'> | undefined;
  await present(flags.json ?? false, async () => {
    const state = stateDir(flags.state);
    const stores = await chooseStores(state, flags.keystore);
    const keystores = new Map<string, { name: string; keystore: Keystore }>();
    const { passphrase } = unlocking();
    for (const name of stores) {
      const paths = keystorePaths(state, name);
      const keystore = await openKeystoreFiles({ ...paths, unlocking: { passphrase } });
      await mkdir(paths.dir, { recursive: true, mode: 0o700 });
      keystores.set(await realpath(paths.dir), { name, keystore });
    }
    const terminal = flags.confirm ? openTerminal(stop) : undefined;
    if (flags.confirm && !terminal) throw new Refusal({ code: 'confirmation_needed', message: 'nobody is here to confirm', hint: 'start the agent in a terminal, or without --confirm' });
    const confirm = terminal && (async (use: KeyUse) => /^y(es)?$/i.test(((await terminal.ask(`${use.action} as ${use.keystore}/${use.name}? [y/N] `)) ?? '').trim()));
    const socket = await prepareSocket(state);
    const tell = (use: KeyUse, outcome: string): void => { process.stderr.write(`${new Date().toISOString()} ${use.keystore}/${use.name} ${use.action}: ${outcome}\n`); };
    ({ ended } = await serveKeyAgent({ socket, keystores, ttlMs: flags.ttl, confirm, onUse: tell, signal: ending.signal }));
    ended = ended.finally(async () => {
      terminal?.close();
      await rmdir(path.dirname(socket)).catch(() => undefined);
    });
    return { json: { ok: true, socket, keystores: stores, ttlSeconds: flags.ttl / 1000, pid: process.pid }, text: `export THREEBOT_AGENT=${socket}` };
  });
  if (!ended) return;
  process.stderr.write(`holding the keys for ${flags.ttl / 1000} s; in another terminal: set THREEBOT_AGENT as above. Ctrl-C forgets them.\n`);
  process.stderr.write((await ended) === 'expired' ? 'its time is over; the keys are forgotten\n' : 'ended; the keys are forgotten\n');
  // What still holds the identities in memory goes with the process.
  process.exit();
}

/** Those that were named, or all that have a passphrase. */
async function chooseStores(state: StateDir, named: readonly string[]): Promise<KeystoreName[]> {
  if (named.length > 0) return [...new Set(named.map((name) => storeName(name)))];
  const found: KeystoreName[] = [];
  for (const name of KEYSTORES) if ((await protectionOf(keystorePaths(state, name))) === 'passphrase') found.push(name);
  if (found.length > 0) return found;
  throw new Refusal({ code: 'keystore_missing', message: 'no keystore here has a passphrase', hint: 'give one to a keystore with `3bot key protect`' });
}

/** A free socket path in a folder that is this user's alone. A folder of its own, because `3bot up` removes its own when it ends. */
async function prepareSocket(state: StateDir): Promise<string> {
  const folder = `${state.run}-agent`;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const info = await lstat(folder);
  if (!info.isDirectory() || info.uid !== process.getuid?.() || (info.mode & 0o077) !== 0) throw new Refusal({ code: 'socket_unsafe', message: `${folder} is not a private folder of this user`, hint: 'remove it' });
  const socket = path.join(folder, 'agent.sock');
  if (await answers(socket)) throw new Refusal({ code: 'agent_running', message: `an agent answers at ${socket} already`, hint: 'use it, or end it first' });
  // What a killed agent left behind.
  await unlink(socket).catch(() => undefined);
  return socket;
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = createConnection({ path: socket });
    connection.once('connect', () => { connection.destroy(); resolve(true); });
    connection.once('error', () => { resolve(false); });
  });
}
