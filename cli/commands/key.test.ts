import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type Writable } from 'node:stream';
import { build } from 'esbuild';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { digestOf } from '../../contract/digest.ts';
import { openEnvelope, sealEnvelope } from '../../contract/envelope.ts';
import { encodePrivate } from '../../signer/key-forms.ts';
import { generatePkcs8 } from '../../signer/keys.ts';
import { openKeystore, openKeystoreFiles } from '../../signer/keystore.ts';
import { protectKeystore } from '../../signer/unlock.ts';
import { verifySignature } from '../../signer/verify.ts';
import { keystorePaths } from '../up/grid-keys.ts';
import { stateDir } from '../state-dir.ts';

/** The real command as a process, bundled as the build does it, with canaries where secrets go. */
const OLD = 'canary-old-passphrase-7f3a';
const NEW = 'canary-new-passphrase-91bc';
const FILE = 'canary-file-passphrase-d04e';
const WRONG = 'canary-wrong-passphrase-55aa';

// A command that writes a protected file takes a second of scrypt, and several on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let root: string;
let program: string;
let cases = 0;
beforeAll(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), '3bot-key-'));
  await build({
    absWorkingDir: path.join(import.meta.dirname, '../..'), entryPoints: [{ in: 'cli/main.ts', out: '3bot' }], outdir: path.join(root, 'dist'), splitting: true, bundle: true, format: 'esm', platform: 'node',
    outExtension: { '.js': '.mjs' }, chunkNames: 'chunk-[hash]', logLevel: 'silent', external: ['better-sqlite3', '@ronomon/reed-solomon', '@polkadot/*'], loader: { '.yaml': 'text', '.html': 'text', '.css': 'text', '.svg': 'text' },
    banner: { js: "import { createRequire as bundleCreateRequire } from 'node:module';\nconst require = bundleCreateRequire(import.meta.url);" },
  });
  program = path.join(root, 'dist', '3bot.mjs');
});

const started = new Set<ChildProcess>();
afterEach(() => { for (const child of started) child.kill('SIGKILL'); });

interface Ran { readonly code: number | null; readonly out: string; readonly err: string; /** /proc/PID/cmdline and environ, as they were while it ran. */ readonly proc: string; readonly json: Record<string, unknown> }
interface Given { readonly env?: Record<string, string>; readonly stdin?: string; readonly fd3?: string; readonly fd4?: string }

async function run(args: readonly string[], given: Given = {}): Promise<Ran> {
  const { child, text } = launch(args, given);
  const seen = new Set<string>();
  const look = async (): Promise<void> => { for (const name of ['cmdline', 'environ']) seen.add(await readFile(`/proc/${child.pid}/${name}`, 'latin1').catch(() => '')); };
  await look();
  const timer = setInterval(() => { void look(); }, 20);
  const code = await new Promise<number | null>((resolve) => { child.once('close', resolve); });
  clearInterval(timer);
  const proc = [...seen].join('\n');
  if (existsSync('/proc/self/environ')) expect(proc).toContain('3bot.mjs');
  return { code, ...text, proc, get json() { return JSON.parse(text.out) as Record<string, unknown>; } };
}

function launch(args: readonly string[], { env = {}, stdin = '', fd3, fd4 }: Given): { child: ChildProcess; text: { out: string; err: string } } {
  const child = spawn(process.execPath, [program, ...args], { env: { PATH: process.env['PATH'], ...env }, stdio: ['pipe', 'pipe', 'pipe', fd3 === undefined ? 'ignore' : 'pipe', fd4 === undefined ? 'ignore' : 'pipe'] });
  started.add(child);
  child.once('close', () => { started.delete(child); });
  const text = { out: '', err: '' };
  child.stdout?.on('data', (chunk: Buffer) => { text.out += chunk.toString(); });
  child.stderr?.on('data', (chunk: Buffer) => { text.err += chunk.toString(); });
  for (const [fd, sent] of [[0, stdin], [3, fd3], [4, fd4]] as const) {
    const pipe = child.stdio[fd] as Writable | null | undefined;
    pipe?.on('error', () => undefined);
    if (sent !== undefined) pipe?.end(sent);
  }
  return { child, text };
}

