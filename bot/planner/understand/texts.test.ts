import { describe, expect, it } from 'vitest';
import { findMentions, lexiconOf } from './hints.ts';
import { readImages } from './images.ts';
import { shipped } from './library.fixture.ts';
import { Request } from './tokens.ts';
import { understand, understandFor } from './understand.ts';

/** What one blueprint makes of a text. */
function said(blueprint: string, text: string): Record<string, unknown> {
  const result = understandFor(text, shipped(blueprint));
  return result.ok ? { ...result.parameters } : { refused: result.error.code };
}

describe('images', () => {
  it.each<[string, string[]]>([
    ['one container from the image memcached', ['memcached']], ['the nginx image', ['nginx']], ['run Grafana in a container', ['grafana']], ['acme/shop as a container', ['acme/shop']], ['an and/or container', []],
    ['Image: perl:5.40', ['perl:5.40']], ["l'immagine mongo:7.0", ['mongo:7.0']], ['la imagen nginx', ['nginx']], ['met image caddy:2', ['caddy:2']], ["l'image ghcr.io/acme/x@sha256:" + 'a'.repeat(64), ['ghcr.io/acme/x@sha256:' + 'a'.repeat(64)]],
  ])('%s', (text, expected) => {
    const request = new Request(text);
    const nouns = findMentions(request, lexiconOf(shipped('container'))).filter(({ meanings }) => meanings.some(({ parameter }) => parameter === 'image'));
    expect(readImages(request, nouns).map((image) => image.text)).toEqual(expected);
  });

  it('takes the later of two where it takes the first back', () => {
    expect(said('container', 'postgres:16? no, rather mariadb:11')).toMatchObject({ image: 'mariadb:11' });
    expect(said('container', 'postgres:16 and mariadb:11')).toEqual({ refused: 'ambiguous' });
  });

  it.each([`nginx:1.27@sha256:${'a'.repeat(63)}`, 'the image nginxCustom:1.2', 'ghcr.io/Acme/Shop:2.1'])('cuts none to what would be one: %s', (text) => {
    expect(said('container', `container from ${text}`)).toEqual({ refused: 'invalid_value' });
  });
});

describe('names', () => {
  it.each<[string, string]>([
    ['call it ledgers', 'ledgers'], ['under the name atelier', 'atelier'], ['It should be named sessions.', 'sessions'], ['name ping', 'ping'], ['name=vault', 'vault'], ['a database "loans"', 'loans'], ['called tax-2026', 'tax-2026'],
    ['namens lager', 'lager'], ['soll vereinsheim heißen', 'vereinsheim'], ['nenn es keller', 'keller'], ['Name tsv', 'tsv'], ['sous le nom de "marche-bio"', 'marche-bio'], ["qui s'appelle asso-site", 'asso-site'], ['appelle-la panier', 'panier'], ['à nommer coffre', 'coffre'],
    ['di nome "clienti-nord"', 'clienti-nord'], ['il nome sarà "prova"', 'prova'], ['chiamalo clienti', 'clienti'], ['que se llame "pruebas"', 'pruebas'], ['llámala carrito', 'carrito'], ['con el nombre club-web', 'club-web'],
    ['noem het kluis', 'kluis'], ['met de naam boekhouding', 'boekhouding'], ['moet molenzicht heten', 'molenzicht'], ['call it journal, no wait, carnet', 'carnet'], ['called Ledger', 'ledger'],
  ])('%s', (text, name) => {
    expect(said('database', `100 GB database, ${text}`)).toMatchObject({ name });
  });

  it.each(['My boss is called Bert.', 'My name is Anna.', 'Mein Chef heißt Klaus.', 'Mijn dochter heet Sanne.', 'Mi gato se llama Tom.', 'Ho un gatto di nome Micio.', 'sign it in my name'])('names nothing: %s', (text) => {
    expect(Object.keys(said('database', `${text} 100 GB database`))).not.toContain('name');
  });

  it('refuses what can be no name, and says which would do', () => {
    expect(understandFor('100 GB called My_Bucket', shipped('archive'))).toMatchObject({ ok: false, error: { code: 'invalid_value', hint: 'call it my-bucket' } });
  });
});

describe('commands, addresses and variables', () => {
  it.each<[string, Record<string, unknown>]>([
    ['run "python train.py --epochs 5" in pytorch/pytorch:2.3.0 over s3://lab/images', { command: 'python train.py --epochs 5', image: 'pytorch/pytorch:2.3.0', dataset: 's3://lab/images' }],
    ['Führe python analyse.py im Image python:3.13 über /daten/messungen aus', { command: 'python analyse.py', image: 'python:3.13', dataset: '/daten/messungen' }],
    ['image alpine:3.20, command "sh /data/clean.sh", dataset /data', { command: 'sh /data/clean.sh', image: 'alpine:3.20', dataset: '/data' }],
    ['Exécute « Rscript a.R » dans debian:12 sur s3://labo/sismes', { command: 'Rscript a.R', image: 'debian:12', dataset: 's3://labo/sismes' }],
    ['one-off job: make report, image ghcr.io/acme/etl:5', { command: 'make report', image: 'ghcr.io/acme/etl:5' }],
    ['Voer `python tel.py` uit in python:3.12 op /data/x', { command: 'python tel.py', image: 'python:3.12', dataset: '/data/x' }],
  ])('%s', (text, expected) => {
    expect(said('data-job', text)).toEqual(expected);
  });

  it.each<[string, Record<string, string>]>([
    ['MODE=cluster et LOG=debug', { MODE: 'cluster', LOG: 'debug' }], ['with LOG_LEVEL set to debug', { LOG_LEVEL: 'debug' }], ['Variable DEBUG auf true', { DEBUG: 'true' }], ['la variabile POSTGRES_DB impostata a vendite', { POSTGRES_DB: 'vendite' }],
    ['variable TOKEN_MODE con valor test', { TOKEN_MODE: 'test' }], ['variable MODE réglée sur test', { MODE: 'test' }], ['GREETING="hello world"', { GREETING: 'hello world' }],
  ])('%s', (text, env) => {
    expect(said('container', `redis:7, ${text}`)).toMatchObject({ env });
  });

  it('gives a parameter what is said as KEY=value to it', () => {
    expect(understand('archive 10 TB data_shards=8 parity_shards=3 name=foo', [shipped('archive')])).toMatchObject({ ok: true, parameters: { data_shards: 8, parity_shards: 3, name: 'foo' } });
  });
});
