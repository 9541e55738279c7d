import { z } from 'zod';
import { Autonomy } from '../contract/contract.ts';
import { PolicyTemplate } from '../contract/policy-template.ts';
import { Label, Text } from '../contract/units.ts';
import { WorkloadType } from '../contract/workload.ts';
import { BUILTIN_PARAMETERS } from './builtin.ts';
import { parseYaml, type Problem, type SourceDocument } from './document.ts';
import { isReserved, MAX_EXPRESSION } from './expression.ts';
import { Parameter } from './parameter.ts';

const Identifier = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,31}$/, 'expected a name such as data_shards')
  .refine((name) => !isReserved(name), 'this name is reserved by the expression language');
const Cel = z.string().min(1).max(MAX_EXPRESSION);
/** Each may cost all the steps of an expression, on every machine that plans. */
const MAX_VALUES = 64;
/** Words in six languages. */
const Words = z.array(Text(60)).max(240);
const Line = Text(200);

/**
 * A form of words that says several integers at once: `say: "{a} of|aus|sur {b} shards"` binds a and b; `set` gives
 * parameters from them in CEL. Words are compared without case and accents; `|` separates alternatives of one word.
 */
const Phrase = z.strictObject({ say: Text(400), set: z.record(Identifier, Cel) });
export type Phrase = z.infer<typeof Phrase>;

const WorkloadTemplate = z.strictObject({
  /** `{i: list}`: one workload for each element, which `i` holds. */
  each: z.record(Identifier, Cel).refine((each) => Object.keys(each).length === 1, 'expected exactly one variable').optional(),
  when: Cel.optional(),
  type: WorkloadType,
  name: Line,
  group: Line,
  /** Sizes as texts (`256 MiB`), cpu in cores (`2`) or thousandths (`250m`), or `${…}` of an int (bytes; thousandths). */
  resources: z.strictObject({ disk: z.union([Line, z.int()]), memory: z.union([Line, z.int()]), cpu: z.union([Line, z.int()]) }),
  secrets: z.union([z.array(Line).max(8), Line]).default([]),
  dials: z.union([z.array(Line).max(64), Line]).default([]),
  /** The workload's spec; every text in it may have `${…}`. */
  spec: z.record(z.string().max(64), z.json()),
});
export type WorkloadTemplate = z.infer<typeof WorkloadTemplate>;

const BlueprintTest = z.strictObject({
  name: Line,
  parameters: z.record(z.string().max(64), z.json()),
  expect: z.strictObject({
    /** Refused with this code, instead of compiled. */
    refused: z.string().max(64).optional(),
    /** Number of workloads. */
    workloads: z.int().min(0).max(256).optional(),
    /** Values after defaults, in canonical form. */
    parameters: z.record(z.string().max(64), z.json()).optional(),
    /** Parts of workloads by name; what is not mentioned is not compared. */
    golden: z.record(z.string().max(64), z.json()).optional(),
    /** CEL over the parameters, the values, and `names`, `groups`, `disks`, `types` (one element a workload). */
    that: z.array(Cel).max(32).optional(),
  }),
});
export type BlueprintTest = z.infer<typeof BlueprintTest>;

/** What may be drawn of a parameter: everything its bounds allow, or less. Bytes and money as texts. */
const Draw = z.strictObject({
  minimum: z.union([z.int(), Line]).optional(),
  maximum: z.union([z.int(), Line]).optional(),
  /** One of these. */
  oneOf: z.array(z.json()).min(1).max(64).optional(),
});
export type Draw = z.infer<typeof Draw>;

/** Says what holds of every request: many are drawn, and one that shows otherwise is made as simple as it can be. */
const BlueprintProperty = z.strictObject({
  name: Line,
  forall: z.record(z.string().max(64), Draw).refine((drawn) => Object.keys(drawn).length >= 1, 'expected at least one parameter'),
  /** Parameters that stay the same. */
  given: z.record(z.string().max(64), z.json()).default({}),
  /** Those that the checks refuse do not count. */
  draws: z.int().min(100).max(1000).default(100),
  /** CEL as in tests; only where this is true, the rest must be. */
  when: Cel.optional(),
  that: z.array(Cel).min(1).max(32),
});
export type BlueprintProperty = z.infer<typeof BlueprintProperty>;

