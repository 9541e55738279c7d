import type { Digest } from '../../contract/digest.ts';
import type { DidKey } from '../../contract/principal.ts';
import { originOf } from '../../ledger/checkpoint.ts';
import type { WitnessPolicy } from '../../ledger/witness/gate.ts';
import { WitnessAddress } from '../../ledger/witness/submitter.ts';
import type { StateDir } from '../state-dir.ts';
import { manage, type Managed } from './process.ts';

/** The demonstration's witnesses: processes of this machine, as if each were somebody else's. */
export interface Witnesses {
  readonly processes: readonly Managed[];
  /** For the ledger: who is asked. */
  readonly addresses: readonly WitnessAddress[];
  /** For the nodes: whom they ask for; more than half, so that one may be away. */
  readonly policy: WitnessPolicy | undefined;
}

export function witnessNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `witness-${i + 1}`);
}

export async function startWitnesses(options: { state: StateDir; count: number; grid: Digest; ledger: DidKey; port: (name: string) => number; started: (process: Managed) => void }): Promise<Witnesses> {
  const { state, count, grid, ledger, port, started } = options;
  const processes = witnessNames(count).map((name) => {
    const process = manage({
      name, entry: 'witness.mjs', logFile: state.part('logs', `${name}.log`), restart: true, readyType: 'ready',
      start: { type: 'start', dir: state.part('witnesses', name), port: port(name), name: `3bot.internal/${name}`, logs: [{ origin: originOf(grid), key: ledger }] },
    });
    started(process);
    return process;
  });
  const addresses = await Promise.all(processes.map(async ({ ready }) => {
    const { url, name, key } = await ready;
    return WitnessAddress.parse({ url, name, key });
  }));
  const keys = addresses.map(({ name, key }) => ({ name, key }));
  return { processes, addresses, policy: count === 0 ? undefined : { keys, k: Math.floor(count / 2) + 1 } };
}
