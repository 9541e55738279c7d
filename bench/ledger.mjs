// The ledger in numbers: `npm run bench:ledger -- [--runs 5] [--only verify,submit,catchup,proof,postgres] [--entries 50000] [--tree 1000000] [--json]`.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { machine, median } from './machine.mjs';
import { startPostgres } from './ledger/postgres.mjs';
import { bundlePrograms, runProgram, startProgram } from './ledger/programs.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NODES = 1000;
const CLIENTS = 64;
const WARM_UP = 8000;
const THREADS = 2;
const PROOFS = 20_000;
const GOALS = { submit: 10_000, catchup: 12_000, proof: 1 };
/** Transport, entries a message, messages of one client that wait for an answer at once. */
const SUBMISSIONS = [['http', 1, 1], ['http', 16, 1], ['http', 64, 1], ['ws', 1, 1], ['ws', 1, 16], ['ws', 16, 2], ['ws', 64, 1]];

const { values: flags } = parseArgs({
  options: { runs: { type: 'string', default: '5' }, only: { type: 'string', default: 'verify,submit,catchup,proof,postgres' }, entries: { type: 'string', default: '50000' }, tree: { type: 'string', default: '1000000' }, json: { type: 'boolean', default: false } },
});
const RUNS = Number(flags.runs);
const ENTRIES = Number(flags.entries);
const TREE = Number(flags.tree);
if (![RUNS, ENTRIES, TREE].every((n) => Number.isInteger(n) && n > 0)) throw new Error('expected --runs 5 --entries 50000 --tree 1000000 or the like');
const wanted = new Set(flags.only.split(','));
const base = mkdtempSync(join(tmpdir(), '3bot-bench-ledger-'));
const results = { machine: { ...machine(ROOT), sqlite: JSON.parse(readFileSync(join(ROOT, 'node_modules/better-sqlite3/package.json'), 'utf8')).version, openssl: process.versions.openssl }, runs: RUNS, entries: ENTRIES, measures: [] };
const say = (text) => process.stderr.write(`${text}\n`);
let folders = 0;

function freshFolder() {
  const folder = join(base, `run-${folders++}`);
  mkdirSync(folder);
  return folder;
}

/** Runs `work` so many times and prints the median; `more` says what else one of them told. */
async function measure({ name, unit = '/s', goal, atMost = false, digits = 0, runs = RUNS, more }, work) {
  const told = [];
  for (let run = 0; run < runs; run++) told.push(await work(run));
  const values = told.map(({ value }) => value);
  const m = median(values);
  const verdict = goal === undefined ? '' : `   goal ${goal.toFixed(digits)} ${unit}: ${(atMost ? m <= goal : m >= goal) ? 'met' : 'MISSED'}`;
  say(`${name.padEnd(50)} ${m.toFixed(digits).padStart(9)} ${unit.padEnd(3)} (${Math.min(...values).toFixed(digits)} … ${Math.max(...values).toFixed(digits)}, ${runs} runs)${verdict}${more ? `   ${more(told)}` : ''}`);
  results.measures.push({ name, unit, median: m, values, goal, told });
  return m;
}
const medianOf = (told, key) => median(told.map((each) => each[key]));
const mebibytes = (bytes) => `${Math.round(bytes / 2 ** 20)} MiB`;

function ceiling() {
  const { stdout, error } = spawnSync('openssl', ['speed', '-seconds', '3', '-multi', '2', 'ed25519'], { encoding: 'utf8' });
  if (error) throw error;
  return { value: Number(/([\d.]+)\s*$/.exec(stdout.trim())?.[1]) };
}

async function accept(batch, threads) {
  const dir = freshFolder();
  const told = await runProgram(base, 'accept', [base, dir, ENTRIES, batch, threads]);
  rmSync(dir, { recursive: true });
  return { ...told, value: told.perSecond };
}

async function submit([transport, batch, window]) {
  const dir = freshFolder();
  const server = startProgram(base, 'server', [base, dir, THREADS]);
  const { url } = await server.first;
  const count = batch === 1 ? Math.ceil(ENTRIES / 2) : ENTRIES;
  const load = await runProgram(base, 'load', [base, url, transport, CLIENTS, count, batch, NODES, window]);
  server.child.stdin.end();
  const [, used] = await server.ended;
  rmSync(dir, { recursive: true });
  return { value: load.perSecond, serverMicroseconds: (used.cpuSeconds / load.sent) * 1e6, loadMicroseconds: (load.cpuSeconds / load.sent) * 1e6, rss: used.rss };
}

async function catchUp(server, threads) {
  const dir = freshFolder();
  const { url } = await server.first;
  const told = await runProgram(base, 'follow', [url, dir, threads]);
  rmSync(dir, { recursive: true });
  return { ...told, value: told.perSecond };
}

