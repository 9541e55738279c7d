import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { request } from 'node:https';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Digest } from '../../contract/digest.ts';
import { type Asked, openClient, REVISIONS, type Revision, type TestClient } from '../mcp/client.fixture.ts';
import { type Grid, ROOT, startGrid, tailsOnFailure } from './grid.fixture.ts';
import { openParties, type Parties, ROLES } from './parties.fixture.ts';

/** Whole sessions of real clients, from a sentence to an endpoint that answers. */

const COMMAND = path.join(ROOT, 'bin', '3bot');

let grid: Grid;
let http: ChildProcess;
let url = '';
let tokens: Record<'read' | 'propose', string>;
let parties: Parties;
let known: string[];
tailsOnFailure(() => grid);

beforeAll(async () => {
  grid = await startGrid();
  http = spawn(COMMAND, ['mcp', '--http', '0', '--json', '--state', grid.state], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (!http.stdout) throw new Error('no standard output');
  for await (const line of createInterface(http.stdout)) {
    const ready = z.object({ url: z.url(), tokens: z.string() }).parse(JSON.parse(line));
    ({ url } = ready);
    expect(statSync(ready.tokens).mode & 0o777).toBe(0o600);
    tokens = z.object({ read: z.string(), propose: z.string() }).parse(JSON.parse(readFileSync(ready.tokens, 'utf8')));
    break;
  }
  parties = await openParties(grid);
  known = await secrets();
}, 300_000);
afterAll(async () => {
  await parties?.close();
  http?.kill('SIGTERM');
  await grid?.stop();
}, 60_000);

const at = (over: 'stdio' | 'http') => (over === 'http' ? { url, token: tokens.propose } : { command: COMMAND, args: ['mcp', '--state', grid.state] });
const digits = (id: string): string => id.slice(7, 19);

/** What must never pass: private keys in every form, what opens keystores, tokens, the credentials of archives. */
async function secrets(): Promise<string[]> {
  const keys = path.join(grid.state, 'keys');
  const unlocks = readdirSync(keys).filter((name) => name.endsWith('.unlock')).map((name) => readFileSync(path.join(keys, name), 'utf8').trim());
  const pems = await Promise.all(ROLES.map((role) => grid.print('key', 'export', role, '--format', 'pkcs8', '--plain', '--force')));
  const forms = pems.flatMap((pem) => {
    const body = pem.split('\n').filter((line) => /^[A-Za-z0-9+/=]{20,}$/.test(line)).join('');
    const seed = Buffer.from(body, 'base64').subarray(-32);
    expect(seed).toHaveLength(32);
    return [body, seed.toString('hex'), seed.toString('base64'), seed.toString('base64url')];
  });
  const archive = await grid.ask('give me an archive of 1 GB in CH, 2 + 1 shards, called canary');
  return [...unlocks, ...forms, ...Object.values(tokens), archive.secretAccessKey];
}

function answers(endpoint: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(endpoint, { ca: readFileSync(grid.ready.ca) }, (response) => { response.resume(); resolve(response.statusCode); }).once('error', reject).end();
  });
}

