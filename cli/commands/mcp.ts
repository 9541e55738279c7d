import { mkdir, open, readFile, stat } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import path from 'node:path';
import { createAuthority, newTokens, Tokens } from '../../bot/mcp/authority.ts';
import { serveMcpHttp } from '../../bot/mcp/http.ts';
import { MIN_MAX_OUTPUT } from '../../bot/mcp/output.ts';
import { productSurface } from '../../bot/mcp/product.ts';
import { serveMcpStdio } from '../../bot/mcp/stdio.ts';
import type { Surface } from '../../bot/mcp/surface.ts';
import { toolNames } from '../../bot/mcp/tools.ts';
import { connectBot } from '../connect.ts';
import type { Outcome } from '../output.ts';
import { Refusal } from '../refusal.ts';
import { printable } from '../render/printable.ts';
import { type StateDir, stateDir } from '../state-dir.ts';

export interface McpFlags {
  readonly state?: string;
  readonly json?: boolean;
  /** Port of Streamable HTTP; absent: stdio. */
  readonly http?: number;
  readonly host?: string;
  /** False: whoever reaches it may do everything. */
  readonly auth: boolean;
  readonly readOnly?: boolean;
  /** Names with commas between them. */
  readonly tools?: string;
  readonly allowPropose?: boolean;
  readonly maxOutput?: number;
}

const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];
const MAX_MAX_OUTPUT = 1_000_000;

/** Serves editors and their models until they go (stdio) or until Ctrl-C (HTTP). Standard output belongs to the protocol. */
export async function mcpCommand(flags: McpFlags): Promise<Outcome> {
  const { host = LOOPBACK[0] ?? '', maxOutput } = flags;
  if (maxOutput !== undefined && (maxOutput < MIN_MAX_OUTPUT || maxOutput > MAX_MAX_OUTPUT)) throw new Refusal({ code: 'max_output_invalid', message: `--max-output ${maxOutput}: expected ${MIN_MAX_OUTPUT} to ${MAX_MAX_OUTPUT} characters` });
  if (!flags.auth && !LOOPBACK.includes(host)) throw new Refusal({ code: 'auth_needed', message: `without tokens everybody who reaches ${host} could propose contracts`, hint: 'leave out --no-auth, or --host' });
  const state = stateDir(flags.state);
  const only = chosen(flags.tools);
  const { running, context, close } = await connectBot(state);
  try {
    const surface = productSurface(context, {
      version: '0.1.0', only, readOnly: flags.readOnly ?? false, allowPropose: flags.allowPropose ?? false,
      signUrl: (contract) => `${running.bot}/sign#${contract}`,
      ...(maxOutput !== undefined && { maxOutput }),
    });
    if (flags.http === undefined) await serveMcpStdio(surface, { input: process.stdin, output: process.stdout, log });
    else await serveHttp(surface, { state, host, port: flags.http, auth: flags.auth, json: flags.json ?? false });
  } finally {
    await close();
  }
  return { json: undefined, text: '' };
}

function log(line: string): void {
  process.stderr.write(`mcp: ${line.split('\n').map(printable).join('\n  ')}\n`);
}

function chosen(names: string | undefined): string[] | undefined {
  if (names === undefined) return undefined;
  const only = names.split(',').map((name) => name.trim());
  const unknown = only.filter((name) => !toolNames().includes(name));
  if (unknown.length > 0) throw new Refusal({ code: 'tool_unknown', message: `there is no tool ${unknown.join(', ')}`, hint: `there are: ${toolNames().join(', ')}` });
  return only;
}

async function serveHttp(surface: Surface, { state, host, port, auth, json }: { readonly state: StateDir; readonly host: string; readonly port: number; readonly auth: boolean; readonly json: boolean }): Promise<void> {
  const file = state.part('mcp', 'tokens.json');
  const tokens = auth ? await localTokens(file) : undefined;
  if (!LOOPBACK.includes(host)) log(`warning: tokens and contracts cross the network in the clear on ${host}; put a TLS proxy in front, or stay on loopback`);
  if (!tokens) log('warning: every program of this machine may propose contracts here (--no-auth)');
  const stopped = new Promise<void>((resolve) => { process.once('SIGINT', () => { resolve(); }).once('SIGTERM', () => { resolve(); }); });
  const served = await serveMcpHttp(surface, { host, port, names: namesOf(host), authority: tokens && ((resource) => createAuthority(tokens, resource)), log });
  const told = { url: served.url, ...(tokens && { tokens: file }) };
  process.stdout.write(json ? `${JSON.stringify({ ok: true, ...told })}\n` : `mcp     ${told.url}\n${tokens ? `tokens  ${file}\n` : ''}`);
  await stopped;
  await served.close();
}

/** The tokens of this state folder, made at the first start. They stay, so that editors go on with them. */
async function localTokens(file: string): Promise<Tokens> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  try {
    const handle = await open(file, 'wx', 0o600);
    const tokens = newTokens();
    await handle.writeFile(`${JSON.stringify(tokens, undefined, 2)}\n`);
    await handle.sync();
    await handle.close();
    return tokens;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  const { mode, uid } = await stat(file);
  if ((mode & 0o077) !== 0 || uid !== process.getuid?.()) throw new Refusal({ code: 'tokens_exposed', message: `${file} can be read by others than its owner`, hint: 'delete it; new tokens are made at the next start' });
  const parsed = Tokens.safeParse(await readFile(file, 'utf8').then((text): unknown => JSON.parse(text)).catch(() => undefined));
  if (parsed.success) return parsed.data;
  throw new Refusal({ code: 'tokens_invalid', message: `${file} does not hold the tokens of this server`, hint: 'delete it; new tokens are made at the next start' });
}

/** Under which names a server on this address may be asked, besides those of loopback. */
function namesOf(host: string): string[] {
  if (LOOPBACK.includes(host)) return [];
  const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address);
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []).map(({ address }) => bracketed(address));
  return host === '0.0.0.0' || host === '::' ? [hostname(), ...addresses] : [bracketed(host)];
}
