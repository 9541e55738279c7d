import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import type { DeploymentId } from '../contract/contract.ts';
import { serviceName } from '../contract/contract.ts';
import type { PrincipalId } from '../contract/principal.ts';
import { directoryOf } from '../ledger/directory.ts';
import { openFollower } from '../ledger/follower.ts';
import { joinGrid, prepareIdentity } from '../ledger/membership.ts';
import { createAgent } from '../overlay/index.ts';
import { openKeystore } from '../signer/keystore.ts';
import { join } from './services.ts';
import type { TestGrid } from './grid.fixture.ts';

export interface TestGateway {
  readonly id: PrincipalId;
  /** Unix socket whose connections go to `workload` through the overlay, at its present holder. */
  open(deployment: DeploymentId, workload: string): Promise<string>;
  close(): Promise<void>;
}

/** A gateway principal with a lease and an overlay agent, but no TLS: what stands between a client and a front end. */
export async function openTestGateway(grid: TestGrid): Promise<TestGateway> {
  const dir = path.join(grid.dir, 'gateway');
  const stop = new AbortController();
  const keystore = await openKeystore({ dir, unlock: path.join(dir, 'unlock'), create: true });
  const [signer, overlay, sealing] = [await keystore.signing('gw'), await keystore.overlay('gw'), await keystore.sealing('gw')];
  const follower = await openFollower({ url: grid.served.url });
  const identity = { signer, kind: 'gateway' as const, name: 'gateway', stateFile: path.join(dir, 'identity.json') };
  const { id } = await prepareIdentity({ ...identity, grid: grid.grid });
  const membership = await joinGrid({
    ...identity, follower, signal: stop.signal, overlayKey: Buffer.from(overlay.publicKey).toString('base64url'), sealingKey: sealing.recipient,
    offer: {
      label: 'gateway', location: { country: 'CH', city: 'Zug' }, endpoints: [], relay: false, capabilities: ['gateway-name'], engines: [],
      capacity: { disk: '0', memory: '1000000000', cpu: '1000' }, thin: true, rates: { terabyte: '0', gibibyte: '0', core: '0' },
    },
  });
  await grid.attest(id, { country: 'CH', city: 'Zug' });
  const agent = createAgent({ id, grid: grid.grid, publicKey: overlay.publicKey, dh: (peer) => overlay.dh(peer), directory: directoryOf(() => follower.state()), relay: false, access: () => false });
  await agent.start();
  const unsubscribe = follower.onChange(() => agent.refresh());
  const servers: ReturnType<typeof createServer>[] = [];
  return {
    id,
    open: async (deployment, workload) => {
      const socket = path.join(grid.dir, `${workload}-${servers.length}.g`);
      const server = createServer({ allowHalfOpen: true }, (client) => {
        const holding = follower.state().deployments[deployment]?.holdings[workload];
        client.on('error', () => undefined);
        if (!holding) return void client.destroy();
        agent.dial({ node: holding.node, service: serviceName({ deployment, workload, epoch: holding.epoch }) }, { timeoutMs: 3000 }).then((stream) => join(client, stream), () => client.destroy());
      });
      servers.push(server);
      await rm(socket, { force: true });
      await new Promise<void>((resolve) => server.listen(socket, resolve));
      return socket;
    },
    close: async () => {
      unsubscribe();
      stop.abort();
      for (const server of servers) server.close();
      await membership.close();
      await agent.close();
      await follower.close();
    },
  };
}
