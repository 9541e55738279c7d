import { z } from 'zod';
import type { Json } from '../contract/canonical.ts';
import { Blueprint } from './blueprint.ts';

/** Where an editor finds the schema that `3bot blueprint schema` prints. */
export const SCHEMA_FILE = 'blueprint.schema.json';

type Node = { [key: string]: Json };

/** What each part is for, by its path; `*` is any name, `[]` any element. An editor shows it beside the cursor. */
export const DESCRIPTIONS: Readonly<Record<string, string>> = {
  'blueprint': 'Name: a DNS label. On the grid, and in each organisation, it belongs to whoever publishes it first there.',
  'version': 'major.minor.patch. Each version is higher than those before; what is published never changes.',
  'title': 'One line.',
  'description': 'What it makes, for whoever decides whether it is what they need.',
  'author': 'Who wrote it, for people; what counts is the key that publishes it.',
  'parameters': 'What a request may set, by name. Every blueprint also takes countries, cities, max_price and months.',
  'parameters.*.type': 'The kind of value. It decides how people can say it, and what expressions see.',
  'parameters.*.description': 'What it is, in a sentence.',
  'parameters.*.required': 'Nothing is planned without it, and it has no default.',
  'parameters.*.default': 'A value, or a text with ${expression} over other parameters.',
  'parameters.*.hints': 'The only words by which a request can set it.',
  'parameters.*.hints.nouns': 'Words that stand beside the value, in every language you care for.',
  'parameters.*.hints.units': 'Words after a number that make it this parameter, such as shards.',
  'parameters.*.hints.implicit': 'A value of the right kind belongs here although no noun was said.',
  'parameters.*.hints.bound': 'Which end of a range such as `2 to 6` belongs here.',
  'parameters.*.minimum': 'Least value; sizes as texts such as 1 GB.',
  'parameters.*.maximum': 'Greatest value; sizes as texts such as 100 TB.',
  'parameters.*.memory': 'Said in GB, it means GiB.',
  'parameters.*.unit': 'Of a duration: what the number counts.',
  'parameters.*.maxLength': 'Most characters.',
  'parameters.*.choices': 'What it may be, by name.',
  'parameters.*.unavailable': 'Words for what people take to be a choice and is none: asking for it is refused.',
  'parameters.*.choices.*.nouns': 'Words that mean this choice.',
  'values': 'Named expressions (CEL). Each sees the parameters and the values before it.',
  'summary': 'The contract’s title: one line with ${expressions}.',
  'intents': 'The words by which people ask for it.',
  'intents.nouns': 'What people call it, in every language you care for.',
  'intents.verbs': 'What people say they want done.',
  'intents.examples': 'Whole requests. They are shown, and weigh a little.',
  'intents.phrases': 'Forms of words that set several whole numbers at once.',
  'intents.phrases[].say': 'Such as `{a} of {b} shards`; | separates alternatives of one word.',
  'intents.phrases[].set': 'Parameters from what was said: expressions over a, b, ….',
  'policy': 'Who must sign before it runs: roles of the requester’s organisation.',
  'acceptance': 'Who must accept how it runs; nobody when absent.',
  'autonomy': 'What may happen without asking again.',
  'autonomy.replace': 'A node that is lost is replaced by the rule.',
  'checks': 'What must be true of a request.',
  'checks[].when': 'Only where this is true.',
  'checks[].that': 'Expression that must be true.',
  'checks[].message': 'Said when it is not; may hold ${expressions}.',
  'checks[].hint': 'What to do then.',
  'workloads': 'What the parameters become: templates.',
  'workloads[].each': '`{i: list}`: one workload for each element, which i holds.',
  'workloads[].when': 'Only when this is true.',
  'workloads[].type': 'What a node is to run.',
  'workloads[].name': 'Unique in the contract; with each it holds ${i}.',
  'workloads[].group': 'Workloads of one group lie on distinct nodes.',
  'workloads[].resources': 'What it takes of its node.',
  'workloads[].resources.disk': 'A size such as 10 GB, or ${string(…)} of bytes.',
  'workloads[].resources.memory': 'A size such as 256 MiB, or ${string(…)} of bytes.',
  'workloads[].resources.cpu': 'Cores (2) or thousandths (250m).',
  'workloads[].secrets': 'Names of secrets that are made and sealed for its node.',
  'workloads[].dials': 'Workloads that it may call; everything else is denied.',
  'workloads[].spec': 'Of its type; every text in it may hold ${expressions}.',
  'tests': 'Requests, and what is expected of each.',
  'tests[].name': 'What it shows.',
  'tests[].parameters': 'As people write them: 1 TB, CH,DE.',
  'tests[].expect': 'At least one of these.',
  'tests[].expect.refused': 'Refused with this code, such as missing_parameter, invalid_value or check_failed.',
  'tests[].expect.workloads': 'How many come out.',
  'tests[].expect.parameters': 'Values after defaults, in canonical form: sizes as decimal texts of bytes.',
  'tests[].expect.golden': 'Parts of workloads by name; what is not mentioned is not compared.',
  'tests[].expect.that': 'Expressions over parameters, values, and names, groups, types and disks (one element a workload).',
  'properties': 'What holds of every request: many are drawn, and one that shows otherwise is made as simple as it can be.',
  'properties[].name': 'What it says; the draws follow from it.',
  'properties[].forall': 'Parameters to draw, inside their own bounds or narrower ones.',
  'properties[].forall.*.minimum': 'Least value drawn.',
  'properties[].forall.*.maximum': 'Greatest value drawn.',
  'properties[].forall.*.oneOf': 'Only these values.',
  'properties[].given': 'Parameters that stay the same.',
  'properties[].draws': 'How many requests: 100 to 1000.',
  'properties[].when': 'Only where this is true of what came out.',
  'properties[].that': 'Expressions that must be true, as in tests.',
};

