// The main job in numbers: `node bench/main-job.mjs [--runs 5] [--size 1GB] [--only start,help,understand,transfer] [--profile] [--json]`.
import { spawn } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { cpuDuring, execute, startGrid } from './grid.mjs';
import { line, machine, median } from './machine.mjs';
import { profileDuring } from './profile.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SENTENCE = 'give me an archive of 1 PB in CH';
const GOALS = { start: 20, help: 0.2, understand: 0.5 };
const PIECE = 8 * 2 ** 20;
const TOP = 12;
const PROFILED_TRANSFERS = 3;
const UNITS = { KB: 1e3, MB: 1e6, GB: 1e9 };

const { values: flags } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' }, size: { type: 'string', default: '1GB' }, only: { type: 'string', default: 'start,help,understand,transfer' },
    profile: { type: 'boolean', default: false }, json: { type: 'boolean', default: false },
  },
});
const RUNS = Number(flags.runs);
const [, amount, unit] = /^(\d+)(KB|MB|GB)$/.exec(flags.size) ?? [];
if (!Number.isInteger(RUNS) || RUNS < 1 || unit === undefined) throw new Error('expected --runs 5 and --size 100MB or the like');
const SIZE = Number(amount) * UNITS[unit];
const wanted = new Set(flags.only.split(','));
const base = mkdtempSync(join(tmpdir(), '3bot-bench-'));
const results = { machine: machine(ROOT), runs: RUNS, bytes: SIZE, measures: [] };
const say = (text) => process.stderr.write(`${text}\n`);

function record(measure) {
  results.measures.push({ ...measure, median: measure.values.length > 0 ? median(measure.values) : undefined });
  say(line(measure));
}

async function repeat(work) {
  const values = [];
  for (let run = 0; run < RUNS; run++) values.push(await work(run));
  return values;
}

