import { describe, expect, it } from 'vitest';
import { shipped } from './library.fixture.ts';
import { understandFor } from './understand.ts';

describe('follow-ups', () => {
  it.each<[string, string, Record<string, unknown>]>([
    ['archive', 'no, 2 PB', { capacity: '2000000000000000' }], ['archive', 'and call it ledgers', { name: 'ledgers' }], ['archive', '16 of 20', { data_shards: 16, parity_shards: 4 }], ['archive', 'what if 16 of 20?', { data_shards: 16, parity_shards: 4 }], ['archive', '8+3', { data_shards: 8, parity_shards: 3 }],
    ['archive', 'make it immutable and keep everything for 5 years', { immutable: true, retention_days: 1825 }], ['archive', 'doch lieber 500 GB', { capacity: '500000000000' }], ['archive', 'at most 50 euros', { max_price: '50000000' }], ['archive', 'pendant deux ans', { months: 24 }],
    ['kubernetes', '5 workers with 8 cores', { workers: 5, worker_cpu: 8 }], ['web-app', 'scale it up to 10 replicas', { replicas_max: 10 }], ['container', 'on port 8080 too', { ports: [8080] }],
  ])('%s: %s', (blueprint, text, parameters) => {
    const result = understandFor(text, shipped(blueprint));
    expect(result).toMatchObject({ ok: true, blueprint, removed: [] });
    if (result.ok) expect(result.parameters).toEqual(parameters);
  });

  it.each<[string, string, string, unknown]>([
    ['crm', 'users', 'five', 5], ['crm', 'users', 'etwa zwanzig', 20], ['container', 'image', 'nginx', 'nginx'], ['container', 'image', 'it should be ghcr.io/acme/shop:2.1, please', 'ghcr.io/acme/shop:2.1'], ['archive', 'name', 'shop', 'shop'], ['archive', 'name', 'call it "tax-2026"', 'tax-2026'],
    ['archive', 'capacity', '2 TB', '2000000000000'], ['website', 'source', 'https://acme.org/site.git.', 'https://acme.org/site.git'], ['data-job', 'command', 'python train.py --lr 0.1', 'python train.py --lr 0.1'], ['private-network', 'members', 'laptop, phone and nas', ['laptop', 'nas', 'phone']],
    ['container', 'ports', '80 and 443', [80, 443]], ['archive', 'immutable', 'yes please', true], ['archive', 'immutable', 'nein', false], ['archive', 'retention_days', '90', 90], ['archive', 'max_price', '500', '500000000'], ['web-app', 'feature', 'dark-mode', 'dark-mode'], ['data-job', 'max_hours', '6', 6],
  ])('%s asked for %s: %s', (blueprint, asked, text, value) => {
    expect(understandFor(text, shipped(blueprint), { asked })).toMatchObject({ ok: true, parameters: { [asked]: value } });
  });

  it.each<[string, string, string[]]>([
    ['archive', 'without a name', ['name']], ['archive', 'no budget limit', ['max_price']], ['archive', 'anywhere', ['cities', 'countries']], ['archive', 'egal wo', ['cities', 'countries']], ['archive', 'drop the retention', ['retention_days']], ['web-app', 'sans budget', ['max_price']],
  ])('%s: %s takes back', (blueprint, text, removed) => {
    const result = understandFor(text, shipped(blueprint), { given: { name: 'x', max_price: '1', countries: ['CH'], retention_days: 1 } });
    expect(result).toMatchObject({ ok: true, parameters: {} });
    if (result.ok) expect([...result.removed].sort()).toEqual(removed);
  });

  it('knows what was given: members of flows, countries to leave one out of, what is missing', () => {
    const given = { members: ['db', 'laptop'] };
    expect(understandFor('the laptop may reach db on port 5432', shipped('private-network'), { given })).toMatchObject({ ok: true, parameters: { allow: ['laptop->db:5432'] }, missing: [] });
    expect(understandFor('without Austria', shipped('archive'), { given: { capacity: '1000000000', countries: ['AT', 'CH', 'DE'] } })).toMatchObject({ ok: true, parameters: { countries: ['CH', 'DE'] } });
  });

  it('refuses what is unsafe, and what changes nothing', () => {
    expect(understandFor('give me root access', shipped('archive'))).toMatchObject({ ok: false, error: { code: 'unsafe_request' } });
    expect(understandFor('hmm', shipped('archive'))).toMatchObject({ ok: false, error: { code: 'not_understood' } });
  });
});