/** The recursive form of a policy template, which zod cannot print of a parser with checks. */
const POLICY: Node = {
  description: 'Roles, and how many of whom: {role: legal}, {all: […]}, {any: […]}, {k: 2, of: […]}, {weight: 3, of: [{role, weight}]}, {veto: legal, over: …}.',
  oneOf: [
    object({ role: { type: 'string', description: 'A role in the organisation’s roster.' }, k: { type: 'integer', minimum: 1, maximum: 64, description: 'How many of them; 1 when absent.' }, independent: { const: true, description: 'Not the requester.' } }, ['role']),
    object({ all: parts('Every one of these.') }, ['all']),
    object({ any: parts('One of these.') }, ['any']),
    object({ k: { type: 'integer', minimum: 1, maximum: 16, description: 'So many of these.' }, of: parts('Of which.'), required: { type: 'array', items: { type: 'integer' }, description: 'Indices that must be among them.' } }, ['k', 'of']),
    object({ weight: { type: 'integer', minimum: 1, description: 'The sum that is needed.' }, of: { type: 'array', description: 'Roles and what each of their holders weighs.', items: object({ role: { type: 'string' }, weight: { type: 'integer', minimum: 1 } }, ['role', 'weight']) } }, ['weight', 'of']),
    object({ veto: { type: 'string', description: 'Whoever holds this role can stop it.' }, over: { $ref: '#/$defs/policy' } }, ['veto', 'over']),
  ],
};

/** JSON Schema (2020-12) of a blueprint, for editors. It knows the form; types of expressions are lint's. */
export function blueprintSchema(): Node {
  const generated = z.toJSONSchema(Blueprint, { io: 'input', unrepresentable: 'any' }) as Node;
  describe(generated, '');
  const properties = generated['properties'] as Node;
  for (const name of ['policy', 'acceptance']) properties[name] = { $ref: '#/$defs/policy', description: DESCRIPTIONS[name] ?? '' };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: '3bot blueprint',
    ...generated,
    $defs: { ...(generated['$defs'] as Node | undefined), policy: POLICY },
  };
}

function describe(node: Json, path: string): void {
  if (!isNode(node)) return;
  const properties = node['properties'];
  if (isNode(properties)) {
    for (const [name, child] of Object.entries(properties)) {
      const at = path === '' ? name : `${path}.${name}`;
      const description = DESCRIPTIONS[at];
      if (isNode(child) && description !== undefined) child['description'] = description;
      describe(child, at);
    }
  }
  for (const [key, step] of [['additionalProperties', '.*'], ['items', '[]']] as const) describe(node[key] ?? null, `${path}${step}`);
  for (const key of ['anyOf', 'oneOf', 'allOf']) {
    const branches = node[key];
    if (Array.isArray(branches)) for (const branch of branches as readonly Json[]) describe(branch, path);
  }
}

function isNode(value: Json | undefined): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function object(properties: Node, required: string[]): Node {
  return { type: 'object', properties, required, additionalProperties: false };
}

function parts(description: string): Node {
  return { type: 'array', minItems: 1, maxItems: 16, description, items: { $ref: '#/$defs/policy' } };
}
