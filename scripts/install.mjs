// Brings node_modules to what package-lock.json says, once. Runs before anything is installed: plain Node, no dependencies.
import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { DIST, LOCK, MODULES, ROOT, Refusal, isMain, readJson, run, say, sha256 } from './checkout.mjs';
import { withLock } from './lock.mjs';
import { progress } from './progress.mjs';
import { buildEnvironment, checkNode } from './toolchain.mjs';

const STAMP = join(MODULES, '.3bot-install');
const LOG = join(DIST, 'install.log');
const LOG_TAIL_LINES = 30;
/** The packages that must compile something here; nobody else's install scripts run (a development dependency brings another SQLite, which nothing here loads). */
const NATIVES = ['better-sqlite3', '@ronomon/reed-solomon'];
/** Loads every native module for real: a compiled file that does not load is not installed. */
const NATIVE_PROBE = `new (require('better-sqlite3'))(':memory:').close(); require('@ronomon/reed-solomon');`;

/** What an installation depends on: the lock file, and the Node and machine its native modules were compiled for. */
function wantedStamp() {
  const lock = sha256(readFileSync(join(ROOT, 'package-lock.json')));
  return `${lock} abi${process.versions.modules} ${process.platform} ${process.arch}\n`;
}

function isInstalled() {
  return existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wantedStamp();
}

function nativesLoad() {
  return spawnSync(process.execPath, ['-e', NATIVE_PROBE], { cwd: ROOT, stdio: 'ignore' }).status === 0;
}

/** Whether somebody's own `npm install` already brought exactly what the lock file names. */
function matchesLock() {
  const wanted = readJson(join(ROOT, 'package-lock.json'))?.packages ?? {};
  const present = readJson(join(MODULES, '.package-lock.json'))?.packages;
  if (present === undefined) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const have = present[path];
    if (have === undefined) return entry.optional === true;
    return have.version === entry.version && have.integrity === entry.integrity && existsSync(join(ROOT, path));
  });
}

/** The npm that started us, else the one beside node, else the one on the PATH. */
export function npmCommand() {
  const running = process.env.npm_execpath;
  if (running && basename(running) === 'npm-cli.js') return [process.execPath, running];
  const beside = join(dirname(process.execPath), 'npm');
  return [existsSync(beside) ? beside : 'npm'];
}

/** Runs `npm ci` and compiles the native modules, with the output in a log and one line of it on the screen. */
async function npmCi(env) {
  mkdirSync(DIST, { recursive: true });
  const shown = progress('installing dependencies (once, a minute or two)');
  const log = createWriteStream(LOG);
  // Development dependencies are needed even under NODE_ENV=production: esbuild bundles what runs.
  const steps = [['ci', '--include=dev', '--ignore-scripts', '--no-progress'], ['rebuild', '--foreground-scripts', ...NATIVES]];
  for (const args of steps) {
    const { outcome, tail } = await npm(args, env, { log, shown });
    if (outcome === undefined) continue;
    log.end();
    shown.done('failed');
    for (const line of tail) say(`  | ${line}`);
    throw new Refusal(`npm ${args[0]} failed (${outcome})`, `The whole output is in ${LOG}; run the same command again after mending the cause.`);
  }
  log.end();
  shown.done('done');
}

/** One run of npm: undefined or why it failed, and its last lines. */
async function npm(args, env, { log, shown }) {
  const [command, ...prefix] = npmCommand();
  const child = spawn(command, [...prefix, ...args], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const tail = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      log.write(`${line}\n`);
      tail.push(line);
      if (tail.length > LOG_TAIL_LINES) tail.shift();
      const script = /^> (\S+) install/.exec(line);
      if (script) shown.detail(`compiling ${script[1]}`);
    });
  }
  const stop = (signal) => child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
  const outcome = await new Promise((done) => {
    child.once('error', (error) => done(error.message));
    child.once('close', (code, signal) => done(code === 0 ? undefined : (signal ?? `exit code ${code}`)));
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(signal, stop);
  return { outcome, tail };
}

/** Installs what is missing; cheap when nothing is. Throws a Refusal that names the cause and the remedy. */
export async function install() {
  checkNode();
  if (isInstalled()) return;
  await withLock(
    LOCK,
    async () => {
      if (isInstalled()) return;
      if (!(matchesLock() && nativesLoad())) {
        const env = buildEnvironment();
        rmSync(STAMP, { force: true });
        await npmCi(env);
        if (!nativesLoad()) throw new Refusal('the native modules were installed but do not load', `See ${LOG}.`);
      }
      writeFileSync(STAMP, wantedStamp());
    },
    (pid) => say(`waiting for process ${pid}, which is installing or building here`),
  );
}

if (isMain(import.meta.url)) await run(install);
