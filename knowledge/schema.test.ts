import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Json } from '../contract/canonical.ts';
import { Blueprint } from './blueprint.ts';
import { parseYaml } from './document.ts';
import { shippedDirectory } from './library.ts';
import { blueprintSchema, DESCRIPTIONS } from './schema.ts';

const schema = blueprintSchema();

type Node = Readonly<Record<string, Json>>;
const isNode = (value: Json | undefined): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Every path of the schema that an editor completes, and whether it is described. */
function pathsOf(node: Json | undefined, path: string, found = new Map<string, boolean>()): Map<string, boolean> {
  if (!isNode(node)) return found;
  for (const [name, child] of Object.entries(isNode(node['properties']) ? node['properties'] : {})) {
    const at = path === '' ? name : `${path}.${name}`;
    found.set(at, (found.get(at) ?? true) && isNode(child) && typeof child['description'] === 'string');
    pathsOf(child, at, found);
  }
  pathsOf(node['additionalProperties'], `${path}.*`, found);
  pathsOf(node['items'], `${path}[]`, found);
  for (const key of ['anyOf', 'oneOf']) { const branches = node[key]; if (Array.isArray(branches)) branches.forEach((branch: Json) => pathsOf(branch, path, found)); }
  return found;
}

const load = (source: string): unknown => {
  const parsed = parseYaml(source);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.document.value;
};

describe('the schema for editors', () => {
  it('describes everything that can be written, and nothing else', () => {
    const paths = pathsOf(schema, '');
    expect([...paths].filter(([, described]) => !described).map(([path]) => path)).toEqual([]);
    expect(Object.keys(DESCRIPTIONS).filter((path) => !paths.has(path))).toEqual([]);
    expect(paths.size).toBeGreaterThan(60);
  });

  it('is of the form that a blueprint is parsed by', () => {
    expect(Object.keys(schema['properties'] as object).sort()).toEqual(Object.keys(Blueprint.shape).sort());
    expect(schema['additionalProperties']).toBe(false);
    expect(schema['required']).toEqual(expect.arrayContaining(['blueprint', 'version', 'parameters', 'intents', 'policy', 'autonomy', 'workloads']));
  });

  const check = z.fromJSONSchema(JSON.parse(JSON.stringify(schema)) as Parameters<typeof z.fromJSONSchema>[0]);
  const files = readdirSync(shippedDirectory()).filter((name) => name.endsWith('.yaml'));
  const archive = readFileSync(join(shippedDirectory(), 'archive.yaml'), 'utf8');

  it.each(files)('accepts %s', (file) => {
    const result = check.safeParse(load(readFileSync(join(shippedDirectory(), file), 'utf8')));
    expect(result.success, result.success ? '' : z.prettifyError(result.error)).toBe(true);
  });

  it.each([
    ['an unknown key', archive.replace('title:', 'titel:')],
    ['an unknown type', archive.replace('type: bytes', 'type: size')],
    ['a version that is none', archive.replace('version: 1.0.0', 'version: one')],
    ['a policy without roles', archive.replace('    - role: it-expert', '    - roll: it-expert')],
    ['no workloads', `${archive.slice(0, archive.indexOf('workloads:\n'))}`],
  ])('refuses %s', (_, source) => {
    expect(source).not.toBe(archive);
    expect(check.safeParse(load(source)).success).toBe(false);
  });
});
