import { describe, expect, it } from 'vitest';
import { shipped } from './library.fixture.ts';
import { understandFor } from './understand.ts';

const network = shipped('private-network');
const app = shipped('web-app');

describe('members', () => {
  it.each<[string, string[]]>([
    ['between laptop, phone and nas', ['laptop', 'nas', 'phone']], ['a VPN for office, warehouse and shop', ['office', 'shop', 'warehouse']], ['joining desktop, pi and router for a year', ['desktop', 'pi', 'router']], ['VPN members: alice, bob', ['alice', 'bob']],
    ['between berlin-office and paris-office... and lyon-office too', ['berlin-office', 'lyon-office', 'paris-office']], ['linking the Berlin office and the Paris office', ['berlin-office', 'paris-office']], ['three machines named red, green and blue', ['blue', 'green', 'red']],
    ['mit den Mitgliedern buero, lager und kasse', ['buero', 'kasse', 'lager']], ['zwischen anna, bernd und clara, anna darf clara erreichen', ['anna', 'bernd', 'clara']], ['entre bureau, atelier et stock, en Suisse', ['atelier', 'bureau', 'stock']], ['reliant portable, serveur et tablette', ['portable', 'serveur', 'tablette']],
    ['tra ufficio, magazzino e portatile', ['magazzino', 'portatile', 'ufficio']], ['para Ana, Luis y Marta', ['ana', 'luis', 'marta']], ['tussen thuis, kantoor en camper', ['camper', 'kantoor', 'thuis']], ['voor oma, opa en mij... nee, oma, opa en tante', ['oma', 'opa', 'tante']],
  ])('%s', (text, members) => {
    expect(understandFor(`VPN ${text}`, network)).toMatchObject({ ok: true, parameters: { members } });
  });
});

describe('flows', () => {
  it.each<[string, string[]]>([
    ['only c may reach a, on port 22', ['c->a:22']], ['b->c:443, a → b', ['a->b', 'b->c:443']], ['a and b may both reach c, but c may reach nobody', ['a->c', 'b->c']], ['Only a may talk to b, nobody else to anyone.', ['a->b']],
    ['a may reach b on port 22, no, on port 2222', ['a->b:2222']], ['a reaches b on 8080 and b reaches c on 5432', ['a->b:8080', 'b->c:5432']], ['everyone may reach c', ['a->c', 'b->c']], ['c should be reachable from a on port 80', ['a->c:80']],
    ['a darf c auf Port 443 erreichen', ['a->c:443']], ['a peut joindre b sur le port 22', ['a->b:22']], ['solo a deve poter raggiungere b', ['a->b']], ['a può raggiungere b sulla porta 22 e c sulla porta 80', ['a->b:22', 'a->c:80']],
    ['solo a puede llegar a b, ningún otro acceso', ['a->b']], ['a mag b bereiken op poort 502', ['a->b:502']], ['a may not reach b', []],
  ])('%s', (text, allow) => {
    // Members of one letter collide with articles: `a` is spelt out.
    const spelt = (words: string): string => words.replace(/\b([abc])\b(?!')/g, (_, letter: string) => ({ a: 'anna', b: 'bert', c: 'cleo' })[letter] ?? letter);
    const result = understandFor(`VPN members: anna, bert, cleo. ${spelt(text).replace('llegar anna', 'llegar a')}`, network);
    expect(result).toMatchObject({ ok: true });
    if (result.ok) expect(result.parameters['allow'] ?? []).toEqual(allow.map(spelt));
  });
});

describe('labels', () => {
  it.each<[string, string]>([
    ['the login-fix branch of our app', 'login-fix'], ['de login-fix-branch van onze webapp', 'login-fix'], ['feature branch dark-mode', 'dark-mode'], ['the invoice-pdf feature: image a/b:1', 'invoice-pdf'], ['den Branch suche-neu', 'suche-neu'], ['la funzione pagamento-rate', 'pagamento-rate'],
    ['la rama pago-nuevo', 'pago-nuevo'], ['la branche correctif-panier', 'correctif-panier'], ['de tak nieuwe-kassa', 'nieuwe-kassa'], ['feature "x2"', 'x2'],
  ])('%s', (text, feature) => {
    expect(understandFor(text, app)).toMatchObject({ ok: true, parameters: { feature } });
  });
});
