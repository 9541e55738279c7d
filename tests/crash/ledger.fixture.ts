import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { symlinkSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { z } from 'zod';
import { type Digest, digestOf } from '../../contract/digest.ts';
import { type Envelope, sealEnvelope } from '../../contract/envelope.ts';
import { newGrid, temporaryFolder, type TestGrid } from '../../ledger/grid.fixture.ts';
import { openKeystore } from '../../signer/keystore.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
const START_MS = 60_000;

const Sources = z.object({ PROGRAMS: z.record(z.string(), z.string()) });
const Told = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready'), url: z.string() }),
  z.object({ type: z.literal('failed'), code: z.string(), message: z.string() }),
]);

export interface StartOptions {
  readonly dir: string;
  /** Default: any free one. */
  readonly port?: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly tickAfterMs?: number;
}

/** A ledger's real process (ledger/main.ts, bundled as it is shipped), started and killed by its number. */
export class LedgerProcess {
  readonly child: ChildProcess;
  /** With the exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  /** With its URL. */
  readonly ready: Promise<string>;
  #errors = '';

  constructor(child: ChildProcess, start: object) {
    this.child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => { this.#errors = (this.#errors + text).slice(-4000); });
    this.ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
    this.ready = new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('the ledger did not start in time')), START_MS).unref();
      child.once('message', (message) => {
        clearTimeout(late);
        const told = Told.parse(message);
        if (told.type === 'ready') resolve(told.url);
        else reject(new Error(`the ledger did not start: ${told.code} ${told.message}`));
      });
      void this.ended.then((how) => reject(new Error(`the ledger ended with ${how}: ${this.#errors}`)));
    });
    // Whoever kills it before it is ready does not wait for it to be.
    this.ready.catch(() => undefined);
    child.send(start);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** What it wrote to standard error, the last 4,000 characters. */
  get errors(): string {
    return this.#errors;
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | NodeJS.Signals | null> {
    this.child.kill(signal);
    return this.ended;
  }
}

/** The bundled program with a key and a grid of its own. */
export class LedgerProgram {
  readonly grid: TestGrid;
  readonly #program: string;
  readonly #keystore: { dir: string; unlock: string };
  readonly #issuer: { readonly id: Digest; readonly envelope: Envelope };
  readonly #running = new Set<LedgerProcess>();

  private constructor(program: string, keystore: { dir: string; unlock: string }, grid: TestGrid) {
    this.#program = program;
    this.#keystore = keystore;
    this.grid = grid;
    const payload = { grid: grid.grid, kind: 'organisation', name: 'issuer', keys: [grid.signer.key], nonce: '0'.repeat(32) };
    this.#issuer = { id: digestOf(payload), envelope: sealEnvelope('principal.created', payload, grid.signer) };
  }

  static async build(): Promise<LedgerProgram> {
    const folder = temporaryFolder();
    symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
    // With the programs that the ledger starts as threads: they lie beside it, as they do in dist/.
    const { PROGRAMS } = Sources.parse(await import(pathToFileURL(path.join(ROOT, 'scripts', 'sources.mjs')).href));
    const programs = Object.entries(PROGRAMS).filter(([name]) => name.startsWith('ledger'));
    await build({
      entryPoints: programs.map(([out, source]) => ({ in: path.join(ROOT, source), out })),
      outdir: folder, outExtension: { '.js': '.mjs' }, bundle: true, platform: 'node', format: 'esm', target: 'node20', external: ['better-sqlite3'], logLevel: 'silent',
      banner: { js: 'import { createRequire as bundleCreateRequire } from "node:module"; const require = bundleCreateRequire(import.meta.url);' },
    });
    const keystore = { dir: path.join(folder, 'keys'), unlock: path.join(folder, 'unlock') };
    const signer = await (await openKeystore({ ...keystore, create: true })).signing('ledger');
    return new LedgerProgram(path.join(folder, 'ledger.mjs'), keystore, newGrid(signer));
  }

  /** What every log here begins with: the grid, and an issuer who may say as much as there is to say. */
  get beginning(): Envelope[] {
    return [this.grid.genesis, this.#issuer.envelope];
  }

  /** A valid entry that nothing else depends on, and that depends on nothing but the beginning. */
  entry(): Envelope {
    const { id } = this.#issuer;
    return sealEnvelope('credit.transferred', { grid: this.grid.grid, by: id, to: id, amount: '1', nonce: randomBytes(16).toString('hex') }, this.grid.signer);
  }

  start({ dir, port = 0, env = {}, tickAfterMs }: StartOptions): LedgerProcess {
    const child = fork(this.#program, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], env: { ...process.env, ...env } });
    const running = new LedgerProcess(child, { type: 'start', dir, host: '127.0.0.1', port, keystore: this.#keystore, key: 'ledger', ...(tickAfterMs === undefined ? {} : { tickAfterMs }) });
    this.#running.add(running);
    void running.ended.then(() => this.#running.delete(running));
    return running;
  }

  /** Ends what still runs, each by its number. */
  async close(): Promise<void> {
    await Promise.all([...this.#running].map((each) => each.kill()));
  }
}