const freshState = (): string => path.join(root, `state${cases++}`);

/** A state folder with the key alice in a stakeholders' keystore under OLD; a low factor, so that the tests wait for what they are about. */
async function protectedState(): Promise<{ state: string; key: string; seed: Buffer }> {
  const state = freshState();
  const paths = keystorePaths(stateDir(state), 'stakeholders');
  await protectKeystore({ ...paths, passphrase: OLD, workFactor: 4 });
  const pkcs8 = generatePkcs8('signing');
  const seed = Buffer.from(pkcs8.subarray(-32));
  const store = await openKeystoreFiles({ ...paths, create: true, unlocking: { passphrase: () => Promise.resolve(OLD) } });
  return { state, key: (await store.importSigning('alice', pkcs8)).key, seed };
}

/** Every spelling in which a leaked seed would be seen. */
function spellings(seed: Buffer): string[] {
  const b64 = (bytes: Buffer): string => bytes.toString('base64');
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  // In the middle of longer base64, at each of its three alignments.
  const inside = [0, 1, 2].map((shift) => b64(Buffer.concat([Buffer.alloc(shift), seed])).slice(shift === 0 ? 0 : 4, 36));
  return [seed.toString('hex'), seed.toString('latin1'), b64(seed).slice(0, 40), seed.toString('base64url').slice(0, 40), b64(der).slice(20, 60), ...inside];
}

async function textsUnder(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return (await Promise.all(entries.filter((e) => e.isFile()).map(async (e) => `${e.name}\n${await readFile(path.join(e.parentPath, e.name), 'latin1')}`))).join('\n');
}

describe('secrets', () => {
  it('are in no argument, environment, output, error or file of any key command', async (context) => {
    if (!existsSync('/proc/self/environ')) return context.skip('for want of /proc');
    const { state, key, seed } = await protectedState();
    const at = ['--state', state];
    const unlock = ['--unlock-fd', '3'];
    const imported = generatePkcs8('signing');
    const importedSeed = Buffer.from(imported.subarray(-32));
    const keyFile = path.join(root, 'import.ssh');
    await writeFile(keyFile, await encodePrivate(imported, 'openssh', { comment: 'carol', passphrase: FILE }));
    const damaged = path.join(root, 'damaged.pem');
    await writeFile(damaged, `-----BEGIN PRIVATE KEY-----\n${seed.toString('base64')}\n-----END PRIVATE KEY-----\n`);
    const out = (name: string): string => path.join(root, name);
    const ran: [expected: number, ran: Ran][] = [];
    const expectCode = async (code: number, args: string[], given: Given): Promise<Ran> => {
      const done = await run(['key', ...args, ...at], given);
      ran.push([code, done]);
      return done;
    };
    expect((await expectCode(0, ['show', 'alice', '--json', ...unlock], { fd3: OLD })).json['key']).toBe(key);
    await expectCode(0, ['list', '--json'], {});
    await expectCode(0, ['new', 'bob', ...unlock], { fd3: `${OLD}\n` });
    await expectCode(0, ['import', 'carol', keyFile, ...unlock, '--passphrase-fd', '4'], { fd3: OLD, fd4: FILE });
    for (const form of ['openssh', 'pkcs8']) await expectCode(0, ['export', 'alice', '--format', form, '--out', out(`alice.${form}`), ...unlock, '--passphrase-fd', '4'], { fd3: OLD, fd4: FILE });
    await expectCode(0, ['export', 'alice', '--format', 'openssh', '--json', ...unlock, '--passphrase-fd', '4'], { fd3: OLD, fd4: FILE });
    await expectCode(0, ['export', 'alice', '--format', 'did', ...unlock], { fd3: OLD });
    await expectCode(0, ['export', 'alice', '--format', 'pkcs8', '--plain', '--out', out('alice.plain'), ...unlock], { fd3: OLD });
    // What goes wrong quotes nothing either.
    await expectCode(1, ['show', 'alice', ...unlock], { fd3: WRONG });
    await expectCode(1, ['show', 'alice', '--json', ...unlock], { fd3: `${WRONG}${'x'.repeat(2000)}` });
    await expectCode(1, ['show', 'alice'], { stdin: OLD });
    await expectCode(1, ['import', 'dave', keyFile, ...unlock, '--passphrase-fd', '4'], { fd3: OLD, fd4: WRONG });
    await expectCode(1, ['import', 'dave', damaged, '--json', ...unlock], { fd3: OLD });
    await expectCode(1, ['export', 'alice', '--format', 'openssh', '--out', out('alice.openssh'), ...unlock, '--passphrase-fd', '4'], { fd3: OLD, fd4: FILE });
    await expectCode(1, ['passphrase', ...unlock, '--passphrase-fd', '4'], { fd3: WRONG, fd4: NEW });
    await expectCode(1, ['protect', '--passphrase-fd', '4'], { fd4: NEW });
    await expectCode(0, ['passphrase', ...unlock, '--passphrase-fd', '4'], { fd3: OLD, fd4: NEW });
    expect(ran.map(([, { code }]) => code)).toEqual(ran.map(([code]) => code));

    const secrets = [OLD, NEW, FILE, WRONG, 'AGE-SECRET-KEY', ...spellings(seed), ...spellings(importedSeed)];
    const everything = [...ran.map(([, { out: said, err, proc }]) => `${said}\n${err}\n${proc}`), await textsUnder(state)].join('\n');
    expect(secrets.filter((secret) => everything.includes(secret))).toEqual([]);
    const plain = await readFile(out('alice.plain'), 'latin1');
    // The search would have found them: where the key was asked for in the clear, it is.
    expect(spellings(seed).some((secret) => plain.includes(secret))).toBe(true);
    expect((await stat(out('alice.plain'))).mode & 0o777).toBe(0o600);
  });
});

