import { writeFile } from 'node:fs/promises';
import { counted, formatMoney, Label } from '../../contract/units.ts';
import { findContract, readContract } from '../../bot/tools/contracts.ts';
import { type BlueprintDiff, diffBlueprints } from '../../knowledge/diff.ts';
import type { Problem } from '../../knowledge/document.ts';
import { lintBlueprint } from '../../knowledge/lint.ts';
import { planOnMarket } from '../../knowledge/market.ts';
import { blueprintSchema, SCHEMA_FILE } from '../../knowledge/schema.ts';
import { blueprintSkeleton } from '../../knowledge/skeleton.ts';
import { runBlueprintTests } from '../../knowledge/test.ts';
import { traceBlueprint } from '../../knowledge/trace.ts';
import { accept } from '../ask.ts';
import { isFile, loadSource, type Loaded, publishedSource, readSource, refOf } from '../blueprint-source.ts';
import { connectBot } from '../connect.ts';
import { type Outcome, paint } from '../output.ts';
import { parseParams } from '../params.ts';
import { Refusal } from '../refusal.ts';
import { printable } from '../render/printable.ts';
import { renderProblems } from '../render/problems.ts';
import { renderTrace } from '../render/trace.ts';
import { stateDir } from '../state-dir.ts';
import { planCommand } from './plan.ts';

/** What an author does before anybody else sees a blueprint. None of it needs a grid. */

interface Flags { readonly state?: string }

/** Everything that can be found without running it. Warnings do not fail. */
export async function blueprintLint(files: readonly string[]): Promise<Outcome> {
  const found = await Promise.all(files.map(async (file) => {
    const { bytes } = await readSource(file);
    return { file, source: new TextDecoder().decode(bytes), problems: lintBlueprint(bytes) };
  }));
  const count = (severity: Problem['severity']): number => found.flatMap(({ problems }) => problems).filter((p) => p.severity === severity).length;
  const [errors, warnings] = [count('error'), count('warning')];
  const shown = found.flatMap(({ file, source, problems }) => (problems.length > 0 ? [renderProblems(file, source, problems)] : []));
  const summary = errors + warnings === 0 ? files.length === 1 ? 'no problems' : `no problems in ${files.length} files` : `${counted(errors, 'error')}, ${counted(warnings, 'warning')}`;
  return {
    json: { ok: errors === 0, files: found.map(({ file, problems }) => ({ file, problems })), ...(errors > 0 && { error: { code: 'blueprint_invalid', message: counted(errors, 'error'), hint: 'each has its line and column' } }) },
    text: [...shown, summary].join('\n'),
    exitCode: errors === 0 ? 0 : 1,
  };
}

/** The tests and properties that it brings. */
export async function blueprintTest(file: string): Promise<Outcome> {
  const { blueprint } = loadSource(await readSource(file));
  const results = runBlueprintTests(blueprint);
  const failed = results.filter(({ ok }) => !ok);
  const lines = results.flatMap(({ name, ok, failures, draws }) => [`${ok ? paint('green', 'ok  ', process.stdout) : paint('red', 'FAIL', process.stdout)} ${printable(name)}${draws === undefined ? '' : paint('dim', ` (${counted(draws, 'request')})`, process.stdout)}`, ...failures.map((failure) => `       ${printable(failure)}`)]);
  const none = results.length === 0;
  return {
    json: { ok: failed.length === 0 && !none, blueprint: blueprint.blueprint, version: blueprint.version, tests: results, ...(failed.length > 0 || none ? { error: { code: none ? 'no_tests' : 'tests_failed', message: none ? 'it has no tests' : `${failed.length} of ${results.length} fail`, hint: none ? 'write some under tests:' : 'each says what it got' } } : {}) },
    text: [...lines, none ? 'it has no tests: write some under `tests:`' : `${results.length - failed.length} of ${results.length} pass`].join('\n'),
    exitCode: failed.length === 0 && !none ? 0 : 1,
  };
}

/** A file on the test market, a published name on the running grid. */
export async function blueprintPlan(what: string, flags: Flags & { readonly param?: readonly string[]; readonly explain?: boolean }): Promise<Outcome> {
  if (!isFile(what)) return planCommand(undefined, { ...flags, blueprint: what });
  const { blueprint, locate } = loadSource(await readSource(what));
  const parameters = parseParams(flags.param ?? []);
  const plan = accept(planOnMarket(blueprint, parameters));
  const { compiled, assignments, price } = plan;
  const trace = flags.explain ? accept(traceBlueprint(blueprint, parameters, { locate })) : undefined;
  const cities = new Map<string, string[]>();
  for (const { workload, location } of assignments) { const city = `${location.city}, ${location.country}`; cities.set(city, [...cities.get(city) ?? [], workload]); }
  const text = [
    paint('bold', printable(compiled.title), process.stdout),
    `  ${refOf(blueprint)}, not published; placed on the test market, where every type is offered and no node exists`,
    ...[...cities].sort(([a], [b]) => (a < b ? -1 : 1)).map(([city, workloads]) => `  ${city}: ${printable(workloads.join(', '))}`),
    `  ${formatMoney(BigInt(price.month), price.currency)} a month there`,
    ...(trace ? ['', renderTrace(trace)] : []),
  ].join('\n');
  return { json: { ok: true, market: 'test', title: compiled.title, parameters: compiled.parameters, defaults: compiled.defaults, workloads: compiled.workloads, assignments, price, ...(trace && { trace }) }, text };
}

