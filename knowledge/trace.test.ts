import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseBlueprint } from './blueprint.ts';
import { compileBlueprint } from './compile.ts';
import { loadLibrary, shippedDirectory } from './library.ts';
import { type FieldTrace, type Origin, type Trace, traceBlueprint } from './trace.ts';

const source = readFileSync(join(shippedDirectory(), 'archive.yaml'), 'utf8');
const parsed = parseBlueprint(source);
if (!parsed.ok) throw new Error('the archive blueprint has faults');
const { blueprint, locate } = parsed;

const REQUEST = { capacity: '1 PB', countries: 'CH' };
const WORDS = { capacity: '1 PB', countries: 'in CH' };
const trace = traceBlueprint(blueprint, REQUEST, { words: WORDS, locate }) as Trace;
const field = (workload: string, name: string): FieldTrace => {
  const found = trace.workloads.find((w) => w.workload === workload)?.fields.find((f) => f.field === name);
  if (!found) throw new Error(`${workload} has no ${name}`);
  return found;
};
const names = (origins: readonly Origin[]): string[] => origins.flatMap((o) => [`${o.kind} ${o.name}`, ...('reads' in o ? names(o.reads) : [])]);

describe('a trace', () => {
  it('leads from a field over expressions and parameters to the words', () => {
    const disk = field('zdb-0', 'resources.disk');
    expect(disk.written).toBe('${string(shard_bytes)}');
    const [shardBytes] = disk.reads;
    expect(shardBytes).toMatchObject({ kind: 'value', name: 'shard_bytes', expression: blueprint.values['shard_bytes'] });
    expect(names(disk.reads)).toEqual(expect.arrayContaining(['said capacity', 'default data_shards']));
    const capacity = shardBytes && 'reads' in shardBytes ? shardBytes.reads.find((o) => o.name === 'capacity') : undefined;
    expect(capacity).toEqual({ kind: 'said', name: 'capacity', value: '1 PB', words: '1 PB' });
  });

  it('names the line that each field was written in', () => {
    const lines = source.split('\n');
    for (const { workload, fields } of trace.workloads) {
      for (const { field: name, written, line } of fields) {
        const [key, index] = [name.split('.').at(-1) ?? '', name.split('.').at(-2) ?? ''];
        const text = lines[(line ?? 0) - 1] ?? '';
        expect(text.includes(written.replace(/^"|"$/g, '')) || text.includes(key) || text.includes(index), `${workload} ${name}: line ${line ?? '?'} ${text}`).toBe(true);
      }
    }
  });

  it('tells the elements of a loop apart', () => {
    expect(field('zdb-3', 'name')).toMatchObject({ written: 'zdb-${i}', value: 'zdb-3', reads: [{ kind: 'element', name: 'i', value: '3', expression: 'range(shards)' }] });
    expect(names(field('zdb-3', 'name').reads)).toEqual(['element i', 'value shards', 'default data_shards', 'default parity_shards']);
  });

  it('says what is written out, and what came in a list', () => {
    expect(field('zdb-0', 'resources.memory')).toMatchObject({ written: '256 MiB', value: '268435456', reads: [] });
    const slots = field('archive-0', 'spec.slots');
    expect(slots.value).toEqual(['zdb-0', 'zdb-1', 'zdb-2', 'zdb-3', 'zdb-4', 'zdb-5']);
    expect(slots.reads[0]).toMatchObject({ kind: 'value', name: 'slots' });
    expect(trace.title).toMatchObject({ written: blueprint.summary, reads: expect.arrayContaining([expect.objectContaining({ name: 'capacity' })]) as unknown });
  });

  it('is refused as the compiler refuses', () => {
    expect(traceBlueprint(blueprint, {})).toMatchObject({ ok: false, code: 'missing_parameter' });
  });

  it('has every field of every workload of every shipped blueprint', () => {
    let traced = 0;
    for (const { blueprint: shipped } of loadLibrary(shippedDirectory())) {
      for (const test of shipped.tests) {
        const compiled = compileBlueprint(shipped, test.parameters);
        if (!compiled.ok) continue;
        const all = traceBlueprint(shipped, test.parameters);
        if (!all.ok) throw new Error(all.message);
        expect(all.workloads.map((w) => w.workload)).toEqual(compiled.workloads.map((w) => w.name));
        for (const [i, { fields }] of all.workloads.entries()) {
          const workload = compiled.workloads[i]!;
          const seen = new Set(fields.map(({ field: name }) => name.split('.').slice(0, 2).join('.')));
          const wanted = [...Object.entries(workload.spec).map(([key, value]) => [`spec.${key}`, value] as const)].filter(([, value]) => !(Array.isArray(value) && value.length === 0) && !(JSON.stringify(value) === '{}')).map(([key]) => key);
          expect([...seen], `${shipped.blueprint} ${workload.name}`).toEqual(expect.arrayContaining(['name', 'type', 'group', 'resources.disk', ...wanted]));
          traced += fields.length;
        }
      }
    }
    expect(traced).toBeGreaterThan(500);
  });
});