describe('3bot key', () => {
  it('protects a keystore: the file that opened it is gone', async () => {
    const state = freshState();
    const made = await run(['key', 'new', 'alice', '--state', state, '--json']);
    expect(made.json).toMatchObject({ ok: true, name: 'alice', protection: 'file' });
    const done = await run(['key', 'protect', '--passphrase-fd', '4', '--state', state, '--json'], { fd4: NEW });
    expect(done.json).toMatchObject({ ok: true, protection: 'passphrase', warning: expect.stringContaining('backup') as string });
    expect(await textsUnder(state)).not.toContain('AGE-SECRET-KEY');
    const listed = await run(['key', 'list', '--state', state, '--json']);
    expect(listed.json['keys']).toEqual([{ keystore: 'stakeholders', name: 'alice', type: 'signing', protection: 'passphrase' }]);
  });

  it('begins one under a passphrase with --protect', async () => {
    const state = freshState();
    expect((await run(['key', 'new', 'alice', '--protect', '--passphrase-fd', '4', '--state', state, '--json'], { fd4: NEW })).json).toMatchObject({ ok: true, protection: 'passphrase' });
    expect(await textsUnder(state)).not.toContain('AGE-SECRET-KEY');
  });

  it('says the three ways where nobody can answer, and asks nobody when piped', async () => {
    const { state } = await protectedState();
    const { code, json } = await run(['key', 'show', 'alice', '--state', state, '--json'], { stdin: `${OLD}\n` });
    expect(code).toBe(1);
    expect(json).toMatchObject({ ok: false, error: { code: 'keystore_locked', hint: expect.stringMatching(/terminal.*--unlock-fd.*THREEBOT_AGENT/) as string } });
    expect((await run(['key', 'protect', '--keystore', 'ledger', '--state', state, '--json'])).json).toMatchObject({ error: { code: 'keystore_missing' } });
    for (const fd of ['1', '2', '-1', 'x', '3.5']) expect((await run(['key', 'list', '--unlock-fd', fd, '--state', state])).code, fd).toBe(2);
    expect((await run(['key', 'show', 'alice', '--unlock-fd', '3', '--state', state, '--json'])).json).toMatchObject({ error: { code: 'descriptor_unusable' } });
  });

  it('asks at the terminal without showing what is typed', async (context) => {
    if (spawnSync('script', ['--version']).error) return context.skip('for want of script (bsdutils)');
    const { state, key } = await protectedState();
    const command = [process.execPath, program, 'key', 'show', 'alice', '--state', state].join(' ');
    const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'pipe'] });
    started.add(child);
    let shown = '';
    child.stdout.on('data', (chunk: Buffer) => {
      const before = shown;
      shown += chunk.toString();
      if (!before.includes('passphrase of') && shown.includes('passphrase of')) child.stdin.write(`${OLD}x\u007f\r`);
    });
    expect(await new Promise((resolve) => { child.once('close', resolve); })).toBe(0);
    expect(shown).toContain(key);
    expect(shown).not.toContain(OLD);
  });
});

