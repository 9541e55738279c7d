import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { begins, isDecision, isOnly, isWithdrawal, maybeWithdrawal, readYesNo, says } from './acts.ts';
import { PHRASES, type PhraseName } from './lexicon.ts';
import { languageOf } from './language.ts';

describe('a yes', () => {
  it.each(['yes', 'Yes!', 'ok', 'go ahead, please', 'yes, propose it', 'please do', 'propose it', 'ja', 'ja, bitte', 'Ja, schlag es vor', 'einverstanden', 'oui', "d'accord", 'vas-y', 'oui, propose-le', 'sì', 'va bene', 'sì, proponilo', 'sí', 'vale, adelante', 'de acuerdo', 'ja graag', 'akkoord', 'doe maar', 'stel het voor'])('is %s', (text) => {
    expect(readYesNo(text)).toBe('yes');
  });

  it.each(['yes, but 2 TB', 'yes if it is cheaper', 'do not propose it', 'propose it without asking legal', 'ja, aber in Deutschland', 'nicht vorschlagen', 'oui mais moins cher', 'ne propose pas', 'sì ma in Francia', 'no lo propongas', 'ja maar in Duitsland', 'stel het niet voor', 'yes 5', 'is it ok?', 'who says yes', 'yes no', 'sign it', 'yes, sign it', '', '1', '👍', 'yes '.repeat(20)])('is not %s', (text) => {
    expect(readYesNo(text)).not.toBe('yes');
  });

  it.each(['no', 'nope', 'not now', 'nein', 'noch nicht', 'non', 'pas encore', 'nee', 'nog niet', 'todavía no', 'non ancora'])('is a no: %s', (text) => {
    expect(readYesNo(text)).toBe('no');
  });

  it.each(['propose it?', 'correct?', 'right?', 'ok?', 'sure?', 'do it？', 'ja?', '¿vale', 'oui ?'])('is not asked: %s', (text) => {
    expect(readYesNo(text)).toBeUndefined();
  });

  it.each(["don't propose it", 'never propose that', 'please do not submit it', 'schlag es nicht vor', 'nicht vorschlagen', 'ne le propose pas', 'ne propose jamais', 'non proporlo', 'non proporre mai', 'no lo propongas', 'stel het niet voor', 'nooit voorstellen'])('is a no to proposing: %s', (text) => {
    expect(readYesNo(text)).toBe('no');
  });

  it('never throws, and no text with a digit is one', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.nat(), (text, n) => {
      expect(['yes', 'no', undefined]).toContain(readYesNo(text));
      expect(readYesNo(`${text} ${n}`)).not.toBe('yes');
    }));
  });
});