/** What an expert writes: how parameters become workloads, and how people ask for it. */
export const Blueprint = z.strictObject({
  blueprint: Label,
  version: z.string().regex(/^\d{1,4}\.\d{1,4}\.\d{1,4}$/, 'expected a version such as 1.0.0'),
  title: Line,
  description: Text(2000),
  author: Line,
  parameters: z.record(Identifier, Parameter).refine((p) => Object.keys(p).length <= 40, 'more than 40 parameters'),
  /** Named intermediate results, each seeing those before it. */
  values: z.record(Identifier, Cel).refine((values) => Object.keys(values).length <= MAX_VALUES, `more than ${MAX_VALUES} values`).default({}),
  /** One line for the contract and its reader. */
  summary: Line.optional(),
  intents: z.strictObject({ nouns: Words.min(1), verbs: Words.default([]), examples: z.array(Line).min(1).max(20), phrases: z.array(Phrase).max(40).default([]) }),
  policy: PolicyTemplate,
  /** Who must accept the execution; nobody when absent. */
  acceptance: PolicyTemplate.exactOptional(),
  autonomy: Autonomy,
  checks: z.array(z.strictObject({ when: Cel.optional(), that: Cel, message: Line, hint: Line })).max(40).default([]),
  workloads: z.array(WorkloadTemplate).min(1).max(40),
  tests: z.array(BlueprintTest).max(100).default([]),
  properties: z.array(BlueprintProperty).max(20).default([]),
});
export type Blueprint = z.infer<typeof Blueprint>;

/** A blueprint and where its parts stand in its source. */
export interface ParsedBlueprint {
  readonly blueprint: Blueprint;
  readonly locate: SourceDocument['locate'];
}

/** Parses a blueprint's YAML and holds it against the format; problems carry line and column. Expressions are lint's and compile's. */
export function parseBlueprint(source: Uint8Array | string): ({ ok: true } & ParsedBlueprint) | { ok: false; problems: Problem[] } {
  const yaml = parseYaml(source);
  if (!yaml.ok) return yaml;
  const { value, locate } = yaml.document;
  const parsed = Blueprint.safeParse(value);
  const problems: Problem[] = [];
  if (!parsed.success) {
    for (const issue of parsed.error.issues.slice(0, 50)) {
      const path = issue.path.filter((step) => typeof step !== 'symbol');
      // An unknown key is best shown where it stands, not where its map begins.
      const keys = issue.code === 'unrecognized_keys' ? issue.keys : [undefined];
      for (const key of keys) {
        const place = key === undefined ? locate(path) : locate([...path, key]);
        const where = [...path, ...(key === undefined ? [] : [key])].join('.');
        problems.push({ ...place, code: key === undefined ? 'format' : 'unknown_key', message: `${where || 'document'}: ${key === undefined ? issue.message : 'no such key'}`, severity: 'error' });
      }
    }
    return { ok: false, problems };
  }
  for (const name of Object.keys(parsed.data.parameters)) {
    if (Object.hasOwn(BUILTIN_PARAMETERS, name)) problems.push({ ...locate(['parameters', name]), code: 'reserved', message: `parameters.${name}: every blueprint has this parameter already`, severity: 'error' });
    if (Object.hasOwn(parsed.data.values, name)) problems.push({ ...locate(['values', name]), code: 'reserved', message: `values.${name}: a parameter has this name`, severity: 'error' });
  }
  for (const name of Object.keys(parsed.data.values)) {
    if (Object.hasOwn(BUILTIN_PARAMETERS, name)) problems.push({ ...locate(['values', name]), code: 'reserved', message: `values.${name}: a parameter has this name`, severity: 'error' });
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, blueprint: parsed.data, locate };
}

/** Every parameter by name: the built-in ones, then the blueprint's in their order. */
export function parametersOf(blueprint: Blueprint): Readonly<Record<string, Parameter>> {
  return { ...BUILTIN_PARAMETERS, ...blueprint.parameters };
}
