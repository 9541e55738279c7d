import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { replaceFile } from '../../signer/durable.ts';
import { Refusal } from '../refusal.ts';
import type { StateDir } from '../state-dir.ts';

const TOKEN = /^[\w-]{32,128}$/;

function tokenFile(state: StateDir): string {
  return state.part('bot', 'token');
}

/** The token by which the owner of this state folder is known to its bot; made at the first start, readable to nobody else. */
export async function keepBotToken(state: StateDir): Promise<string> {
  const kept = await readFile(tokenFile(state), 'utf8').catch(() => '');
  if (TOKEN.test(kept.trim())) return kept.trim();
  const token = randomBytes(32).toString('base64url');
  await mkdir(state.part('bot'), { recursive: true, mode: 0o700 });
  await replaceFile(tokenFile(state), `${token}\n`);
  return token;
}

/** The same, of a grid that is up. Throws a Refusal when it is not there. */
export async function readBotToken(state: StateDir): Promise<string> {
  const kept = (await readFile(tokenFile(state), 'utf8').catch(() => '')).trim();
  if (!TOKEN.test(kept)) throw new Refusal({ code: 'token_missing', message: `${tokenFile(state)} holds no token`, hint: 'start the grid again with this version of 3bot: `npm start`' });
  return kept;
}
