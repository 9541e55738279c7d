import { describe, expect, it } from 'vitest';
import { isWithdrawal, readYesNo } from '../acts.ts';
import { MESSAGES, sayIn } from './messages.ts';

const places = (text: string): string[] => [...text.matchAll(/\{([a-z]+)\}/g)].map(([, name = '']) => name).sort();

describe('what the dialogue says', () => {
  it.each(Object.keys(MESSAGES) as (keyof typeof MESSAGES)[])('has the same places in %s as in English, and is nowhere left in English', (language) => {
    const [own, english] = [MESSAGES[language], MESSAGES.en];
    for (const name of Object.keys(english) as (keyof typeof english)[]) {
      expect([name, places(own[name])]).toEqual([name, places(english[name])]);
      expect(own[name].trim()).not.toBe('');
      if (language !== 'en' && english[name].split(' ').length > 5) expect([name, own[name]]).not.toEqual([name, english[name]]);
    }
  });

  it('makes what is put into it harmless, and puts in nothing twice', () => {
    const say = sayIn('en');
    expect(say('withdrawn', { title: '\u001b[2Jevil\n\u202e{title}' })).toBe('Withdrawn: ·[2Jevil··{title}. What was reserved and paid in is back.');
    expect(say('withdrawn')).toContain('{title}');
  });

  it('says one of a thing as one', () => {
    expect([sayIn('en')('all_running', { count: 1 }), sayIn('en')('all_running', { count: 10 })]).toEqual(['It runs: 1 workload.', 'It runs: all 10 workloads.']);
    expect([sayIn('de')('some_running', { running: 0, count: 1 }), sayIn('de')('some_running', { running: 2, count: 3 })]).toEqual(['0 von 1 Workload läuft.', '2 von 3 Workloads laufen.']);
    expect(sayIn('en')('all_running')).toContain('{count}');
  });

  it('offers words that it understands', () => {
    for (const word of ['yes', 'ja', 'oui', 'sì', 'sí']) expect(readYesNo(word)).toBe('yes');
    for (const word of ['withdraw', 'zieh zurück', 'retire', 'ritira', 'retira', 'trek in']) expect(isWithdrawal(word)).toBe(true);
  });
});
