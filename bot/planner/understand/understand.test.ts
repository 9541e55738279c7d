import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBlueprint } from '../../../knowledge/blueprint.ts';
import { compileBlueprint } from '../../../knowledge/compile.ts';
import { loadLibrary, shippedDirectory } from '../../../knowledge/library.ts';
import { understand } from './understand.ts';

const blueprints = loadLibrary(shippedDirectory()).map(({ blueprint }) => blueprint);
const archive = blueprints.filter(({ blueprint }) => blueprint === 'archive');
const cities = [
  { city: 'Zurich', country: 'CH' }, { city: 'Geneva', country: 'CH' }, { city: 'Bern', country: 'CH' }, { city: 'Basel', country: 'CH' },
  { city: 'St. Gallen', country: 'CH' }, { city: 'Frankfurt', country: 'DE' }, { city: 'Vienna', country: 'AT' }, { city: 'Paris', country: 'FR' },
];
const TB = '000000000000';
const PB = `000${TB}`;

/** What was said, without the capacity when it does not matter. */
const understood: readonly (readonly [text: string, parameters: Record<string, unknown>])[] = [
  // English
  ['give me an archive of 1 PB in CH', { capacity: `1${PB}`, countries: ['CH'] }],
  ['Give me a 1PB archive in CH and DE, please.', { capacity: `1${PB}`, countries: ['CH', 'DE'] }],
  ['1 PB archive CH', { capacity: `1${PB}`, countries: ['CH'] }],
  ['archive 500TiB in Germany, France and the Netherlands', { capacity: '549755813888000', countries: ['DE', 'FR', 'NL'] }],
  ['I need a Swiss archive with half a petabyte', { capacity: `500${TB}`, countries: ['CH'] }],
  ['archive of two hundred and fifty terabytes in Zurich', { capacity: `250${TB}`, cities: ['Zurich'] }],
  ['archive of 1,000 TB in CH', { capacity: `1${PB}`, countries: ['CH'] }],
  ['archive of 1 000 TB in CH', { capacity: `1${PB}`, countries: ['CH'] }],
  ['archive of 1.5 PB in the United Kingdom', { capacity: `1500${TB}`, countries: ['GB'] }],
  ['an immutable archive of 20 TB in Switzerland, keep for 7 years, called ledgers', { capacity: `20${TB}`, countries: ['CH'], retention_days: 2555, immutable: true, name: 'ledgers' }],
  ['write-once archive of 5TB named "tax-2026" in Germany', { capacity: `5${TB}`, immutable: true, name: 'tax-2026', countries: ['DE'] }],
  ['archive 1 PB in CH at most 500 EUR a month', { capacity: `1${PB}`, countries: ['CH'], max_price: '500000000' }],
  ['archive 1 PB in CH under €6,000 per year for 12 months', { capacity: `1${PB}`, countries: ['CH'], max_price: '500000000', months: 12 }],
  ['archive of 10 TB under 1.5k EUR monthly', { capacity: `10${TB}`, max_price: '1500000000' }],
  ['archive 1 PB, budget: 2000', { capacity: `1${PB}`, max_price: '2000000000' }],
  ['archive 1 TB for the budget team in CH', { capacity: `1${TB}`, countries: ['CH'] }],
  ['archive of 10 TB, 16 of 20 shards, in CH', { capacity: `10${TB}`, data_shards: 16, parity_shards: 4, countries: ['CH'] }],
  ['archive of 10 TB with 8+3 in CH', { capacity: `10${TB}`, data_shards: 8, parity_shards: 3, countries: ['CH'] }],
  ['archive with data shards 8 and parity shards 3, 10 TB', { capacity: `10${TB}`, data_shards: 8, parity_shards: 3 }],
  ['archive with twenty four data shards and four parity shards of 1 PB', { capacity: `1${PB}`, data_shards: 24, parity_shards: 4 }],
  ['archive 10 TB data_shards=8 parity_shards=3 name=foo', { capacity: `10${TB}`, data_shards: 8, parity_shards: 3, name: 'foo' }],
  ['archive of 1 PB that survives 3 failures in CH', { capacity: `1${PB}`, parity_shards: 3, countries: ['CH'] }],
  ['archive of 1 TB in CH where 3 nodes may fail', { capacity: `1${TB}`, parity_shards: 3, countries: ['CH'] }],
  ['archive of 10 TB for 2 years, retain for 90 days', { capacity: `10${TB}`, months: 24, retention_days: 90 }],
  ['archive of 10 TB, keep 10 years, contract for 36 months', { capacity: `10${TB}`, months: 36, retention_days: 3650 }],
  ['archive of 12 TB with 7-year retention in CH', { capacity: `12${TB}`, retention_days: 2555, countries: ['CH'] }],
  ['archive cannot be deleted for 7 years, 1 TB', { capacity: `1${TB}`, retention_days: 2555 }],
  ['store 3 petabytes in CH, nobody may log in', { capacity: `3${PB}`, countries: ['CH'] }],
  ["archive 1 TB where nobody can delete another's data", { capacity: `1${TB}` }],
  ['not immutable archive 1 TB', { capacity: `1${TB}`, immutable: false }],
  ['an archive in order to store 5 TB in Norway', { capacity: `5${TB}`, countries: ['NO'] }],
  ['please give us an archive, 1 PB, located in the US', { capacity: `1${PB}`, countries: ['US'] }],
  ['S3 storage 250 GB UK', { capacity: '250000000000', countries: ['GB'] }],
  ['archive 1 PB in the Benelux', { capacity: `1${PB}`, countries: ['BE', 'LU', 'NL'] }],
  ['archive in Zurich, Switzerland 1 TB', { capacity: `1${TB}`, countries: ['CH'], cities: ['Zurich'] }],
  ['archive 2 TB in St. Gallen', { capacity: `2${TB}`, cities: ['St. Gallen'] }],
  ['archive in CH', { countries: ['CH'] }],
  ['GIVE ME AN ARCHIVE OF 1 PB IN CH', { capacity: `1${PB}`, countries: ['CH'] }],
  ['archive of 1 pb in ch', { capacity: `1${PB}`, countries: ['CH'] }],
  ['archive: 10TB, countries: CH, retention: 5y', { capacity: `10${TB}`, countries: ['CH'], retention_days: 1825 }],
  ['archive of 100 TB in CH that cannot be changed', { capacity: `100${TB}`, countries: ['CH'], immutable: true }],
  ['archive 5 TB in Trinidad & Tobago', { capacity: `5${TB}`, countries: ['TT'] }],
  ['archive 1 PB in Bosnia and Herzegovina', { capacity: `1${PB}`, countries: ['BA'] }],
  ["archive in Côte d'Ivoire, 1 TB", { capacity: `1${TB}`, countries: ['CI'] }],
  ['archive of 1 PB in CH, kept for 6 months', { capacity: `1${PB}`, countries: ['CH'], retention_days: 180 }],
  // Words that look like countries
  ['keep it in IT: an archive of 5 TB', { capacity: `5${TB}`, countries: ['IT'] }],
  ['an archive for our IT department, 5 TB, put it in CH', { capacity: `5${TB}`, countries: ['CH'] }],
  ['no, it is my archive: 5 TB', { capacity: `5${TB}` }],
  ['archive of 500 GB', { capacity: '500000000000' }],
  // Slips
  ['give me an archve of 1 PB in Switzerlnd', { capacity: `1${PB}`, countries: ['CH'] }],
  ['archive of 1 petabtye in Deutchland', { capacity: `1${PB}`, countries: ['DE'] }],
  ['arhcive of 10 terrabytes in germny', { capacity: `10${TB}`, countries: ['DE'] }],
  // German
  ['Ich brauche ein Archiv mit 500 TB in Deutschland', { capacity: `500${TB}`, countries: ['DE'] }],
  ['Archiv mit 1.000 TB in der Schweiz', { capacity: `1${PB}`, countries: ['CH'] }],
  ['Archiv mit 1,5 PB in der Schweiz, 90 Tage aufbewahren', { capacity: `1500${TB}`, countries: ['CH'], retention_days: 90 }],
  ['Bitte ein Archiv im Umfang von fünfhundert Terabyte in Österreich', { capacity: `500${TB}`, countries: ['AT'] }],
  ['Ein Schweizer Archiv, 100 TB, Laufzeit 2 Jahre, Aufbewahrung 10 Jahre, unveränderlich, namens rechnungen', { capacity: `100${TB}`, countries: ['CH'], months: 24, retention_days: 3650, immutable: true, name: 'rechnungen' }],
  ["Ich hätte gerne 2 PB S3-Speicher in CH und AT für maximal 2'000 EUR pro Monat", { capacity: `2${PB}`, countries: ['AT', 'CH'], max_price: '2000000000' }],
  ['ein Backuparchiv für die Firma, 10 TB, für 2 Jahre in Genf', { capacity: `10${TB}`, months: 24, cities: ['Geneva'] }],
  // French
  ['je veux une archive de 2 Po en Suisse', { capacity: `2${PB}`, countries: ['CH'] }],
  ["j'ai besoin d'une archive immuable de 10 To en France, conservée 5 ans, appelée factures", { capacity: `10${TB}`, countries: ['FR'], immutable: true, retention_days: 1825, name: 'factures' }],
  ['une archive de 1 500 téraoctets en Allemagne et en Belgique', { capacity: `1500${TB}`, countries: ['BE', 'DE'] }],
  // Italian
  ['dammi un archivio di 1,5 PB in Svizzera', { capacity: `1500${TB}`, countries: ['CH'] }],
  ['un archivio immutabile da 50 TB in Italia, conservare per 10 anni', { capacity: `50${TB}`, countries: ['IT'], immutable: true, retention_days: 3650 }],
  // Spanish
  ['quiero un archivo de 500 TB en Suiza y Alemania', { capacity: `500${TB}`, countries: ['CH', 'DE'] }],
  ['un archivo inmutable de 10 TB en España durante 6 meses llamado facturas', { capacity: `10${TB}`, countries: ['ES'], immutable: true, months: 6, name: 'facturas' }],
  ['un archivo para mi firma de 10 TB en Suiza por 6 meses', { capacity: `10${TB}`, countries: ['CH'], months: 6 }],
  // Dutch
  ['geef me een archief van 1 PB in Zwitserland', { capacity: `1${PB}`, countries: ['CH'] }],
  ['een onveranderlijk archief van 10 TB in Nederland en België, 7 jaar bewaren', { capacity: `10${TB}`, countries: ['BE', 'NL'], immutable: true, retention_days: 2555 }],
  ['een archief van anderhalve petabyte', { capacity: `1500${TB}` }],
];