describe('the agent as a process', () => {
  it('signs entries for others, keeps its passphrase, and forgets everything when it is told to end', async () => {
    const { state, key, seed } = await protectedState();
    const paths = keystorePaths(stateDir(state), 'stakeholders');
    const { child, text } = launch(['key', 'agent', '--state', state, '--unlock-fd', '3', '--json'], { fd3: OLD });
    const gone = new Promise<number | null>((resolve) => { child.once('close', resolve); });
    await new Promise<void>((resolve, reject) => {
      child.stdout?.once('data', () => { resolve(); });
      void gone.then((code) => { reject(new Error(`the agent ended (${code}): ${text.err}`)); });
    });
    const { socket } = JSON.parse(text.out) as { socket: string };
    const env = { THREEBOT_AGENT: socket };
    expect((await run(['key', 'show', 'alice', '--state', state, '--json'], { env })).json['key']).toBe(key);
    expect((await run(['key', 'list', '--state', state, '--json'], { env })).json['keys']).toMatchObject([{ name: 'alice', key }]);
    // Somebody else's keystore is asked for as ever.
    const other = await protectedState();
    expect((await run(['key', 'show', 'alice', '--state', other.state, '--json'], { env })).json).toMatchObject({ error: { code: 'keystore_locked' } });
    expect((await run(['key', 'agent', '--state', state, '--unlock-fd', '3', '--json'], { fd3: OLD })).json).toMatchObject({ error: { code: 'agent_running' } });

    const signer = await (await openKeystore({ ...paths, unlocking: { agent: socket } })).signing('alice');
    for (let beat = 1; beat <= 3; beat++) {
      expect(openEnvelope(sealEnvelope('tick', { grid: digestOf('grid'), beat }, signer), verifySignature)).toMatchObject({ ok: true, kind: 'tick', key });
    }
    expect(() => signer.sign(Buffer.from('not an entry'))).toThrowError(expect.objectContaining({ code: 'agent_refused' }) as Error);
    const proc = existsSync('/proc/self/environ') ? `${await readFile(`/proc/${child.pid}/cmdline`, 'latin1')}${await readFile(`/proc/${child.pid}/environ`, 'latin1')}` : '';
    child.kill('SIGTERM');
    expect(await gone).toBe(0);
    expect(() => signer.sign(Buffer.from('not an entry'))).toThrowError(expect.objectContaining({ code: 'agent_unreachable' }) as Error);
    expect(existsSync(socket)).toBe(false);
    expect(text.err).toMatch(/stakeholders\/alice sign tick: done\n.*sign tick: done\n.*sign tick: done\n.*not_an_entry\n/);
    const said = `${text.out}${text.err}${proc}`;
    expect([OLD, 'AGE-SECRET-KEY', ...spellings(seed)].filter((secret) => said.includes(secret))).toEqual([]);
  });
});
