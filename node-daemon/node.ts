import path from 'node:path';
import type { Digest } from '../contract/digest.ts';
import type { EntrySigner } from '../contract/envelope.ts';
import type { PrincipalId } from '../contract/principal.ts';
import { type Follower, openFollower } from '../ledger/follower.ts';
import { type IdentityOptions, prepareIdentity } from '../ledger/membership.ts';
import { findOpeners } from '../ledger/opening/find.ts';
import { openKeystore, type SealingKey } from '../signer/keystore.ts';
import type { DhKey } from '../signer/keys.ts';
import { type Capabilities, findCapabilities } from './capabilities.ts';
import type { DaemonConfig } from './config.ts';
import { makePrivateFolders } from './folders.ts';
import type { Log } from './standing.ts';
import { writeAtomically } from './status.ts';
import { type NodeStore, openStore } from './store.ts';

/** A node that knows who it is and what it can do, and has not said anything to the grid yet. */
export interface Node {
  readonly id: PrincipalId;
  readonly grid: Digest;
  readonly identity: Omit<IdentityOptions, 'grid'>;
  readonly signer: EntrySigner;
  readonly overlay: DhKey;
  readonly sealing: SealingKey;
  readonly store: NodeStore;
  readonly follower: Follower;
  readonly capabilities: Capabilities;
}

/** Opens what lies in the node's folders and the copy of the log; waits for the grid. `closers` gets how to close it. */
export async function openNode(config: DaemonConfig, o: { signal: AbortSignal; log: Log; closers: (() => unknown)[] }): Promise<Node> {
  const { signal, log, closers } = o;
  await makePrivateFolders(config.state, config.runDir);
  const store = openStore(config.state);
  closers.push(() => store.close());
  const keystore = await openKeystore({ ...config.keystore, create: true });
  const [signer, overlay, sealing] = await Promise.all([keystore.signing(config.key), keystore.overlay(config.key), keystore.sealing(config.key)]);
  const capabilities = await findCapabilities(config);
  for (const { name, reason } of capabilities.missing) log('warn', 'capability.missing', { name, reason });
  const follower = await openFollower({ url: config.ledger, dir: path.join(config.state, 'ledger'), pin: config.grid && { grid: config.grid }, witnesses: config.witnesses, snapshot: config.snapshot, openers: findOpeners(), signal });
  closers.push(() => follower.close());
  const grid = await follower.waitFor((s) => s.grid?.digest, { signal });
  const { label } = config.offer;
  const identity = { signer, kind: 'node' as const, name: label, stateFile: path.join(config.state, 'identity.json') };
  const { id } = await prepareIdentity({ ...identity, grid });
  await writeAtomically(path.join(config.state, 'node.pid.json'), { pid: process.pid, id, label, startedAt: new Date().toISOString() });
  return { id, grid, identity, signer, overlay, sealing, store, follower, capabilities };
}