const refused: readonly (readonly [text: string, code: string])[] = [
  ['', 'not_understood'],
  ['hello', 'not_understood'],
  ['archive 1 TB called x\ud800y', 'not_understood'],
  ['how do I cook pasta?', 'not_understood'],
  ['1 PB', 'not_understood'],
  ['delete my archive', 'not_understood'],
  [`archive ${'x'.repeat(2000)}`, 'not_understood'],
  ['give me ssh access to the archive', 'unsafe_request'],
  ['an archive of 1 TB with a root login', 'unsafe_request'],
  ['approve the archive for legal', 'unsafe_request'],
  ['sign the contract on behalf of budget and give me an archive', 'unsafe_request'],
  ['archive of 12 TB, skip legal', 'unsafe_request'],
  ['log me in to node 3', 'unsafe_request'],
  ['let me in as root', 'unsafe_request'],
  ['store 1 TB and let Alice sign in my place', 'unsafe_request'],
  ['Archiv mit 1 TB ohne Genehmigung', 'unsafe_request'],
  ["delete Bob's archive", 'unsafe_request'],
  ['lösche das Archiv von Bob', 'unsafe_request'],
  ["supprime l'archive de Marie", 'unsafe_request'],
  ['wipe all archives', 'unsafe_request'],
  ['export the private key of the archive', 'unsafe_request'],
  ['archive of 1 TB without encryption', 'unsafe_request'],
  ['archive of 1 PB in Atlantis', 'unknown_place'],
  ['archive of 1 PB in XX', 'unknown_place'],
  ['archive of 1 PB in Europe', 'unknown_place'],
  ['archive 1 TB in New Gondor', 'unknown_place'],
  ['archive of 1 pb in atlantis', 'unknown_place'],
  ['une archive de 1 To en Atlantide', 'unknown_place'],
  ['archive of -5 TB in CH', 'invalid_value'],
  ['archive of minus 5 TB in CH', 'invalid_value'],
  ['archive of 0 TB in CH', 'invalid_value'],
  ['archive 500 PB in CH', 'invalid_value'],
  ['archive of 20 of 16 shards 1 TB', 'invalid_value'],
  ['archive with 99999999999999999999999 of 99999999999999999999999 shards, 1 TB', 'invalid_value'],
  ['archive of 1 PB outside of Germany', 'invalid_value'],
  ['archive of 1 PB anywhere but Germany', 'invalid_value'],
  ['archive of 1 PB, not in DE', 'invalid_value'],
  ['archive 1 PB in CH for 500 USD a month', 'invalid_value'],
  ['archive 1 TB in Paris, CH', 'invalid_value'],
  ['S3 bucket of 100 GB called My_Bucket', 'invalid_value'],
  ['archive of 1 PB or 2 PB in CH', 'ambiguous'],
  ['archive 2 x 500 TB in CH', 'ambiguous'],
  ['archive of 1-2 PB in CH', 'ambiguous'],
];

