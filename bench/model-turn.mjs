// What a turn costs on the model's path besides the model: node bench/model-turn.mjs [--turns 200] [--latency 0] [--no-stream] [--profile] [--json]
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { machine } from './machine.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BANNER = "import { createRequire as bundleCreateRequire } from 'node:module';\nconst require = bundleCreateRequire(import.meta.url);";
const EXTERNAL = ['better-sqlite3', 'langchain', '@langchain/*', 'openai'];
const GOAL_MS = 15;
const WARM_UP = 20;
/** With how many requests to the model each; the scripted one answers by rules. */
const TURNS = [
  { name: 'request: understand, plan, answer', text: 'give me an archive of 1 PB in CH', requests: 3 },
  { name: 'list: list_contracts, answer', text: 'show my contracts', requests: 2 },
  { name: 'no tools: answer', text: 'hello', requests: 1 },
];

const { values: options } = parseArgs({
  options: { turns: { type: 'string', default: '200' }, latency: { type: 'string', default: '0' }, 'no-stream': { type: 'boolean', default: false }, profile: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
});
const turns = Number(options.turns);
const latency = Number(options.latency);
if (!Number.isInteger(turns) || turns < 1 || !(latency >= 0)) throw new Error('expected --turns 200 --latency 0 or the like');

const SERVER = `
  import { competentAnswer } from './tests/model-server/competent.ts';
  import { startModelServer } from './tests/model-server/server.ts';
  const server = await startModelServer({ answer: (request) => ({ ...competentAnswer(request), delayMs: Number(process.argv[2]) }) });
  process.send(server.url);
  process.once('disconnect', () => process.exit(0));
`;
const CLIENT = `
  export { startWorld } from './tests/conversations/world.ts';
  export { createModelAnswerer } from './bot/chat/model/answerer.ts';
  export { readModelSettings } from './bot/chat/model/settings.ts';
  export { answerCall } from './bot/chat/model/tools.ts';
  export { TurnRecord } from './bot/chat/model/record.ts';
`;

/** CPU time of this process since then, in ms: on a machine that others use too it says more than the clock. */
const cpuSince = (before) => { const { user, system } = process.cpuUsage(before); return (user + system) / 1000; };
const say = (text) => process.stderr.write(`${text}\n`);
const percentile = (values, p) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * p))];

async function bundle(folder, name, contents) {
  const outfile = join(folder, `${name}.mjs`);
  await build({ stdin: { contents, resolveDir: ROOT, loader: 'ts' }, outfile, bundle: true, splitting: false, format: 'esm', platform: 'node', target: 'node20', external: EXTERNAL, banner: { js: BANNER }, logLevel: 'error' });
  return outfile;
}

