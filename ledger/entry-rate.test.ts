import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { EntryRate, sourceOf } from './entry-rate.ts';
import { newGrid, removeTemporaryFolders, temporaryFolder } from './grid.fixture.ts';
import { LedgerClient } from './client.ts';
import { serveLedger, type ServedLedger } from './serve.ts';

const served: ServedLedger[] = [];
afterEach(async () => { for (const ledger of served.splice(0)) await ledger.close(); });
afterAll(removeTemporaryFolders);

describe('the rate of entries from one address', () => {
  it('is a burst at once and so many a second after that, for each address alone', () => {
    let now = 0;
    const rate = new EntryRate({ perSecond: 100, burst: 200, now: () => now });
    expect(rate.refuse('192.0.2.1', 200)).toBeUndefined();
    expect(rate.refuse('192.0.2.1', 1)).toMatchObject({ ok: false, code: 'busy', hint: expect.any(String) as string });
    expect(rate.refuse('192.0.2.2', 200)).toBeUndefined();
    now += 1000;
    expect(rate.refuse('192.0.2.1', 101)).toMatchObject({ code: 'busy' });
    expect(rate.refuse('192.0.2.1', 100)).toBeUndefined();
  });

  it('forgets the quietest of too many addresses, never the busy ones', () => {
    const rate = new EntryRate({ perSecond: 1, burst: 10, now: () => 0 });
    expect(rate.refuse('192.0.2.1', 10)).toBeUndefined();
    for (let i = 0; i < 10_000; i++) {
      rate.refuse(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 1);
      if (i % 1000 === 0) expect(rate.refuse('192.0.2.1', 1)).toMatchObject({ code: 'busy' });
    }
  });

  it.each([
    ['127.0.0.1', '127.0.0.1'], ['::ffff:192.0.2.7', '192.0.2.7'], ['::1', '0:0:0:0::/64'], ['2001:db8:0:7::1', '2001:db8:0:7::/64'],
    ['2001:db8::5:0:0:1', '2001:db8:0:0::/64'], ['2001:0db8:0000:0007:1:2:3:4', '2001:db8:0:7::/64'], ['fe80::1%eth0', 'fe80:0:0:0::/64'], ['::', '0:0:0:0::/64'], ['', ''],
  ])('counts %s as %s', (address, source) => {
    expect(sourceOf(address)).toBe(source);
  });

  it('is answered 429 over HTTP, and the client waits', async () => {
    const grid = newGrid();
    const ledger = await serveLedger({ dir: temporaryFolder(), signer: grid.signer, tickAfterMs: 1e9, entryRate: { perSecond: 20, burst: 10 } });
    served.push(ledger);
    const body = JSON.stringify({ envelopes: [grid.genesis, ...Array.from({ length: 9 }, () => null)] });
    const post = (): Promise<Response> => fetch(`${ledger.url}/v1/entries`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    expect((await post()).status).toBe(200);
    const refused = await post();
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({ ok: false, error: { code: 'busy', hint: expect.any(String) as string } });
    const client = new LedgerClient(ledger.url);
    expect(await client.submit([grid.genesis, grid.principal('patient')], {})).toMatchObject([{ ok: true, duplicate: true }, { ok: true, seq: 1 }]);
    client.close();
  });
});