/** Seconds until a new copy stands at the head; the server takes its snapshot once it is quiet. */
async function catchUpFromSnapshot(server) {
  const dir = freshFolder();
  const { url } = await server.first;
  for (let tries = 0; (await fetch(`${url}/v1/snapshot`)).status !== 200; tries++) {
    if (tries > 600) throw new Error('the server has taken no snapshot in a minute');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { grid } = await (await fetch(`${url}/v1/grid`)).json();
  const told = await runProgram(base, 'follow', [url, dir, 0, grid]);
  rmSync(dir, { recursive: true });
  return { ...told, value: told.seconds };
}

try {
  say(`machine: ${JSON.stringify(results.machine)}`);
  await bundlePrograms(ROOT, base);
  const { envelopeBytes } = await runProgram(base, 'entries', [base, NODES, ENTRIES + WARM_UP]);
  say(`entries: node.alive of ${NODES} nodes in turn, each with a key of its own, ${envelopeBytes} bytes an envelope; ${WARM_UP} before the clock starts`);
  if (wanted.has('verify')) {
    const most = await measure({ name: 'openssl speed -multi 2 ed25519, verify' }, ceiling);
    const more = (told) => `${medianOf(told, 'cpuMicroseconds').toFixed(0)} us of CPU an entry, ${medianOf(told, 'bytesAnEntry').toFixed(0)} bytes an entry on disk, ${mebibytes(medianOf(told, 'rss'))}`;
    await measure({ name: `accepted, batches of 256, ${THREADS} opener threads`, goal: most / 2, more }, () => accept(256, THREADS));
    await measure({ name: 'accepted, batches of 256, no threads', more }, () => accept(256, 0));
  }
  if (wanted.has('submit')) {
    const more = (told) => `server ${medianOf(told, 'serverMicroseconds').toFixed(0)} us, load ${medianOf(told, 'loadMicroseconds').toFixed(0)} us of CPU an entry, server ${mebibytes(medianOf(told, 'rss'))}`;
    for (const each of SUBMISSIONS) {
      const [transport, batch, window] = each;
      const name = `${CLIENTS} clients, ${transport === 'ws' ? 'WebSocket' : 'HTTP'}, ${batch} ${transport === 'ws' ? `a message, ${window} under way` : 'a request'}`;
      await measure({ name, goal: GOALS.submit, more }, () => submit(each));
    }
  }
  if (wanted.has('catchup')) {
    const dir = freshFolder();
    await runProgram(base, 'accept', [base, dir, ENTRIES, 256, THREADS]);
    const server = startProgram(base, 'server', [base, dir, 0]);
    const more = (told) => `${told[0].size} entries, ${medianOf(told.map(({ cpuSeconds, size }) => ({ us: (cpuSeconds / size) * 1e6 })), 'us').toFixed(0)} us of CPU an entry, ${mebibytes(medianOf(told, 'rss'))}`;
    await measure({ name: `catch-up from genesis, ${NODES} keys, ${THREADS} threads`, goal: GOALS.catchup, more }, () => catchUp(server, THREADS));
    await measure({ name: `catch-up from genesis, ${NODES} keys, no threads`, more }, () => catchUp(server, 0));
    const audited = (told) => `${told[0].size} entries, audited after ${medianOf(told, 'auditedSeconds').toFixed(1)} s in half of a core, ${mebibytes(medianOf(told, 'rss'))}`;
    await measure({ name: `catch-up from a snapshot, ${NODES} keys`, unit: 's', digits: 3, more: audited }, () => catchUpFromSnapshot(server));
    server.child.stdin.end();
    await server.ended;
  }
  if (wanted.has('proof')) {
    const dir = freshFolder();
    let told;
    const run = async () => {
      told ??= await runProgram(base, 'proofs', [dir, TREE, PROOFS, RUNS]);
      return told;
    };
    const { runs, ...rest } = await run();
    await measure({ name: `inclusion proof at ${TREE} entries, p99`, unit: 'ms', goal: GOALS.proof, atMost: true, digits: 3, more: () => `p50 ${median(runs.map(({ p50 }) => p50)).toFixed(3)} ms, ${rest.bytesAnEntry.toFixed(0)} bytes an entry on disk, ${mebibytes(rest.rss)} for the whole process` }, (i) => ({ ...runs[i], value: runs[i].p99 }));
  }
  if (wanted.has('postgres')) {
    // As long as a leaf of ours.
    const [line] = readFileSync(join(base, 'alive.jsonl'), 'utf8').split('\n', 1);
    const postgres = startPostgres(`{"envelope":${line},"seq":123456,"time":"2026-11-20T12:00:00.000Z"}`);
    if (postgres.skipped) say(`PostgreSQL: skipped ${postgres.skipped}`);
    else {
      say(`PostgreSQL ${postgres.version}, ${postgres.settings}; nothing is verified, pgbench over a Unix socket`);
      try {
        for (const batch of [1, 16, 64, 256]) await measure({ name: `PostgreSQL, ${CLIENTS} clients, ${batch} rows an INSERT` }, async () => ({ value: postgres.insert(CLIENTS, batch) }));
      } finally {
        postgres.stop();
      }
    }
  }
  if (flags.json) process.stdout.write(`${JSON.stringify(results)}\n`);
} finally {
  rmSync(base, { recursive: true, force: true });
}
