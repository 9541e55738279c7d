import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { shippedDirectory } from './library.ts';
import { checkedBlueprint, lintBlueprint } from './lint.ts';

const source = readFileSync(join(shippedDirectory(), 'archive.yaml'), 'utf8');

/** The archive blueprint with one change, and where the changed text stands. */
function changed(from: string, to: string, at = to): { problems: string[]; place: string } {
  expect(source).toContain(from);
  const text = source.replace(from, () => to);
  const offset = text.indexOf(at, source.indexOf(from));
  const before = text.slice(0, offset).split('\n');
  const place = `${before.length}:${(before.at(-1) ?? '').length + 1}`;
  return { problems: lintBlueprint(text).map((p) => `${p.line}:${p.column} ${p.severity} ${p.code} ${p.message}`), place };
}

describe('lint', () => {
  it('finds nothing in what is shipped', () => {
    expect(lintBlueprint(source)).toEqual([]);
  });

  it.each([
    ['an unknown variable', 'data_shards + parity_shards', 'data_shards + party_shards', 'party_shards', 'error expression'],
    ['a wrong type', 'ceilDiv(capacity, data_shards) * 102 / 100 + 64 * MiB', 'ceilDiv(capacity, "a")', 'ceilDiv(capacity, "a")', 'error expression'],
    ['a check that is no truth value', 'that: data_shards > parity_shards', 'that: data_shards - parity_shards', 'data_shards - parity_shards', 'error type'],
    ['a loop over no list', '{i: range(shards)}', '{i: shards}', 'shards}', 'error type'],
    ['an expression in a template', 'name: zdb-${i}', 'name: zdb-${i + nobody}', 'nobody}', 'error expression'],
    ['a function outside the subset', 'size(cities) > 0 ?', 'cities[0].matches("x") ?', 'cities[0].matches', 'error expression'],
    ['a loop variable that shadows', '{i: range(shards)}', '{slots: range(shards)}', 'range(shards)', 'error shadowed'],
    ['a phrase that sets nothing known', 'set: {data_shards: a, parity_shards: b}', 'set: {shardz: a, parity_shards: b}', 'a, parity', 'error unknown_parameter'],
    ['a default out of bounds', 'default: 4', 'default: 1', '1', 'error default'],
    ['an expression of a test', 'size(slots) == 10 && size(fronts) == 4', 'size(slots) == 10 && size(fronds) == 4', 'fronds)', 'error expression'],
    ['a test that asks for no truth value', 'shard_bytes * data_shards >= capacity', 'shard_bytes * data_shards', 'shard_bytes * data_shards\n', 'error type'],
    ['a test that expects nothing', 'expect: {refused: invalid_value}', 'expect: {}', '{}', 'error empty'],
    ['an unreachable workload', '  - type: gateway-name', '  - when: 1 > 2\n    type: gateway-name', '1 > 2', 'warning unreachable'],
    ['a check without effect', '  - that: data_shards > parity_shards', '  - that: 1 < 2', '1 < 2', 'warning unreachable'],
  ])('%s', (_, from, to, at, expected) => {
    const { problems, place } = changed(from, to, at);
    expect(problems).toContainEqual(expect.stringMatching(`^${place} ${expected}`));
  });

  it('finds unused parameters and values', () => {
    expect(changed('  name:\n    type: name', '  spare:\n    type: integer\n    default: 1\n    description: x\n  name:\n    type: name', 'type: integer').problems).toEqual([expect.stringMatching(/^\d+:5 warning unused parameters\.spare/)]);
    expect(changed('  shards: data', '  spare: data_shards\n  shards: data', 'data_shards\n').problems).toEqual([expect.stringMatching(/^\d+:10 warning unused values\.spare/)]);
  });

  it('finds what a parameter may not be called', () => {
    expect(changed('  name:\n    type: name', '  months:\n    type: name').problems).toContainEqual(expect.stringContaining('error reserved parameters.months'));
    expect(changed('  shards: data', '  size: data').problems).toContainEqual(expect.stringContaining('error format values.size'));
  });

  it('says once what many expressions fail by', () => {
    expect(changed('data_shards + parity_shards', 'data_shards + party_shards').problems).toEqual([expect.stringContaining('Unknown variable: party_shards')]);
  });

  it('finds what is wrong in a property', () => {
    const bare = source.slice(0, source.indexOf('\nproperties:') + 1);
    const property = (text: string): string[] => lintBlueprint(`${bare}properties:\n  - name: it holds\n${text}`).map((p) => `${p.line - bare.split('\n').length - 1}:${p.column} ${p.code} ${p.message.replace(/^properties\.0\./, '')}`);
    expect(property('    forall: {capacity: {}}\n    that: [size(names) > 0]\n')).toEqual([]);
    expect(property('    forall: {capacity: {}, size: {}}\n    that: [true == true]\n')).toEqual(['1:34 unknown_parameter forall.size: there is no such parameter']);
    expect(property('    forall: {capacity: {}}\n    when: names\n    that: [nobody > 0]\n')).toEqual(['2:11 type when: expected bool, the expression gives list<string>', expect.stringMatching(/^3:12 expression that\.0: .*nobody/)]);
    expect(property('    forall: {immutable: {}}\n    that: ["true"]\n')).toEqual([expect.stringMatching(/missing_parameter .*neither draws nor gives capacity/)]);
  });

  it('finds unknown keys and missing ones where they stand', () => {
    const { problems, place } = changed('title: S3', 'titel: S3', 'S3 archive over');
    expect(problems).toContainEqual(expect.stringMatching(`^${place} error unknown_key titel`));
    expect(problems).toContainEqual(expect.stringMatching(/^1:1 error format title/));
  });

  it.each([
    ['title: S3', 'title: "\\e[2J\\u202E"\ntitle_was: S3'], ['summary: ', 'summary: "a\\nb"\nsummary_was: '], ['description: >-', 'description: |-'], ['author: 3bot', 'author: "3\\u3164bot"'], ['nouns: [', 'nouns: ["a\\nb", '],
  ])('refuses a text that nobody could read as it is: %s', (from, to) => {
    expect(changed(from, to, to).problems).toContainEqual(expect.stringMatching(/error format .*control, format or invisible characters/));
  });

  it('refuses more values than a compile has time for', () => {
    const values = (n: number): string => Array.from({ length: n }, (_, i) => `  v${i}: "1 == 1"\n`).join('');
    const own = /^values:\n((?: {2}.*\n)*)/m.exec(source)?.[1]?.split('\n').filter((line) => /^ {2}[a-z]\w*:/.test(line)).length ?? 0;
    expect(own).toBeGreaterThan(0);
    expect(lintBlueprint(source.replace('values:\n', `values:\n${values(64 - own)}`)).filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(lintBlueprint(source.replace('values:\n', `values:\n${values(65 - own)}`))).toContainEqual(expect.objectContaining({ code: 'format', message: 'values: more than 64 values' }));
  });

  it('finds same names', () => {
    expect(changed('name: zdb-${i}', 'name: zdb').problems).toContainEqual(expect.stringContaining('error same_name workloads.0.name'));
  });

  it('refuses to load what has errors, and loads what has warnings', () => {
    expect(checkedBlueprint(source.replace('data_shards + parity_shards', 'nobody')).ok).toBe(false);
    expect(checkedBlueprint(source.replace('  shards: data', '  spare: data_shards\n  shards: data')).ok).toBe(true);
  });
});