describe('acts', () => {
  it.each([
    ['list my contracts', 'list'], ['zeig mir meine Verträge', 'list'], ['show me my contracts please', 'list'], ['quels contrats', 'list'], ['¿qué tengo?', 'list'],
    ['ok, and who must sign?', 'signers'], ['wer muss das unterschreiben?', 'signers'], ['how is my archive?', 'status'], ['läuft es schon?', 'status'], ['ça tourne ?', 'status'], ['a che punto è?', 'status'],
    ['why 10 workloads?', 'why'], ['woher kommen 255 TB?', 'why'], ["d'où viennent 255 To ?", 'why'], ['¿por qué 3840 EUR?', 'why'], ['wait until it runs', 'follow'], ['sag Bescheid, wenn es läuft', 'follow'],
  ] as const)('%s begins as %s', (text, name) => {
    expect(begins(text, name)).toBe(true);
  });

  it('are not read out of the middle of a request', () => {
    const request = 'I need an archive of 2 TB for my contracts, and tell me why';
    for (const name of ['list', 'why', 'status', 'follow', 'withdraw'] as const) expect(begins(request, name)).toBe(false);
    expect(says('something cheaper please', 'cheaper')).toBe(true);
  });

  it('decide only where something is to be decided', () => {
    const at = (draft: object | undefined) => ({ id: 'x', messages: [], contract: undefined, draft: draft as never });
    expect(isDecision({ text: 'yes', conversation: at(undefined) })).toBe(false);
    expect(isDecision({ text: 'yes', conversation: at({ blueprint: 'a', parameters: {}, plan: 'p' }) })).toBe(true);
    expect(isDecision({ text: 'please propose it now to everybody', conversation: at({ blueprint: 'a', parameters: {}, plan: 'p' }) })).toBe(true);
    expect(isDecision({ text: 'withdraw it', conversation: at(undefined) })).toBe(true);
    expect(isDecision({ text: 'forget it', conversation: at(undefined) })).toBe(true);
    expect(isDecision({ text: 'DE', conversation: at({ blueprint: 'a', parameters: {}, variants: [{ label: 'DE', change: {} }] }) })).toBe(true);
    expect(isWithdrawal('zieh den Vorschlag zurück')).toBe(true);
    expect(isWithdrawal('an archive to withdraw old backups from')).toBe(false);
    for (const text of ['retire la Hongrie', 'retire 100 GB', 'Zieh das Archiv nach Österreich um', 'ritira 2 TB', 'trek het naar Duitsland']) expect([text, isDecision({ text, conversation: at({ blueprint: 'a', parameters: {}, plan: 'p' }) })]).toEqual([text, false]);
  });

  it.each(['withdraw', 'please withdraw my proposal', 'take it back', 'withdraw 1a2b3c4d', 'zieh das zurück', 'ziehe meinen Vorschlag zurück', 'retire la proposition', 'retire 1a2b3c4d', 'ritira la proposta', 'retira mi propuesta', 'trek het voorstel in'])('withdraw: %s', (text) => {
    expect(isWithdrawal(text)).toBe(true);
  });

  it.each(['withdraw 100 GB', 'withdraw it?', 'do not withdraw it', 'no retirar', 'non ritirare', 'retire la Hongrie', 'ritira 2 TB', 'zieh um', 'take it back to 2 TB', 'nicht zurückziehen'])('do not withdraw: %s', (text) => {
    expect(isWithdrawal(text, ['archive', 'Hongrie'])).toBe(false);
  });

  it('withdraw a kind at once only where the verb is clear', () => {
    expect([isWithdrawal('withdraw my archive', ['archive']), isWithdrawal('retire mon archive', ['archive'])]).toEqual([true, false]);
    expect([maybeWithdrawal('retire mon archive', ['archive']), maybeWithdrawal('retire la Hongrie', ['archive']), maybeWithdrawal('withdraw 100 GB')]).toEqual([true, false, true]);
  });

  it('have phrases as they are compared: without accents, case and signs, and none of yes is one of no', () => {
    for (const [name, list] of Object.entries(PHRASES)) for (const phrase of list.split('|')) expect([name, phrase, /^[a-z0-9]+( [a-z0-9]+)*$/.test(phrase)]).toEqual([name, phrase, true]);
    const no = new Set<string>(PHRASES.no.split('|'));
    expect(PHRASES.yes.split('|').filter((phrase) => no.has(phrase))).toEqual([]);
    for (const name of Object.keys(PHRASES) as PhraseName[]) expect(isOnly(PHRASES[name].split('|')[0] ?? '', name)).toBe(true);
  });
});

describe('the language of a conversation', () => {
  const before = (...texts: string[]) => ({ messages: texts.map((text) => ({ from: 'person' as const, text, time: '' })) });
  it('is not told by the letters of an id', () => {
    for (const id of ['4e0a1d9e3d5e', '9a1e2a3e4a5e', '1d2d3d4d5d6d']) expect(languageOf({ messages: [] }, `wait until ${id} runs`)).toBe('en');
  });

  it.each([
    ['give me an archive in Switzerland', 'en'], ['Ich brauche ein Archiv', 'de'], ['je veux une archive', 'fr'], ['dammi un archivio in Svizzera', 'it'], ['necesito un archivo en Suiza', 'es'], ['ik wil een archief', 'nl'], ['1 PB', 'en'], ['', 'en'],
    // What several languages have, and codes of countries, tell of none of them.
    ['archive of 20 TB in CH', 'en'], ['container of redis:7 in CH', 'en'], ['website in DE', 'en'], ['archive 20 TB in CH', 'en'], ['kubernetes 3 workers DE', 'en'], ['database 5 GB ES', 'en'], ['UN ARCHIVIO DA 10 GB', 'it'], ['ja', 'de'], ['archivio 10 GB IT', 'it'], ['Archiv 3 TB', 'de'],
  ] as const)('of %s is %s', (text, language) => {
    expect(languageOf(before(), text)).toBe(language);
  });

  it('stays with short answers, and changes with a clear sentence', () => {
    expect(languageOf(before('Ich brauche ein Archiv in der Schweiz'), 'ok, 2 PB')).toBe('de');
    expect(languageOf(before('Ich brauche ein Archiv in der Schweiz', '2 PB'), 'no')).toBe('de');
    expect(languageOf(before('Ich brauche ein Archiv'), 'please give me the plan in English')).toBe('en');
    expect(languageOf(before('je veux une archive de 1 TB en Suisse'), 'un archivio da 10 GB')).toBe('it');
    expect(languageOf(before('je veux une archive de 1 TB en Suisse'), 'website')).toBe('fr');
  });
});
