import { access, statfs } from 'node:fs/promises';
import path from 'node:path';
import { createRequire } from 'node:module';
import { formatBytes } from '../../contract/units.ts';
import type { Outcome } from '../output.ts';
import { paint } from '../output.ts';
import { checkModel } from '../chat/model-settings.ts';
import { printable } from '../render/printable.ts';
import { installRoot, readRunningGrid, type StateDir, stateDir } from '../state-dir.ts';
import { readNodes } from './node.ts';

interface Check { readonly check: string; readonly ok: boolean; readonly found: string; readonly hint?: string }

const MIN_FREE_BYTES = 2n * 10n ** 9n;
const TIMEOUT_MS = 3000;

/** Looks at everything that could keep 3bot from working here, and says what to do about it. */
export async function doctorCommand(flags: { readonly state?: string }): Promise<Outcome> {
  const state = stateDir(flags.state);
  const checks: Check[] = [nodeVersion(), nativeModule('better-sqlite3'), nativeModule('@ronomon/reed-solomon'), await built(), await freeDisk(), await languageModel(state)];
  const running = await readRunningGrid(state);
  if (!running) checks.push({ check: 'grid', ok: false, found: `none was started in ${state.root}`, hint: 'start one with `npm start`' });
  else {
    checks.push(await answers('ledger', `${running.ledger}/v1/grid`), await answers('bot', `${running.bot}/v1/status`));
    const nodes = await readNodes(flags);
    const dead = nodes.filter((n) => !n.alive).map((n) => n.label);
    checks.push({ check: 'nodes', ok: nodes.length > 0 && dead.length === 0, found: `${nodes.length - dead.length} of ${nodes.length} run${dead.length > 0 ? `; not running: ${dead.join(', ')}` : ''}`, ...(dead.length > 0 && { hint: dead.length === nodes.length ? 'start the grid with `npm start`' : `bring one back with \`3bot node run ${dead[0] ?? ''}\`` }) });
  }
  const ok = checks.every((c) => c.ok);
  const text = checks.map((c) => `${c.ok ? paint('green', 'ok  ', process.stdout) : paint('red', 'bad ', process.stdout)} ${c.check.padEnd(24)} ${c.found}${c.ok || c.hint === undefined ? '' : `\n       ${c.hint}`}`).join('\n');
  const error = { code: 'unhealthy', message: checks.filter((c) => !c.ok).map((c) => `${c.check}: ${c.found}`).join('; '), hint: checks.find((c) => !c.ok)?.hint };
  return { json: { ok, checks, ...(!ok && { error }) }, text, exitCode: ok ? 0 : 1 };
}

function nodeVersion(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return { check: 'Node.js', ok: major > 20 || (major === 20 && minor >= 15), found: process.versions.node, hint: 'Node.js 20.15 or later is needed' };
}

function nativeModule(name: string): Check {
  try {
    createRequire(path.join(installRoot(), 'package.json'))(name);
    return { check: name, ok: true, found: 'loads' };
  } catch (error) {
    return { check: name, ok: false, found: error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'does not load', hint: 'install again: `npm start`' };
  }
}

async function built(): Promise<Check> {
  const missing: string[] = [];
  for (const file of ['node-daemon.mjs', 'zdb.mjs', 'archive.mjs', 'ledger.mjs', 'gateway.mjs', 'bot.mjs']) {
    await access(path.join(installRoot(), 'dist', file)).catch(() => missing.push(file));
  }
  return { check: 'programs', ok: missing.length === 0, found: missing.length === 0 ? 'built' : `missing: ${missing.join(', ')}`, ...(missing.length > 0 && { hint: 'build them with `npm run build`' }) };
}

async function freeDisk(): Promise<Check> {
  const { bavail, bsize } = await statfs(installRoot(), { bigint: true });
  const free = bavail * bsize;
  return { check: 'disk', ok: free > MIN_FREE_BYTES, found: `${formatBytes(free)} free`, ...(free <= MIN_FREE_BYTES && { hint: 'nodes store real bytes, however thin their disks are: make room' }) };
}

/** None is no fault: the rules answer. */
async function languageModel(state: StateDir): Promise<Check> {
  const { model, refused } = await checkModel(state);
  if (!refused) return { check: 'language model', ok: true, found: model === undefined ? 'none is set; the rules answer' : printable(model) };
  return { check: 'language model', ok: false, found: `not used: ${printable(refused.message)} (${refused.code})`, hint: `${printable(refused.hint ?? 'see docs/guides/models.md')}, then start the grid again` };
}

async function answers(check: string, url: string): Promise<Check> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    await response.body?.cancel();
    return { check, ok: response.ok, found: `${url} answers ${response.status}` };
  } catch {
    return { check, ok: false, found: `${url} does not answer`, hint: 'start the grid with `npm start`' };
  }
}