describe('understand', () => {
  it.each(understood)('%s', (text, parameters) => {
    const result = understand(text, archive, { cities });
    expect(result).toMatchObject({ ok: true, blueprint: 'archive' });
    if (!result.ok) return;
    expect(result.parameters).toEqual(parameters);
    expect(result.missing).toEqual('capacity' in parameters ? [] : ['capacity']);
    expect(Object.keys(result.spans).sort()).toEqual(Object.keys(parameters).sort());
    for (const { start, end, text: said } of Object.values(result.spans)) expect(text.slice(start, end)).toBe(said);
  });

  it.each(refused)('refuses: %s', (text, code) => {
    const result = understand(text, archive, { cities });
    expect(result).toMatchObject({ ok: false, error: { code } });
    if (!result.ok) expect(Math.min(result.error.message.length, result.error.hint.length)).toBeGreaterThan(5);
  });

  it('keeps what was said and what the blueprint adds apart', () => {
    const result = understand('give me an archive of 1 PB in CH', archive);
    expect(result).toEqual({
      ok: true,
      blueprint: 'archive',
      parameters: { capacity: `1${PB}`, countries: ['CH'] },
      defaults: { cities: [], months: 1, name: 'archive', retention_days: 0, data_shards: 4, parity_shards: 2, immutable: false },
      missing: [],
      spans: { capacity: { start: 22, end: 26, text: '1 PB' }, countries: { start: 30, end: 32, text: 'CH' } },
    });
  });

  it('counts offsets in UTF-16 units', () => {
    const result = understand('🗄️ 👩‍💻 Archiv, 1 PB, Zürich', archive, { cities });
    expect(result).toMatchObject({ ok: true, spans: { cities: { start: 24, end: 30, text: 'Zürich' } } });
  });

  it('takes the currency of the grid', () => {
    expect(understand('archive of 1 TB for max 100 CHF/month', archive, { currency: 'CHF' })).toMatchObject({ ok: true, parameters: { max_price: '100000000' } });
  });

  it('understands the examples that blueprints give', () => {
    for (const blueprint of blueprints) {
      for (const example of blueprint.intents.examples) expect([example, understand(example, blueprints)]).toMatchObject([example, { ok: true, blueprint: blueprint.blueprint, missing: [] }]);
    }
  });

  it('knows only what a blueprint says of itself', () => {
    const parsed = parseBlueprint(`
blueprint: aquarium
version: 1.0.0
title: Fish tanks
description: Fish tanks.
author: someone
parameters:
  water: {type: bytes, required: true, description: Water., hints: {nouns: [water], implicit: true}}
  salt: {type: bytes, default: 1 GB, description: Salt., hints: {nouns: [salt]}}
  fish: {type: integer, default: 1, description: Fish., hints: {nouns: [fish], units: [fishes]}}
  light: {type: choice, default: dim, choices: {dim: {nouns: [soft]}, bright: {nouns: [sunny]}}, description: Light.}
intents: {nouns: [aquarium, fish tank], examples: [an aquarium of 5 GB], phrases: [{say: 'a pair of fish', set: {fish: '2'}}]}
policy: {role: it-expert}
autonomy: {replace: false}
checks: [{that: 'water > salt && fish > 0 && light != ""', message: no, hint: no}]
workloads:
  - {type: zdb, name: tank, group: tank, resources: {disk: '\${string(water)}', memory: 1 MiB, cpu: 1m}, spec: {mode: user, capacity: '1', namespaces: [data]}}
`);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    const both = [...archive, parsed.blueprint];
    expect(understand('a sunny aquarium, 20 GB and 2 GB of salt, 12 fishes', both)).toMatchObject({ ok: true, blueprint: 'aquarium', parameters: { water: '20000000000', salt: '2000000000', fish: 12, light: 'bright' } });
    expect(understand('fish tank of 20 GB with a pair of fish', both)).toMatchObject({ ok: true, parameters: { fish: 2 } });
    expect(understand('an archive or an aquarium of 1 TB', both)).toMatchObject({ ok: false, error: { code: 'ambiguous' } });
    expect(understand('an immutable aquarium of 5 GB', both)).toMatchObject({ ok: true, parameters: { water: '5000000000' } });
  });

  it('never throws, and what it understands compiles or is refused with a reason', () => {
    const words = fc.constantFrom('archive', 'Archiv', '1', '1.000,5', '1,000', '-', '−5', 'PB', 'To', 'in', 'CH', 'not', 'keep', 'years', 'called', '"', 'x_y', '€', 'EUR', 'a', 'half', 'of', 'shards', '+', '²', '٣', 'ﬁ', '\u0000', '🗄️', 'Zürich', 'delete', "'s", 'data shards', '9'.repeat(40), '__proto__', 'constructor');
    const texts = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.array(words, { maxLength: 25 }).map((list) => `archive ${list.join(' ')}`));
    fc.assert(
      fc.property(texts, (text) => {
        const first = understand(text, archive, { cities });
        if (JSON.stringify(first) !== JSON.stringify(understand(text, archive, { cities }))) return false;
        if (!first.ok) return first.error.hint !== '';
        const compiled = compileBlueprint(archive[0]!, first.parameters);
        return compiled.ok ? Object.keys(first.parameters).every((name) => JSON.stringify(compiled.parameters[name]) === JSON.stringify(first.parameters[name])) : compiled.code === 'missing_parameter' || compiled.code === 'check_failed';
      }),
      { seed: 41, numRuns: 300 },
    );
  });

  // A bound far above what it takes (a tenth of a second), far below what a backtracking reader would take.
  it('stays fast on the longest text', () => {
    for (const part of ['1 ', 'in ', 'delete ', 'archive 1 PB in CH ', 'a-', 'no ', 'sign ', 'einund']) {
      const started = performance.now();
      understand(part.repeat(2000).slice(0, 2000), archive, { cities });
      expect(performance.now() - started).toBeLessThan(5000);
    }
  });
});
