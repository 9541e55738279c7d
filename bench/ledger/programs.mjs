// Bundles what the ledger's benchmark runs, as the build does, into a folder of its own; runs one of them to its end.
import { spawn } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';

const PROGRAMS = {
  entries: 'bench/ledger/entries.ts', accept: 'bench/ledger/accept.ts', server: 'bench/ledger/server.ts', load: 'bench/ledger/load.ts',
  follow: 'bench/ledger/follow.ts', proofs: 'bench/ledger/proofs.ts', 'ledger-opener': 'ledger/opening/worker.ts', 'ledger-snapshot': 'ledger/snapshot/worker.ts',
};
const BANNER = "import { createRequire as bundleCreateRequire } from 'node:module';\nconst require = bundleCreateRequire(import.meta.url);";

export async function bundlePrograms(root, folder) {
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  await build({
    absWorkingDir: root, entryPoints: Object.entries(PROGRAMS).map(([out, source]) => ({ in: source, out })), outdir: folder, outExtension: { '.js': '.mjs' },
    bundle: true, format: 'esm', platform: 'node', target: 'node20', external: ['better-sqlite3'], banner: { js: BANNER }, logLevel: 'error',
  });
}

/** Starts a program; `first` is its first line of stdout as JSON, `ended` resolves with all lines when it ends well. */
export function startProgram(folder, name, args, nodeOptions = []) {
  const child = spawn(process.execPath, [...nodeOptions, join(folder, `${name}.mjs`), ...args.map(String)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = [];
  let tell;
  const first = new Promise((resolve) => { tell = resolve; });
  createInterface({ input: child.stdout }).on('line', (text) => {
    lines.push(JSON.parse(text));
    tell(lines[0]);
  });
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve(lines) : reject(new Error(`${name} ended with ${code}`))));
  });
  // A program that ends without a line must not leave its starter waiting.
  return { child, ended, first: Promise.race([first, ended.then(([line]) => line)]) };
}

/** Runs a program that prints one JSON line. */
export async function runProgram(folder, name, args, nodeOptions) {
  const [line] = await startProgram(folder, name, args, nodeOptions).ended;
  return line;
}