describe.each(REVISIONS.flatMap((revision) => (['stdio', 'http'] as const).map((over) => ({ revision, over }))))('a session in $revision over $over', ({ revision, over }: { revision: Revision; over: 'stdio' | 'http' }) => {
  const name = `mcp-${over}-${revision.slice(0, 4)}`;
  const asked: Asked[] = [];
  let client: TestClient;

  /** Fills in the form, says yes, and on the page that is opened signs as everybody who must. */
  const person = async (question: Asked): Promise<{ action: 'accept'; content?: Record<string, string | boolean> }> => {
    asked.push(question);
    if (question.mode === 'url') {
      const contract = Digest.parse(new URL(question.url ?? '').hash.slice(1));
      const [first, ...others] = ROLES;
      const { exitCode, json } = await grid.cli('contract', 'approve', contract, '--role', first, '--yes');
      expect(exitCode, JSON.stringify(json)).toBe(0);
      await parties.approve(contract, ...others);
      return { action: 'accept' };
    }
    return { action: 'accept', content: 'confirm' in (question.requestedSchema?.properties ?? {}) ? { confirm: true } : { capacity: '2 GB' } };
  };

  beforeAll(async () => { client = await openClient({ revision, at: at(over), person }); });
  afterAll(async () => { await client?.close(); });

  it('goes from a sentence to an endpoint that answers, and lets no secret pass', async () => {
    const understood = await client.call('understand', { text: 'give me an archive' });
    expect(understood.structured).toMatchObject({ blueprint: 'archive', missing: ['capacity'] });

    const plan = await client.call('plan', { blueprint: 'archive', parameters: { countries: 'CH', data_shards: 2, parity_shards: 1, name } });
    expect(plan.refused, plan.text).toBe(false);
    expect(asked.map(({ mode }) => mode)).toEqual(['form']);
    expect(asked[0]?.requestedSchema?.required).toEqual(['capacity']);
    expect(plan.structured).toMatchObject({ parameters: { capacity: '2000000000' } });

    const proposed = await client.call('propose', { plan: plan.structured['plan'] });
    expect(proposed.refused, proposed.text).toBe(false);
    const contract = z.string().parse(proposed.structured['contract']);
    expect(contract).toBe(plan.structured['plan']);
    expect(asked.map(({ mode }) => mode)).toEqual(['form', 'form', 'url']);
    expect(asked[1]?.message).toContain(z.object({ text: z.string() }).parse(plan.structured['price']).text);
    expect(asked[2]?.url).toBe(`${grid.ready.bot}/sign#${contract}`);

    const told: string[] = [];
    const running = await client.call('follow_contract', { contract, seconds: 120 }, { progress: (message) => { told.push(message); } });
    expect(running.structured).toMatchObject({ contract, status: 'active', running: true });
    expect(told.join('\n')).toMatch(/workloads run/);
    expect(await answers(z.string().parse(running.structured['endpoint']))).toBe(403);

    await client.call('show_contract', { contract });
    await client.call('list_contracts', {});
    await client.read(`threebot://contract/${contract}`);
    const traffic = client.traffic();
    expect(traffic.length).toBeGreaterThan(5000);
    expect(known.length).toBeGreaterThan(20);
    expect(known.filter((secret) => traffic.includes(secret))).toEqual([]);
  }, 300_000);

  it('tells of what another client proposes and takes back, and ends a wait that is cancelled', async () => {
    const plan = await client.call('plan', { blueprint: 'archive', parameters: { capacity: '1 GB', countries: 'CH', data_shards: 2, parity_shards: 1, name: `${name}-two` } });
    const quiet = await openClient({ revision, at: at(over), person: (question) => (question.mode === 'url' ? { action: 'decline' } : { action: 'accept', content: { confirm: true } }) });
    try {
      // Another client of the older revision is another session: it was shown nothing.
      const own = revision === '2025-11-25' || over === 'stdio' ? await quiet.call('plan', { blueprint: 'archive', parameters: { capacity: '1 GB', countries: 'CH', data_shards: 2, parity_shards: 1, name: `${name}-two` } }) : plan;
      const { structured } = await quiet.call('propose', { plan: own.structured['plan'] });
      const contract = z.string().parse(structured['contract']);
      expect(structured['status']).toBe('proposed');
      const changed = new Promise<void>((resolve) => { client.watch(`threebot://contract/${contract}`, resolve).catch(() => undefined); });
      const aborted = new AbortController();
      const following = client.call('follow_contract', { contract, seconds: 100 }, { signal: aborted.signal });
      // Cancelling ends the waiting, and nothing else.
      setTimeout(() => { aborted.abort(); }, 500);
      await expect(following).rejects.toThrow();
      await quiet.call('withdraw', { contract: digits(contract) });
      await changed;
      expect((await client.call('show_contract', { contract })).structured).toMatchObject({ status: 'withdrawn' });
    } finally {
      await quiet.close();
    }
  });
});

describe('over HTTP', () => {
  it('lets a token that may look not propose', async () => {
    for (const revision of REVISIONS) {
      const client = await openClient({ revision, at: { url, token: tokens.read }, person: () => ({ action: 'accept', content: { confirm: true } }) });
      try {
        expect((await client.call('list_nodes', {})).structured).toMatchObject({ nodes: expect.arrayContaining([expect.objectContaining({ label: 'zurich-1', country: 'CH' })]) as unknown });
        await expect(client.call('withdraw', { contract: '0'.repeat(64) })).rejects.toThrow();
      } finally {
        await client.close();
      }
    }
  });

  it('sends away whoever has no token', async () => {
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }, body: '{}' });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain(`resource_metadata="${new URL('/.well-known/oauth-protected-resource/mcp', url).href}"`);
  });
});
