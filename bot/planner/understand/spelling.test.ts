import { describe, expect, it } from 'vitest';
import { spelt } from './spelling.ts';

describe('slips in words of grammar', () => {
  it.each<[string, string]>([['caled', 'called'], ['nmens', 'namens'], ['mindistens', 'mindestens'], ['maximuum', 'maximum'], ['pradon', 'pardon'], ['zwischn', 'zwischen'], ['lalmado', 'llamado'], ['dozuaine', 'douzaine'], ['venntidue', 'ventidue'], ['hundrd', 'hundred'], ['exclded', 'excluded'], ['qarto', 'quarto']])('%s: %s', (said, meant) => {
    expect(spelt(said)).toBe(meant);
  });

  it.each(['called', 'eight', 'there', 'decide', 'cuanto', 'cuando', 'liebes', 'jahre', 'sales', 'scaled', 'leven', 'start', 'appelle', 'chiamalo', 'mensual', 'quarts', 'constructor', 'copia', 'names', 'haben'])('%s is a word of its own', (word) => {
    expect(spelt(word)).toBeUndefined();
  });
});