/** What changed, what an update of running contracts would do, and how far the version must go up. */
export async function blueprintDiff(before: string, after: string, flags: Flags & { readonly contract?: string }): Promise<Outcome> {
  const offline = [before, after].every(isFile) && flags.contract === undefined;
  const bot = offline ? undefined : await connectBot(stateDir(flags.state));
  try {
    const load = async (what: string): Promise<Loaded> => (isFile(what) || !bot ? loadSource(await readSource(what)) : publishedSource(bot.context, what));
    const [old, now] = [await load(before), await load(after)];
    const contracts = bot && flags.contract !== undefined ? [await contractParameters(bot.context, flags.contract)] : undefined;
    const diff = diffBlueprints(old.blueprint, now.blueprint, contracts);
    return { json: { ok: true, ...diff }, text: renderDiff(diff) };
  } finally {
    await bot?.close();
  }
}

async function contractParameters(context: Awaited<ReturnType<typeof connectBot>>['context'], id: string): Promise<{ name: string; parameters: Readonly<Record<string, unknown>> }> {
  const { contract } = accept(findContract(context, id));
  const { header, body } = accept(await readContract(context, contract));
  return { name: header.title, parameters: body.parameters };
}

const LEVEL_STYLE = { major: 'red', minor: 'yellow', patch: 'dim' } as const;

function renderDiff({ from, to, changes, updates, advice, enough }: BlueprintDiff): string {
  const rows = changes.map(({ section, level, message }) => `  ${paint(LEVEL_STYLE[level], level.padEnd(5), process.stdout)} ${section.padEnd(10)} ${printable(message)}`);
  const effects = updates.flatMap(({ name, outcome, lines }) => [`  ${outcome.padEnd(7)} ${printable(name)}`, ...lines.slice(0, 12).map((line) => `            ${printable(line)}`), ...(lines.length > 12 ? [`            … and ${lines.length - 12} more`] : [])]);
  const said = advice === 'none' ? 'nothing changed' : `a ${advice} step: ${from} to ${to} ${enough ? 'is enough' : 'is not enough'}`;
  return [...(rows.length > 0 ? [paint('bold', 'changes', process.stdout), ...rows] : []), ...(effects.length > 0 && rows.length > 0 ? [paint('bold', 'what an update of a contract would do', process.stdout), ...effects] : []), said].join('\n');
}

/** The JSON Schema that editors read. */
export async function blueprintSchemaCommand(flags: { readonly out?: string }): Promise<Outcome> {
  const schema = blueprintSchema();
  if (flags.out === undefined) return { json: schema, text: JSON.stringify(schema, null, 2) };
  await writeNew(flags.out, `${JSON.stringify(schema, null, 2)}\n`, 'w');
  return { json: { ok: true, file: flags.out }, text: `wrote ${flags.out}; the first line of a blueprint names it: # yaml-language-server: $schema=${SCHEMA_FILE}` };
}

/** A commented blueprint to begin with. It overwrites nothing. */
export async function blueprintNew(name: string, flags: { readonly out?: string }): Promise<Outcome> {
  if (!Label.safeParse(name).success) throw new Refusal({ code: 'invalid_parameter', message: `${JSON.stringify(name.slice(0, 80))} cannot be a name`, hint: 'use lower-case letters, digits and hyphens, such as scratchpad' });
  const file = flags.out ?? `${name}.yaml`;
  await writeNew(file, blueprintSkeleton(name), 'wx');
  return { json: { ok: true, file }, text: `wrote ${file}\nnext: 3bot blueprint lint ${file}, then 3bot blueprint test ${file}` };
}

async function writeNew(file: string, text: string, flag: 'w' | 'wx'): Promise<void> {
  await writeFile(file, text, { flag }).catch((cause: unknown) => {
    const exists = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
    throw new Refusal({ code: exists ? 'file_exists' : 'file_unwritable', message: exists ? `${file} is there already` : `${file} cannot be written: ${cause instanceof Error ? cause.message : 'unknown'}`, hint: 'give another with --out' });
  });
}
