import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../contract/digest.ts';
import type { Workload } from '../../contract/workload.ts';
import { createZdbClient, type ZdbClient } from '../../storage/zdb/index.ts';
import { stageEngine } from '../engine.ts';
import { bundlePrograms } from '../grid.fixture.ts';
import type { Running } from '../driver.ts';
import { createGrounds } from './grounds.ts';
import { createZdbDriver } from './zdb.ts';

let programs = '';
let dir = '';
const running: Running[] = [];
const clients: ZdbClient[] = [];

beforeAll(async () => {
  programs = await bundlePrograms({ zdb: 'storage/zdb/main.ts' });
  dir = await mkdtemp(path.join(tmpdir(), 'zdb-driver-'));
});
afterAll(async () => {
  for (const client of clients) client.close();
  await Promise.all(running.map((one) => one.stop()));
  await Promise.all([programs, dir].map((folder) => rm(folder, { recursive: true, force: true })));
});

function store(mode: 'user' | 'seq'): Workload {
  return { type: 'zdb', name: 'store', group: 'store', secrets: [], dials: [], resources: { disk: '1000000000', memory: '268435456', cpu: '250' }, spec: { mode, capacity: '1000000000', namespaces: ['events'] } };
}

async function start(workload: Workload): Promise<ZdbClient> {
  const source = path.join(programs, 'zdb.mjs');
  const engine = await stageEngine(source, path.join(dir, 'engines'));
  const grounds = createGrounds({ state: dir, runDir: dir, engines: new Map([['zdb', [engine]]]), sources: { zdb: source }, onChange: () => undefined });
  const deployment = digestOf(workload.spec);
  const held = { deployment, workload: workload.name, type: workload.type, epoch: 1, contract: digestOf('contract') };
  const service = await createZdbDriver(grounds).start({ key: `${deployment}/${workload.name}`, held, workload, engine: engine.digest, slots: [] });
  running.push(service);
  service.lease(60_000);
  for (let i = 0; i < 400 && service.socket === undefined; i += 1) await sleep(25);
  const socket = service.socket ?? expect.fail(`does not start: ${service.condition().reason}`);
  const client = createZdbClient(async () => createConnection(socket), { namespace: 'events' });
  clients.push(client);
  return client;
}

describe('the zdb driver', () => {
  it('runs a store in the mode that its contract says', async () => {
    const seq = await start(store('seq'));
    expect([String(await seq.append(Buffer.from('a'))), String(await seq.append(Buffer.from('b')))]).toEqual(['1', '2']);
    await expect(seq.set('mine', Buffer.from('x'))).rejects.toMatchObject({ code: 'refused' });

    const user = await start(store('user'));
    await user.set('mine', Buffer.from('x'));
    expect(String(await user.get('mine'))).toBe('x');
    await expect(user.append(Buffer.from('a'))).rejects.toMatchObject({ code: 'refused' });
  });
});
