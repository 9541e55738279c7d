import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseBlueprint } from './blueprint.ts';
import { blueprintPage, libraryPage } from './document-page.ts';
import { loadLibrary, shippedDirectory } from './library.ts';

const PAGES = join(import.meta.dirname, '../docs/blueprints');
const blueprints = loadLibrary(shippedDirectory()).map((entry) => entry.blueprint);
const written = (file: string): string => readFileSync(join(PAGES, file), 'utf8');
const STALE = 'docs/blueprints is stale: run node scripts/blueprint-pages.mjs';

describe('docs/blueprints', () => {
  it('has a page for each shipped blueprint and no other', () => {
    expect(readdirSync(PAGES).sort(), STALE).toEqual(['README.md', ...blueprints.map((b) => `${b.blueprint}.md`)].sort());
    expect(written('README.md') === libraryPage(blueprints), STALE).toBe(true);
  });

  it.each(blueprints.map((b) => [b.blueprint, b] as const))('says of %s what its blueprint says now', (name, blueprint) => {
    expect(written(`${name}.md`) === blueprintPage(blueprint), STALE).toBe(true);
  });
});

describe('blueprintPage', () => {
  const page = (text: string): string => {
    const parsed = parseBlueprint(text);
    if (!parsed.ok) throw new Error(parsed.problems[0]?.message);
    return blueprintPage(parsed.blueprint);
  };
  const SMALL = `
blueprint: pad
version: 1.0.0
title: Scratch pad
description: Room to try things.
author: somebody
parameters:
  room: {type: bytes, required: true, minimum: 1 GB, maximum: 1 TB, description: How much it holds., hints: {nouns: [room, space]}}
  spare: {type: bytes, default: '\${string(room / 2)}', description: What is kept free.}
  kind: {type: choice, default: a, choices: {a: {nouns: [a]}, b: {nouns: [b]}}, description: One | other.}
intents: {nouns: [pad], examples: [a pad of 2 GB]}
policy: {any: [{role: legal}, {role: budget, k: 2}]}
acceptance: {role: it-expert, independent: true}
autonomy: {replace: false}
checks:
  - {that: spare < room, message: '\${spare} of \${string(room + spare)} is too much', hint: keep less free}
workloads:
  - {type: zdb, name: pad, group: pad, resources: {disk: '\${string(room + spare)}', memory: 1 MiB, cpu: 100m}, spec: {mode: user, capacity: '\${string(room)}', namespaces: ['\${kind}']}}
tests:
  - {name: a pad, parameters: {room: 2 GB}, expect: {workloads: 1}}
  - {name: no room, parameters: {}, expect: {refused: missing_parameter}}
`;

  it('says what is needed, what follows from what, who signs, what is refused and what tests hold', () => {
    const text = page(SMALL);
    for (const line of [
      '# Scratch pad',
      '> a pad of 2 GB',
      '| `room` | How much it holds. 1 GB to 1 TB. | **needed** | 2 TB, beside room, space |',
      '| `spare` | What is kept free. | from `room` | 2 TB |',
      '| `kind` | One \\| other. | `a` | a or b |',
      '| 1 | `zdb` | `pad` | 3 GB of disk, 1 MiB of memory, 0.1 cores |',
      '**legal** or 2 of **budget** must sign before anything runs. **it-expert** (not the requester) must accept what was done. Nothing moves by itself',
      '- `spare` of … is too much: keep less free.',
      '2 examples hold it',
      '- no room (`missing_parameter`)',
      'It runs on nodes today.',
    ]) expect(text).toContain(line);
  });

  it('tells what nodes do not offer yet', () => {
    expect(page(SMALL.replace('type: zdb', 'type: volume').replace(/spec: \{.*\}\}/, "spec: {capacity: '${string(room)}', copies: [pad]}}"))).toContain('Nodes do not offer all it needs yet');
  });
});
