import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Blueprint, parseBlueprint } from './blueprint.ts';
import { diffBlueprints } from './diff.ts';
import { loadLibrary, shippedDirectory } from './library.ts';

const source = readFileSync(join(shippedDirectory(), 'archive.yaml'), 'utf8');
const read = (text: string): Blueprint => {
  const parsed = parseBlueprint(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.blueprint;
};
const before = read(source);
const changed = (from: string, to: string): Blueprint => {
  expect(source).toContain(from);
  return read(source.replace(from, () => to));
};
const diff = (after: Blueprint) => {
  const { advice, changes } = diffBlueprints(before, after);
  return [advice, ...changes.map(({ section, level, message }) => `${level} ${section} ${message}`)];
};

describe('what changed between two versions', () => {
  it('is nothing between the same', () => {
    for (const { blueprint } of loadLibrary(shippedDirectory())) expect(diffBlueprints(blueprint, blueprint)).toMatchObject({ changes: [], advice: 'none', enough: true });
    expect(diffBlueprints(before, before).updates.every(({ outcome }) => outcome === 'same')).toBe(true);
  });

  it.each<[string, string, string, unknown[]]>([
    ['a parameter that is removed', '  name:\n    type: name\n    default: archive\n    description: Name under which the gateway publishes the archive.\n', '', ['major']],
    ['a wider bound', 'maximum: 100 PB', 'maximum: 200 PB', ['minor', 'minor parameters capacity: maximum: was "100 PB", becomes "200 PB"']],
    ['a narrower bound', 'maximum: 100 PB', 'maximum: 50000 TB', ['major', 'major parameters capacity: maximum: was "100 PB", becomes "50000 TB"']],
    ['a bound that is gone', '    minimum: 1 GB\n', '', ['minor', 'minor parameters capacity: minimum: was "1 GB", becomes nothing']],
    ['another default', 'default: archive\n', 'default: store\n', ['minor', 'minor parameters name: default: was "archive", becomes "store"']],
    ['another description of a parameter', 'Name under which the gateway publishes the archive.', 'Its name.', ['patch', 'patch parameters name: description changed']],
    ['other words', 'nouns: [capacity, size,', 'nouns: [volume, size,', ['patch', 'patch parameters capacity: other words set it']],
    ['who signs', '    - role: budget\n', '', ['major', expect.stringMatching(/^major policy policy: was /)]],
    ['autonomy', 'replace: true', 'replace: false', ['major', expect.stringMatching(/^major policy autonomy/)]],
    ['a check that is new', 'checks:\n', 'checks:\n  - that: capacity > 5\n    message: too small\n    hint: take more\n', ['major', 'major checks new: capacity > 5']],
    ['another message', 'hint: take more data shards than parity shards', 'hint: ask for more data shards than parity shards', ['patch', 'patch checks other messages']],
    ['a workload’s size', 'memory: 256 MiB', 'memory: 512 MiB', ['minor', 'minor workloads zdb zdb-${i}: resources.memory: was "256 MiB", becomes "512 MiB"']],
    ['a workload’s group', 'group: zdb', 'group: stores', ['major', expect.stringMatching(/^major workloads zdb zdb-\$\{i\}: group/)]],
    ['the title', 'title: S3 archive', 'title: An S3 archive', ['patch', 'patch words title changed']],
  ])('%s', (_, from, to, expected) => {
    expect(diff(changed(from, to)).slice(0, expected.length)).toEqual(expected);
  });

  it('is a new parameter: minor unless it is required', () => {
    const with_ = (rest: string) => changed('parameters:\n', `parameters:\n  colour: {type: text, description: Its colour.${rest}}\n`);
    expect(diff(with_(', default: red'))).toEqual(['minor', 'minor parameters colour: new, text']);
    expect(diff(with_(', required: true'))).toEqual(['major', 'major parameters colour: new, text, required']);
  });
});

describe('what an update would do', () => {
  it('is told by workload, from the parameters of contracts or the tests', () => {
    const after = changed('memory: 256 MiB', 'memory: 512 MiB');
    const { updates } = diffBlueprints(before, after, [{ name: 'a contract', parameters: { capacity: '1 TB' } }]);
    expect(updates).toEqual([{ name: 'a contract', outcome: 'changes', lines: Array.from({ length: 6 }, (_, i) => `zdb-${i}: resources.memory: was "268435456", becomes "536870912"`) }]);
    expect(diffBlueprints(before, after).updates.length).toBeGreaterThan(3);
  });

  it('is nothing where a default changes: what was signed stays', () => {
    const { updates, advice } = diffBlueprints(before, changed('default: archive\n', 'default: store\n'));
    expect(updates.every(({ outcome }) => outcome === 'same')).toBe(true);
    expect(advice).toBe('minor');
  });

  it('is refused where a parameter is gone or out of bounds, and that is a major step', () => {
    const after = changed('maximum: 100 PB', 'maximum: 1 PB');
    const { updates, advice } = diffBlueprints(before, after, [{ name: 'large', parameters: { capacity: '2 PB' } }, { name: 'small', parameters: { capacity: '1 TB' } }]);
    expect(updates).toMatchObject([{ name: 'large', outcome: 'refused' }, { name: 'small', outcome: 'same' }]);
    expect(advice).toBe('major');
  });

  it('is refused where the parts of one whole would lie elsewhere', () => {
    const after = changed('shards: data_shards + parity_shards', 'shards: data_shards + parity_shards + 1');
    const { updates } = diffBlueprints(before, after, [{ name: 'a contract', parameters: { capacity: '1 TB' } }]);
    expect(updates[0]).toMatchObject({ outcome: expect.stringMatching(/layout|refused/) as string });
  });
});

describe('the version', () => {
  it.each([
    ['1.0.1', 'replace: true', 'replace: false', 'major', false], ['1.1.0', 'replace: true', 'replace: false', 'major', false], ['2.0.0', 'replace: true', 'replace: false', 'major', true],
    ['1.0.1', 'memory: 256 MiB', 'memory: 512 MiB', 'minor', false], ['1.1.0', 'memory: 256 MiB', 'memory: 512 MiB', 'minor', true], ['2.0.0', 'memory: 256 MiB', 'memory: 512 MiB', 'minor', true],
    ['1.0.1', 'title: S3', 'title: An S3', 'patch', true], ['1.0.0', 'title: S3', 'title: An S3', 'patch', false], ['0.9.0', 'title: S3', 'title: An S3', 'patch', false],
  ])('%s after %s', (version, from, to, advice, enough) => {
    const after = { ...changed(from, to), version };
    expect(diffBlueprints(before, after)).toMatchObject({ from: '1.0.0', to: version, advice, enough });
  });
});
