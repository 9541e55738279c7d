import type { Json } from '../contract/canonical.ts';
import type { PolicyTemplate } from '../contract/policy-template.ts';
import { formatBytes, type Resources } from '../contract/units.ts';
import type { Workload, WorkloadType } from '../contract/workload.ts';
import type { Blueprint } from './blueprint.ts';
import { BUILTIN_PARAMETERS } from './builtin.ts';
import { compileBlueprint } from './compile.ts';
import { canonicalValue, formatValue, Parameter } from './parameter.ts';
import { programOf } from './program.ts';

/** What nodes run now; the rest is planned against the test market (ADR 26). */
const RUNS_TODAY: ReadonlySet<WorkloadType> = new Set(['zdb', 'archive', 'gateway-name']);
const MOST_NOUNS = 4;

const MEMORY = Parameter.parse({ type: 'bytes', memory: true, description: 'memory' });

const COMMAND = 'node scripts/blueprint-pages.mjs';

/** A blueprint as people read it, in Markdown: what to ask for, what comes out, who signs, what is refused. */
export function blueprintPage(blueprint: Blueprint): string {
  const { blueprint: name, title, description, version, author, intents, policy, acceptance, autonomy } = blueprint;
  return [
    `# ${title}`,
    `\`${name}\` ${version}, by ${author}. ${availability(blueprint)}`,
    description.trim(),
    `## Ask for it`,
    intents.examples.map((example) => `> ${example}`).join('\n>\n'),
    `## Parameters`,
    parameterTable(blueprint),
    `And, as of every blueprint: ${codes(Object.keys(BUILTIN_PARAMETERS))} ([what they are](README.md#of-every-blueprint)).`,
    `## What comes out`,
    outcome(blueprint),
    `## Who signs`,
    `${signers(policy)} must sign before anything runs.${acceptance ? ` ${signers(acceptance)} must accept what was done.` : ''} ${autonomy.replace ? 'A node that is lost is replaced by itself, inside the same places, as far as nothing is lost by it.' : 'Nothing moves by itself when a node is lost: its data or its work cannot be made again elsewhere.'}`,
    ...(blueprint.checks.length > 0 ? [`## What it refuses`, checks(blueprint)] : []),
    `## Its tests`,
    tests(blueprint),
    footer(`from \`knowledge/blueprints/${name}.yaml\``),
  ].join('\n\n');
}

/** The list of all pages, and what every blueprint takes. */
export function libraryPage(blueprints: readonly Blueprint[]): string {
  const rows = blueprints.map((b) => {
    const required = Object.entries(b.parameters).filter(([, p]) => p.required).map(([name]) => name);
    return `| [${b.blueprint}](${b.blueprint}.md) | ${b.title} | ${codes(required)} | ${runsToday(b) ? 'yes' : 'planned'} |`;
  });
  return [
    '# The library of blueprints',
    'What can be asked for, in English, German, French, Italian, Spanish or Dutch. Each page says what to say and what comes out of it.',
    ['| blueprint | what it is | needs | runs |', '|---|---|---|---|', ...rows].join('\n'),
    '*Planned*: it can be written, tested and planned against a test market today; a grid refuses it, and says which workloads nobody offers, until its nodes do.',
    '## Of every blueprint',
    table(Object.entries(BUILTIN_PARAMETERS).map(([name, parameter]) => row(name, parameter, undefined))),
    footer('from `knowledge/blueprints/`'),
  ].join('\n\n');
}

function availability(blueprint: Blueprint): string {
  return runsToday(blueprint) ? 'It runs on nodes today.' : 'Nodes do not offer all it needs yet: it is planned against a test market (`3bot blueprint plan`).';
}

function runsToday(blueprint: Blueprint): boolean {
  return blueprint.workloads.every(({ type }) => RUNS_TODAY.has(type));
}

function parameterTable(blueprint: Blueprint): string {
  const { defaults } = programOf(blueprint);
  return table(Object.entries(blueprint.parameters).map(([name, parameter]) => row(name, parameter, [...(defaults.get(name)?.reads ?? [])])));
}

function table(rows: readonly string[]): string {
  return ['| parameter | what it is | unless you say | you say |', '|---|---|---|---|', ...rows].join('\n');
}

function row(name: string, parameter: Parameter, reads: readonly string[] | undefined): string {
  const bounds = boundsOf(parameter);
  const otherwise = parameter.required ? '**needed**' : reads && reads.length > 0 ? `from ${codes(reads)}` : plainDefault(parameter);
  return `| ${[`\`${name}\``, `${parameter.description}${bounds ? ` ${bounds}.` : ''}`, otherwise, sayings(parameter)].map(cell).join(' | ')} |`;
}

function boundsOf(parameter: Parameter): string {
  if (!('minimum' in parameter) && !('maximum' in parameter)) return '';
  const { minimum, maximum } = parameter;
  if (minimum === undefined && maximum === undefined) return '';
  return minimum === undefined ? `At most ${maximum ?? ''}` : maximum === undefined ? `At least ${minimum}` : `${minimum} to ${maximum}`;
}

function plainDefault(parameter: Parameter): string {
  const canonical = parameter.default === undefined ? undefined : canonicalValue(parameter, parameter.default);
  if (!canonical?.ok || isEmpty(canonical.value)) return 'none';
  if (typeof canonical.value === 'boolean') return canonical.value ? 'yes' : 'no';
  return `\`${formatValue(parameter, canonical.value).replace(/^1 (\w+)s$/, '1 $1')}\``;
}

