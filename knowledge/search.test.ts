import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadLibrary, shippedDirectory } from './library.ts';
import { searchBlueprints } from './search.ts';

const library = loadLibrary(shippedDirectory()).map(({ blueprint }) => blueprint);
const find = (query: string): string[] => searchBlueprints(library, query).map(({ blueprint }) => blueprint.blueprint);

describe('search', () => {
  it.each([
    ['archive', 'archive'], ['database', 'database'], ['postgres', 'database'], ['kubernetes cluster', 'kubernetes'], ['private network', 'private-network'], ['website', 'website'], ['crm', 'crm'], ['virtual disk', 'virtual-disk'], ['key value', 'key-value-store'], ['a container', 'container'], ['job with gpus', 'data-job'],
    // German, French, Italian, Spanish, Dutch.
    ['Archiv', 'archive'], ['Datenbank', 'database'], ['base de données', 'database'], ['archivio', 'archive'], ['base de datos', 'database'], ['archief', 'archive'],
    // Without accents, in capitals, in a sentence.
    ['base de donnees', 'database'], ['KUBERNETES', 'kubernetes'], ['I need a database for my shop, please', 'database'],
    // A slip of the finger.
    ['kuberentes', 'kubernetes'], ['databse', 'database'], ['archvie', 'archive'], ['webiste', 'website'],
  ])('%s finds %s first', (query, expected) => {
    expect(find(query)[0]).toBe(expected);
  });

  it('gives everything by name when nothing is asked, and nothing when nothing fits', () => {
    expect(find('  ')).toEqual(library.map(({ blueprint }) => blueprint).sort());
    expect(find('zzzzqqqq')).toEqual([]);
    expect(find('the of and')).toEqual([]);
    expect(find('thing that does not exist')).toEqual([]);
    // One word of three, and only in a description or an example.
    expect(find('run python script')).not.toContain('crm');
  });

  it('puts what has more of the words first, and says which', () => {
    const hits = searchBlueprints(library, 'postgres database zzzzqqqq');
    expect(hits[0]).toMatchObject({ blueprint: { blueprint: 'database' }, matched: ['postgres', 'database'] });
    expect(hits.map(({ score }) => score)).toEqual(hits.map(({ score }) => score).sort((a, b) => b - a));
  });

  it('never throws, answers the same each time, and in time', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (query) => { expect(find(query)).toEqual(find(query)); }), { seed: 20261120, numRuns: 200 });
    const start = performance.now();
    find('wörter '.repeat(1000));
    find(Array.from({ length: 16 }, (_, i) => `${'x'.repeat(38)}${i}`).join(' '));
    expect(performance.now() - start).toBeLessThan(1000);
  });
});
