import { describe, expect, it } from 'vitest';
import { Scope } from './expression.ts';
import { compileTemplate, isTemplate } from './template.ts';

const scope = new Scope([['i', 'int'], ['items', 'list<string>'], ['yes', 'bool']]);

function run(text: string): unknown {
  const template = compileTemplate(text, scope);
  if (!isTemplate(template)) return template;
  const result = template.evaluate({ i: 7n, items: ['a'], yes: true });
  return result.ok ? result.value : result;
}

describe('templates', () => {
  it.each<[string, unknown]>([
    ['plain', 'plain'],
    ['', ''],
    ['zdb-${i}', 'zdb-7'],
    ['${i}', 7n],
    ['${items}', ['a']],
    ['${i}-${i + 1}', '7-8'],
    ['${"}"}', '}'],
    ['${"\\"}" + string(i)}', '"}7'],
    ['${ {"a": i}["a"] }', 7n],
    ['$ {i} }', '$ {i} }'],
  ])('%s', (text, expected) => {
    expect(run(text)).toEqual(expected);
  });

  it('refuses with the offset in the text', () => {
    expect(run('ab ${i + nobody}')).toMatchObject({ ok: false, offset: 9 });
    expect(run('ab ${i')).toMatchObject({ ok: false, offset: 3 });
    expect(run('ab ${items}')).toMatchObject({ ok: false, offset: 5 });
    expect(run('${i}'.repeat(40))).toMatchObject({ ok: false });
  });
});