/** Seconds from `npm start` to the line that says a first object was stored and read back. */
function startToPut(run) {
  const state = join(base, `start-${run}`);
  const started = performance.now();
  const child = spawn('npm', ['start', '--', SENTENCE, '--yes', '--exit', '--state', state], { cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe'] });
  return new Promise((resolve, reject) => {
    let seconds;
    createInterface({ input: child.stderr }).on('line', (text) => {
      if (text.includes('stored a probe object')) seconds = (performance.now() - started) / 1000;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      rmSync(state, { recursive: true, force: true });
      if (code === 0 && seconds !== undefined) resolve(seconds);
      else reject(new Error(`npm start ended with ${code}`));
    });
  });
}

function makeFile(file) {
  const descriptor = openSync(file, 'w');
  const piece = Buffer.allocUnsafe(PIECE);
  for (let left = SIZE; left > 0; left -= PIECE) writeSync(descriptor, randomFillSync(piece), 0, Math.min(PIECE, left));
  closeSync(descriptor);
}

/** A put and a get with curl, one stream each; credentials by a private file. */
function curlOf(archive, ca) {
  const settings = join(base, 'curl.conf');
  writeFileSync(settings, [`user = "${archive.accessKeyId}:${archive.secretAccessKey}"`, `cacert = "${ca}"`, `aws-sigv4 = "aws:amz:${archive.region}:s3"`, 'header = "x-amz-content-sha256: UNSIGNED-PAYLOAD"', 'silent', 'show-error', 'fail'].join('\n'), { mode: 0o600 });
  const url = `${archive.endpoint}/${archive.bucket}/bench`;
  return {
    put: (file) => execute('curl', ['-K', settings, '-T', file, url]),
    get: (file) => execute('curl', ['-K', settings, '-o', file, url]),
    remove: () => execute('curl', ['-K', settings, '-X', 'DELETE', url]),
  };
}

/** The same with awscli: parts of 8 MB, several at once. */
function awsOf(archive, ca) {
  const env = { ...process.env, AWS_ACCESS_KEY_ID: archive.accessKeyId, AWS_SECRET_ACCESS_KEY: archive.secretAccessKey, AWS_DEFAULT_REGION: archive.region, AWS_CA_BUNDLE: ca, AWS_CONFIG_FILE: join(base, 'aws.config'), AWS_EC2_METADATA_DISABLED: 'true' };
  const copy = (from, to) => execute('aws', ['--endpoint-url', archive.endpoint, 's3', 'cp', '--no-progress', from, to], { env });
  const url = `s3://${archive.bucket}/bench-aws`;
  return { put: (file) => copy(file, url), get: (file) => copy(url, file), remove: () => execute('aws', ['--endpoint-url', archive.endpoint, 's3', 'rm', url], { env }) };
}

/** Plain copies of the same file on the same disk, to the disk and back, in the same run. */
const dd = (from, to, ...more) => execute('dd', [`if=${from}`, `of=${to}`, 'bs=1M', ...more]);

async function transfer() {
  const grid = await startGrid(ROOT, join(base, 'grid'));
  try {
    const { stdout } = await execute(join(ROOT, 'bin/3bot'), ['ask', SENTENCE, '--yes', '--json', '--state', join(base, 'grid')], { cwd: ROOT });
    const archive = JSON.parse(stdout);
    const [file, back] = [join(base, 'file'), join(base, 'back')];
    makeFile(file);
    const speed = ({ seconds }) => SIZE / 1e6 / seconds;
    const clients = { curl: curlOf(archive, grid.ready.ca), ...(results.machine.aws !== 'absent' && { awscli: awsOf(archive, grid.ready.ca) }) };
    const seen = Object.fromEntries(['cp with fsync', 'cp from cache', ...Object.keys(clients).flatMap((c) => [`put ${c}`, `get ${c}`])].map((name) => [name, []]));
    const cpu = { put: [], get: [] };
    for (let run = 0; run < RUNS; run++) {
      seen['cp with fsync'].push(speed(await dd(file, back, 'conv=fsync')));
      seen['cp from cache'].push(speed(await dd(back, '/dev/null')));
      for (const [name, client] of Object.entries(clients)) {
        for (const verb of ['put', 'get']) {
          const { result, parts } = await cpuDuring(grid, () => client[verb](verb === 'put' ? file : back));
          seen[`${verb} ${name}`].push(speed(result));
          if (name === 'curl') cpu[verb].push(parts);
        }
        await execute('cmp', [file, back]);
        await client.remove();
      }
    }
    for (const [name, values] of Object.entries(seen)) record({ name: `${name}, ${flags.size}`, unit: 'MB/s', values, digits: 1 });
    for (const verb of ['put', 'get']) {
      say(`CPU seconds of one ${verb} with curl (last run): ${cpu[verb].at(-1).map(({ part, cpu: s }) => `${part} ${s.toFixed(2)}`).join(', ')}`);
      results[`cpu ${verb}`] = cpu[verb].at(-1);
    }
    if (flags.profile) await profile(grid, clients.curl, { file, back, cpu });
  } finally {
    await grid.stop();
  }
}

/** One transfer a process: the busiest of each part, and what it did. */
async function profile(grid, client, { file, back, cpu }) {
  for (const verb of ['put', 'get']) {
    await client.put(file);
    for (const { part, busiest, cpu: seconds } of cpu[verb].at(-1)) {
      if (seconds < 0.2 || part === 'other') continue;
      // Connections spread over the front ends: several transfers, so that this process has its share.
      const times = await profileDuring(busiest, async () => {
        for (let n = 0; n < PROFILED_TRANSFERS; n++) await client[verb](verb === 'put' ? file : back);
      });
      say(`\n${verb}: ${part} (${busiest})`);
      for (const { name, ms, share } of times.slice(0, TOP)) say(`  ${(share * 100).toFixed(1).padStart(5)} %  ${ms.toFixed(0).padStart(6)} ms  ${name}`);
      results[`profile ${verb} ${part}`] = times.slice(0, TOP);
    }
    await client.remove();
  }
}

try {
  say(JSON.stringify(results.machine));
  const command = (...args) => async () => (await execute(join(ROOT, 'bin/3bot'), args, { cwd: ROOT })).seconds;
  if (wanted.has('help')) record({ name: '3bot --help', unit: 's', goal: GOALS.help, values: await repeat(command('--help')) });
  if (wanted.has('understand')) record({ name: '3bot understand', unit: 's', goal: GOALS.understand, values: await repeat(command('understand', SENTENCE)) });
  if (wanted.has('start')) record({ name: 'npm start to a first put', unit: 's', goal: GOALS.start, values: await repeat(startToPut) });
  if (wanted.has('transfer')) await transfer();
  if (flags.json) process.stdout.write(`${JSON.stringify(results)}\n`);
} finally {
  rmSync(base, { recursive: true, force: true });
}