function isEmpty(value: Json): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** By type, what people write; beside it the first of its own words. */
function sayings(parameter: Parameter): string {
  const nouns = parameter.hints.nouns.slice(0, MOST_NOUNS);
  const form = formOf(parameter);
  return nouns.length === 0 ? form : `${form}, beside ${nouns.join(', ')}`;
}

function formOf(parameter: Parameter): string {
  switch (parameter.type) {
    case 'bytes': return parameter.memory ? '8 GB' : '2 TB';
    case 'integer': return parameter.unit ? `6 ${parameter.unit}` : 'a number';
    case 'integers': return '80 and 443';
    case 'boolean': return 'yes or no';
    case 'name': return 'called …';
    case 'label': return 'a name';
    case 'labels': return 'laptop, server and nas';
    case 'text': return 'in quotes';
    case 'image': return 'ghcr.io/acme/shop:2.1';
    case 'command': return 'in quotes';
    case 'location': return 'a URL, git address or path';
    case 'pairs': return 'MODE=cluster';
    case 'flows': return 'laptop may reach nas on port 445';
    case 'choice': return Object.keys(parameter.choices).join(' or ');
    case 'countries': return 'in Switzerland; the EU except France';
    case 'cities': return 'in Zurich';
    case 'money': return 'at most 500 EUR a month';
  }
}

/** The workloads of its first test, group by group. */
function outcome(blueprint: Blueprint): string {
  const [sample] = blueprint.tests;
  const compiled = sample ? compileBlueprint(blueprint, sample.parameters) : undefined;
  if (!sample || !compiled?.ok) return `Workloads of type ${codes([...new Set(blueprint.workloads.map(({ type }) => type))])}.`;
  const groups = new Map<string, Workload[]>();
  for (const workload of compiled.workloads) {
    const key = `${workload.type} ${workload.group}`;
    groups.set(key, [...(groups.get(key) ?? []), workload]);
  }
  const rows = [...groups.values()].map((members) => {
    const [first] = members;
    if (!first) return '';
    const names = members.map((w) => w.name);
    const shown = names.length > 2 ? `\`${first.name}\` to \`${names.at(-1) ?? ''}\`` : codes(names);
    return `| ${members.length} | \`${first.type}\` | ${shown} | ${takes(first.resources)} |`;
  });
  return [`For “${sample.name}”, which the contract calls *${compiled.title}*:`, ['| | type | workloads | each takes |', '|---|---|---|---|', ...rows].join('\n'), ...(groups.size < compiled.workloads.length ? ['Those of one row lie on distinct nodes.'] : [])].join('\n\n');
}

function takes({ disk, memory, cpu }: Resources): string {
  const cores = Number(cpu) / 1000;
  return [...(disk === '0' ? [] : [`${formatBytes(BigInt(disk))} of disk`]), `${formatValue(MEMORY, memory)} of memory`, `${cores} ${cores === 1 ? 'core' : 'cores'}`].join(', ');
}

function checks(blueprint: Blueprint): string {
  return blueprint.checks.map(({ message, hint }) => `- ${sentence(readable(message))}: ${readable(hint)}.`).join('\n');
}

/** `${name}` and `${joined(names, …)}` as code; a longer expression is left out. */
function readable(text: string): string {
  return text.replace(/\$\{([^}]*)\}/g, (_, expression: string) => {
    const [, alone, listed] = /^(?:(\w+)|joined\((\w+), .*\))$/.exec(expression) ?? [];
    return alone ?? listed ? codes([alone ?? listed ?? '']) : '…';
  });
}

function tests({ tests: examples, properties }: Blueprint): string {
  const counted = `${examples.length} examples${properties.length > 0 ? ` and ${properties.length === 1 ? 'one property' : `${properties.length} properties`} over at least ${Math.min(...properties.map(({ draws }) => draws))} drawn requests` : ''} hold it (\`3bot blueprint test\`):`;
  const lines = [...properties.map(({ name }) => `- always: ${name}`), ...examples.map((test) => `- ${test.name}${test.expect.refused === undefined ? '' : ` (\`${test.expect.refused}\`)`}`)];
  return `${counted}\n\n${lines.join('\n')}`;
}

function signers(policy: PolicyTemplate): string {
  if ('role' in policy) return `${policy.k !== undefined && policy.k > 1 ? `${policy.k} of ` : ''}**${policy.role}**${policy.independent ? ' (not the requester)' : ''}`;
  if ('all' in policy) return joined(policy.all.map(signers), 'and');
  if ('any' in policy) return joined(policy.any.map(signers), 'or');
  if ('veto' in policy) return `${signers(policy.over)}, unless **${policy.veto}** vetoes,`;
  if ('weight' in policy) return `a weight of ${policy.weight} among ${joined(policy.of.map(({ role, weight }) => `**${role}** (${weight})`), 'and')}`;
  return `${policy.k} of ${joined(policy.of.map(signers), 'and')}`;
}

function joined(parts: readonly string[], word: string): string {
  return parts.length > 1 ? `${parts.slice(0, -1).join(', ')} ${word} ${parts.at(-1) ?? ''}` : (parts[0] ?? '');
}

function codes(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\s+/g, ' ').trim();
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function footer(from: string): string {
  return `---\n\n*Made ${from} by \`${COMMAND}\`: change it there.*\n`;
}
