import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadGridFile } from './grid-file.ts';

const LOCAL = path.join(import.meta.dirname, '../../grids/local.yaml');

async function changed(from: string, to: string): Promise<{ file: string; result: Awaited<ReturnType<typeof loadGridFile>> }> {
  const text = await readFile(LOCAL, 'utf8');
  expect(text).toContain(from);
  const file = path.join(await mkdtemp(path.join(os.tmpdir(), '3bot-grid-')), 'grid.yaml');
  await writeFile(file, text.replace(from, to));
  return { file, result: await loadGridFile(file) };
}

describe('grid file', () => {
  it('ships a grid of at least ten nodes in six Swiss cities and three abroad, thin and said to be so', async () => {
    const loaded = await loadGridFile(LOCAL);
    if (!loaded.ok) throw new Error(loaded.message);
    const swiss = loaded.grid.nodes.filter((n) => n.country === 'CH');
    expect(swiss.length).toBeGreaterThanOrEqual(10);
    expect(new Set(swiss.map((n) => n.city)).size).toBe(6);
    expect(loaded.grid.nodes.length - swiss.length).toBe(3);
    expect(loaded.grid.defaults).toMatchObject({ thin: true, disk: String(360n * 10n ** 12n), rates: { terabyte: '2500000' } });
  });

  it.each([
    ['grid: local', 'grid: Local Grid', /:3:\d+: grid: expected a DNS label/],
    ['disk: 360 TB', 'disk: a lot', /:13:\d+: defaults\.disk: expected a size such as 360 TB or 64 GiB, got "a lot"/],
    ['terabyte: 2.50 EUR', 'terabyte: 2.50', /:18:\d+: number is not/],
    ['lease_seconds: 20', 'lease_seconds: 1', /:6:\d+: lease_seconds: /],
    ['lease_seconds: 20', 'leese_seconds: 20', /:6:\d+: .*/],
    ['name: zurich-2, country: CH', 'name: zurich-1, country: CH', /nodes\.1\.name: the name zurich-1 is used twice/],
    ['name: bern-1, country: CH', 'name: bern-1, country: Switzerland', /nodes\.6\.country: expected an ISO 3166 alpha-2 country/],
    ['\n  thin: true', '\n  thin: &x true', /:16:\d+: anchors are not allowed/],
    ['gateways:', 'gateways: [', /\d+:\d+: /],
  ])('names line and column: %s -> %s', async (from, to, expected) => {
    const { file, result } = await changed(from, to);
    expect(result).toMatchObject({ ok: false, code: 'grid_file_invalid' });
    expect(result.ok ? '' : result.message).toMatch(expected);
    expect(result.ok ? '' : result.message.startsWith(file)).toBe(true);
  });

  it('refuses a grid without a relay, and a file that is not there', async () => {
    const text = (await readFile(LOCAL, 'utf8')).replaceAll(', relay: true', '');
    const file = path.join(await mkdtemp(path.join(os.tmpdir(), '3bot-grid-')), 'grid.yaml');
    await writeFile(file, text);
    expect(await loadGridFile(file)).toMatchObject({ ok: false, message: expect.stringContaining('no node is a relay') as string });
    expect(await loadGridFile('/nowhere/grid.yaml')).toMatchObject({ ok: false, code: 'grid_file_invalid' });
  });
});
