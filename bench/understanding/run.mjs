// Measures offline understanding on written cases: node bench/understanding/run.mjs [--half dev] [--file cases.jsonl] [--failures] [--only de-crm] [--json]
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { judge, percentile, tally } from './score.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, '../..');
const BLUEPRINTS = join(ROOT, 'knowledge/blueprints');
const BANNER = "import { createRequire as bundleCreateRequire } from 'node:module';\nconst require = bundleCreateRequire(import.meta.url);";
/** Each case is timed so many times; its time is the best of them. */
const ROUNDS = 5;

const { values: options } = parseArgs({
  options: { half: { type: 'string', default: 'dev' }, file: { type: 'string' }, failures: { type: 'boolean', default: false }, only: { type: 'string' }, json: { type: 'boolean', default: false } },
});

/** The sources as they are now, bundled and loaded; and the library, parsed. */
async function load() {
  const folder = mkdtempSync(join(tmpdir(), '3bot-understanding-'));
  try {
    const contents = "export { understand } from './bot/planner/understand/understand.ts'; export { parseBlueprint } from './knowledge/blueprint.ts';";
    const outfile = join(folder, 'understand.mjs');
    await build({ stdin: { contents, resolveDir: ROOT, loader: 'ts' }, outfile, bundle: true, format: 'esm', platform: 'node', target: 'node20', banner: { js: BANNER }, logLevel: 'error' });
    const { understand, parseBlueprint } = await import(pathToFileURL(outfile).href);
    const blueprints = readdirSync(BLUEPRINTS).filter((name) => name.endsWith('.yaml')).sort().map((name) => {
      const parsed = parseBlueprint(readFileSync(join(BLUEPRINTS, name)));
      if (!parsed.ok) throw new Error(`${name}: ${parsed.problems.map(({ line, message }) => `${line}: ${message}`).join('; ')}`);
      return parsed.blueprint;
    });
    return { understand, blueprints };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const share = ({ yes, of }) => (of === 0 ? '      -      ' : `${((100 * yes) / of).toFixed(1).padStart(5)} % ${`${yes}/${of}`.padEnd(7)}`);

function printTable(title, groups) {
  console.log(`\n${title.padEnd(18)} all right      blueprint      parameters     missing        refused        its code`);
  for (const [name, judged] of groups) {
    const { right, blueprint, parameters, missing, refused, code } = tally(judged);
    console.log(`${name.padEnd(18)} ${[right, blueprint, parameters, missing, refused, code].map(share).join('  ')}`);
  }
}

function groupBy(list, key) {
  const groups = new Map();
  for (const each of list) groups.set(key(each), [...(groups.get(key(each)) ?? []), each]);
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}

function printFailure({ one, answer, mark }) {
  console.log(`\n${one.id}  ${one.text}`);
  if (one.expect.refuse) console.log(`   expected refusal ${one.expect.refuse.join(' or ')}, got ${answer.ok ? `${answer.blueprint} ${JSON.stringify(answer.parameters)}` : answer.error.code}`);
  else if (!answer.ok) console.log(`   expected ${one.expect.blueprint}, got ${answer.error.code}: ${answer.error.message}`);
  else if (answer.blueprint !== one.expect.blueprint) console.log(`   expected ${one.expect.blueprint}, got ${answer.blueprint}`);
  for (const { name, expected, got } of mark.wrong) console.log(`   ${name}: expected ${JSON.stringify(expected) ?? 'nothing'}, got ${JSON.stringify(got) ?? 'nothing'}`);
  if (answer.ok && mark.missing === false) console.log(`   missing: expected ${JSON.stringify(one.expect.missing)}, got ${JSON.stringify(answer.missing)}`);
}

const { understand, blueprints } = await load();
const file = options.file ?? join(HERE, `${options.half}.jsonl`);
const cases = readFileSync(file, 'utf8').split('\n').filter((line) => line.trim() !== '').map((line) => JSON.parse(line)).filter(({ id }) => options.only === undefined || id.startsWith(options.only));
for (const { text } of cases) understand(text, blueprints);
const results = cases.map((one) => {
  let best = Infinity;
  let answer;
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    answer = understand(one.text, blueprints);
    best = Math.min(best, performance.now() - started);
  }
  const mark = judge(one, answer);
  return { one, answer, mark, ms: best, ...mark };
});

const times = results.map(({ ms }) => ms);
if (options.json) {
  console.log(JSON.stringify({ cases: cases.length, blueprints: blueprints.length, marks: tally(results), p50ms: percentile(times, 0.5), p99ms: percentile(times, 0.99) }));
} else {
  if (options.failures) for (const result of results.filter(({ right }) => !right)) printFailure(result);
  printTable('language', groupBy(results, ({ one }) => one.lang));
  printTable('blueprint', groupBy(results, ({ one }) => one.blueprint ?? 'refusals'));
  printTable('everything', [['all', results]]);
  console.log(`\n${cases.length} cases, ${blueprints.length} blueprints; a request takes p50 ${percentile(times, 0.5).toFixed(2)} ms, p99 ${percentile(times, 0.99).toFixed(2)} ms, at most ${Math.max(...times).toFixed(2)} ms`);
}
