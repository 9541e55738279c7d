import { describe, expect, it } from 'vitest';
import { findLiterals, findQuotes } from './literals.ts';
import { Request } from './tokens.ts';

describe('literals', () => {
  it.each<[string, string[]]>([
    ['run redis:7.2 and nginx:latest', ['image redis:7.2', 'image nginx:latest']],
    ['ghcr.io/acme/shop:2.1, quay.io/a/b, acme/portal:9', ['image ghcr.io/acme/shop:2.1', 'image quay.io/a/b', 'image acme/portal:9']],
    ['registry.acme.io:5000/web:dev.', ['image registry.acme.io:5000/web:dev']],
    ['Image: perl:5.40', ['image perl:5.40']],
    ['from https://github.com/jo/bakery.git, and s3://lab/images.', ['location https://github.com/jo/bakery.git', 'location s3://lab/images']],
    ['git@github.com:studio/vetrina.git per', ['location git@github.com:studio/vetrina.git']],
    ['(/data/climat) ./site ~/x', ['location /data/climat', 'location ./site', 'location ~/x']],
    ['MODE=cluster et TZ=Europe/Berlin', ['pair MODE=cluster', 'pair TZ=Europe/Berlin']],
    ['anna@firma.de, +49 171 1234567, 12.03.2026, 14:30, 4%, 14th, 24/7, #88213, OPS-4711', ['noise anna@firma.de', 'noise +49 171 1234567', 'noise 12.03.2026', 'noise 14:30', 'noise 4%', 'noise 14th', 'noise 24/7', 'noise #88213', 'noise OPS-4711']],
    ['port:8080 name:shop budget:500', []],
    ['4c/8GB each, 1.500 GB, 2.5 TB, key/value, 16+4', []],
  ])('%s', (text, expected) => {
    expect(findLiterals(text).map(({ kind, text: said }) => `${kind} ${said}`)).toEqual(expected);
    for (const { start, end, text: said } of findLiterals(text)) expect(text.slice(start, end)).toBe(said);
  });

  it('hides them from other readers', () => {
    const request = new Request('nginx:1.27 with 2 cores');
    expect(request.tokens.filter((_, at) => request.free(at)).map(({ raw }) => raw)).toEqual(['with', '2', 'cores']);
  });

  it.each<[string, string[]]>([
    ['call it "tax-2026" now', ['tax-2026']],
    ['Conteneur « cache-nord » ici', ['cache-nord']],
    ['Befehl „python a.py“, `make all`', ['python a.py', 'make all']],
    ["Bob's archive, nell'immagine d'un", []],
    ["called 'ledger', it's mine", ['ledger']],
    ['an open " quote', []],
  ])('quotes: %s', (text, expected) => {
    expect(findQuotes(text).map((quote) => quote.text)).toEqual(expected);
  });
});