const folder = mkdtempSync(join(tmpdir(), '3bot-model-turn-'));
let server;
try {
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  // The shipped blueprints are looked for from where a bundle lies.
  for (const shared of ['knowledge', 'grids']) symlinkSync(join(ROOT, shared), join(folder, shared));
  const dist = join(folder, 'dist');
  const [serverFile, clientFile] = await Promise.all([bundle(dist, 'server', SERVER), bundle(dist, 'client', CLIENT)]);
  server = fork(serverFile, [String(latency)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const url = await new Promise((resolve, reject) => {
    server.once('message', resolve);
    server.once('exit', () => reject(new Error('the scripted server ended')));
  });
  const { startWorld, createModelAnswerer, readModelSettings, answerCall, TurnRecord } = await import(pathToFileURL(clientFile).href);
  const settingsFile = join(folder, 'model.json');
  writeFileSync(settingsFile, JSON.stringify({ baseUrl: url, model: 'scripted', stream: !options['no-stream'], maxConversationTokens: 50_000_000 }), { mode: 0o600 });
  const { settings } = await readModelSettings({ file: settingsFile, env: {} });
  const world = await startWorld();
  const dialogue = { reply: () => Promise.reject(new Error('the model was to answer')) };
  const answerer = createModelAnswerer({ context: world.context, dialogue, settings });
  const quiet = { signal: new AbortController().signal, onProgress: () => undefined, onText: () => undefined };
  const conversation = { id: 'bench', messages: [], draft: undefined, contract: undefined };

  const began = performance.now();
  const beganCpu = process.cpuUsage();
  await answerer.reply({ ...quiet, text: 'hello', conversation });
  const first = performance.now() - began;
  const firstCpu = cpuSince(beganCpu);
  for (let i = 0; i < WARM_UP; i++) for (const { text } of TURNS) await answerer.reply({ ...quiet, text, conversation });
  const session = options.profile ? new Session() : undefined;
  session?.connect();
  await session?.post('Profiler.enable');
  await session?.post('Profiler.start');

  const measures = [];
  for (const { name, text, requests } of TURNS) {
    const times = [];
    const cpu = process.cpuUsage();
    for (let i = 0; i < turns; i++) {
      const from = performance.now();
      const reply = await answerer.reply({ ...quiet, text, conversation: { ...conversation, id: `bench ${i}` } });
      times.push(performance.now() - from - requests * latency);
      if (reply.by !== 'model') throw new Error(`answered by ${reply.by}: ${reply.text}`);
    }
    measures.push({ name, p50: percentile(times, 0.5), p95: percentile(times, 0.95), cpu: cpuSince(cpu) / turns });
  }
  const profile = (await session?.post('Profiler.stop'))?.profile;
  // What the tools of the first turn take by themselves, whoever calls them.
  const toolTimes = [];
  const toolCpu = process.cpuUsage();
  for (let i = 0; i < turns; i++) {
    const tools = { ...quiet, context: world.context, record: new TurnRecord(world.context, conversation) };
    const from = performance.now();
    await answerCall(tools, { name: 'understand', input: { text: TURNS[0].text } });
    await answerCall(tools, { name: 'plan', input: { blueprint: 'archive', parameters: { capacity: '1000000000000000', countries: ['CH'] } } });
    toolTimes.push(performance.now() - from);
  }
  const tools = { name: 'of the request: its two tools alone', p50: percentile(toolTimes, 0.5), p95: percentile(toolTimes, 0.95), cpu: cpuSince(toolCpu) / turns };
  const added = measures[0].p50 - tools.p50;

  say(`${JSON.stringify(machine(ROOT))}\n${turns} turns each, ${latency} ms scripted latency a request, ${options['no-stream'] ? 'whole answers' : 'streamed'}; scripted latency is taken off`);
  for (const each of [{ name: 'first turn of a process (loads LangChain)', p50: first, p95: first, cpu: firstCpu }, ...measures, tools]) say(`${each.name.padEnd(46)} p50 ${each.p50.toFixed(1).padStart(7)} ms   p95 ${each.p95.toFixed(1).padStart(7)} ms   CPU ${each.cpu.toFixed(1).padStart(6)} ms`);
  say(`${'added by the model\'s path to the request'.padEnd(46)} p50 ${added.toFixed(1).padStart(7)} ms   goal ${GOAL_MS} ms: ${added <= GOAL_MS ? 'met' : 'MISSED'}   CPU ${(measures[0].cpu - tools.cpu).toFixed(1)} ms`);
  if (profile) for (const [text, ms] of hottest(profile)) say(`${ms.toFixed(0).padStart(7)} ms  ${text}`);
  if (options.json) process.stdout.write(`${JSON.stringify({ machine: machine(ROOT), turns, latency, first, measures, tools, added })}\n`);
  await world.close();
} finally {
  server?.disconnect();
  rmSync(folder, { recursive: true, force: true });
}

/** Self time by function, the longest first. */
function hottest({ nodes, samples, timeDeltas }) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const self = new Map();
  for (const [i, id] of samples.entries()) {
    const { functionName, url, lineNumber } = byId.get(id).callFrame;
    const text = `${functionName || '(anonymous)'} ${url.replace(/^.*\/node_modules\//, '')}:${lineNumber + 1}`;
    self.set(text, (self.get(text) ?? 0) + timeDeltas[i] / 1000);
  }
  return [...self].sort((a, b) => b[1] - a[1]).slice(0, 30);
}
