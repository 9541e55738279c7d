import { describe, expect, it } from 'vitest';
import type { Language } from './language.ts';
import { type Quantity, readQuantities } from './quantities.ts';
import { Request } from './tokens.ts';

function read(text: string, language: Language): Quantity[] {
  return readQuantities(new Request(text), language);
}

describe('sizes', () => {
  it.each<[string, Language, string]>([
    ['500 GB', 'en', '500000000000'], ['1.5TiB', 'en', '1649267441664'], ['half a petabyte', 'en', '500000000000000'], ['three quarters of a terabyte', 'en', '750000000000'], ['one and a half gigs', 'en', '1500000000'], ['a 90-gigabyte volume', 'en', '90000000000'], ['a terabyte and a half', 'en', '1500000000000'], ['20 gigabtyes', 'en', '20000000000'],
    ['1.500 GB', 'de', '1500000000000'], ['eine halbe Million Megabyte', 'de', '500000000000'], ['anderthalb Gigabyte', 'de', '1500000000'], ['zweihundertfünfzig GB', 'de', '250000000000'],
    ['2,5 To', 'fr', '2500000000000'], ['un demi-pétaoctet', 'fr', '500000000000000'], ['trois quarts de téraoctet', 'fr', '750000000000'], ['16 go', 'fr', '16000000000'], ['deux cents gigas', 'fr', '200000000000'],
    ['mezzo terabyte', 'it', '500000000000'], ['un quarto di terabyte', 'it', '250000000000'], ['seicento giga', 'it', '600000000000'],
    ['medio petabyte', 'es', '500000000000000'], ['12 teras', 'es', '12000000000000'], ['trescientos gigas', 'es', '300000000000'],
    ['tweeënhalve terabyte', 'nl', '2500000000000'], ['driekwart terabyte', 'nl', '750000000000'], ['een kwart petabyte', 'nl', '250000000000000'], ['een hele terabyte', 'nl', '1000000000000'],
  ])('%s', (text, language, bytes) => {
    const [size, ...more] = read(text, language).filter(({ kind }) => kind === 'size');
    expect(size?.kind === 'size' ? size.bytes.toString() : undefined).toBe(bytes);
    expect(more).toEqual([]);
  });

  it('knows memory, and what is unclear or no size at all', () => {
    expect(read('8 GB', 'en')).toMatchObject([{ memory: 8n * 2n ** 30n }]);
    expect(read('512 MiB', 'en')).toMatchObject([{ memory: 2n ** 29n, bytes: 2n ** 29n }]);
    expect(read('1-2 PB', 'en').at(-1)).toMatchObject({ kind: 'size', unclear: true });
    expect(read('we make 2 TB a month', 'en').filter(({ kind }) => kind === 'size')).toEqual([]);
    expect(read('not 5 TB but 8 TB', 'en')).toMatchObject([{ bytes: 8_000_000_000_000n }]);
    expect(read('2 GB instead of 1 GB', 'en')).toMatchObject([{ bytes: 2_000_000_000n }]);
    expect(read('au moins 5 To', 'fr')).toMatchObject([{ negative: false }]);
    expect(read('un volume de -5 To', 'fr').at(-1)).toMatchObject({ negative: true });
  });
});

describe('durations', () => {
  it.each<[string, Language, bigint, bigint]>([
    ['7 years', 'en', 2555n, 84n], ['six weeks', 'en', 42n, 2n], ['two quarters', 'en', 180n, 6n], ['a year and a half', 'en', 548n, 18n], ['5y', 'en', 1825n, 60n], ['a quarter', 'en', 90n, 3n],
    ['anderthalb Jahre', 'de', 548n, 18n], ['ein halbes Jahr', 'de', 183n, 6n], ['ein Vierteljahr', 'de', 90n, 3n], ['Zweijahresvertrag', 'de', 730n, 24n], ['fürn Jahr', 'de', 365n, 12n],
    ['un an et demi', 'fr', 548n, 18n], ['dix-huit mois', 'fr', 540n, 18n], ['un trimestre', 'fr', 90n, 3n],
    ['un anno e mezzo', 'it', 548n, 18n], ['diciotto mesi', 'it', 540n, 18n], ['contratto triennale', 'it', 1095n, 36n],
    ['medio año', 'es', 183n, 6n], ['año y medio', 'es', 548n, 18n], ['cinco años', 'es', 1825n, 60n],
    ['anderhalf jaar', 'nl', 548n, 18n], ['een kwartaal', 'nl', 90n, 3n], ['driejarig contract', 'nl', 1095n, 36n],
  ])('%s', (text, language, days, months) => {
    const duration = read(text, language).find(({ kind }) => kind === 'duration');
    expect(duration?.kind === 'duration' ? [(duration.minutes + 1439n) / 1440n, duration.months] : text).toEqual([days, months]);
  });

  it.each<[string, Language]>([['3 years ago', 'en'], ['due in 9 days', 'en'], ['40 minuti di ritardo', 'it'], ['seit 3 Jahren', 'de'], ['il y a 3 ans', 'fr'], ['il est 23 h', 'fr'], ['hace 2 años', 'es'], ['10 jaar geleden', 'nl'], ['he is 7 years old', 'en']])('%s is no length of anything', (text, language) => {
    expect(read(text, language).find(({ kind }) => kind === 'duration')).toMatchObject({ elsewhere: true });
  });
});

describe('money', () => {
  it.each<[string, Language, bigint, string | undefined]>([
    ['500 EUR a month', 'en', 500_000_000n, 'EUR'], ['€6,000 per year', 'en', 500_000_000n, 'EUR'], ['3 euros a day', 'en', 90_000_000n, 'EUR'], ['two euros fifty a month', 'en', 2_500_000n, 'EUR'], ['1.5k EUR monthly', 'en', 1_500_000_000n, 'EUR'], ['55 a month', 'en', 55_000_000n, undefined], ['200 US dollars', 'en', 200_000_000n, 'USD'], ['100 EUR per month in total', 'en', 100_000_000n, 'EUR'],
    ['4,50 € im Monat', 'de', 4_500_000n, 'EUR'], ['hundertachtzig Euro monatlich', 'de', 180_000_000n, 'EUR'], ['80 Schweizer Franken', 'de', 80_000_000n, 'CHF'], ['Jahresbudget 600 €', 'de', 50_000_000n, 'EUR'],
    ['5,50 € par mois', 'fr', 5_500_000n, 'EUR'], ['budget annuel de 1 200 euros', 'fr', 100_000_000n, 'EUR'], ["3.600 euro all'anno", 'it', 300_000_000n, 'EUR'], ['30 euros mensuales', 'es', 30_000_000n, 'EUR'], ['35€/mes', 'es', 35_000_000n, 'EUR'],
    ['een tientje per maand', 'nl', 10_000_000n, 'EUR'], ['60 Britse pond per maand', 'nl', 60_000_000n, 'GBP'], ['per jaar mag het 1200 euro kosten', 'nl', 100_000_000n, 'EUR'],
  ])('%s', (text, language, millionths, currency) => {
    expect(read(text, language).filter(({ kind }) => kind === 'money')).toMatchObject([{ millionths, currency, negative: false, inTotal: false }]);
  });

  it('is not a time', () => {
    expect(read('9 months', 'en').map(({ kind }) => kind)).toEqual(['duration']);
    expect(read('500 EUR in total', 'en')).toMatchObject([{ inTotal: true }]);
  });
});
