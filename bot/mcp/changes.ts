import type { Follower } from '../../ledger/follower.ts';
import type { LedgerState } from '../../ledger/state/state.ts';
import { contractUri } from './resources.ts';
import type { Change } from './surface.ts';

/** Nodes speak every few seconds: so often at most it is looked what they changed. */
const LOOK_EVERY_MS = 300;

/** Tells of contracts that are another now, and of resources that are new; calls the listener until it is stopped. */
export function watchGrid({ follower }: { readonly follower: Pick<Follower, 'state' | 'onChange'> }, listener: (change: Change) => void): () => void {
  let known = fingerprints(follower.state());
  let listed = listings(follower.state());
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    timer = undefined;
    const state = follower.state();
    const now = fingerprints(state);
    for (const [contract, print] of now) if (known.get(contract) !== print) listener({ kind: 'resource', uri: contractUri(contract) });
    const lists = listings(state);
    if (lists !== listed) listener({ kind: 'resources' });
    known = now;
    listed = lists;
  };
  const stop = follower.onChange(() => { timer ??= setTimeout(look, LOOK_EVERY_MS); });
  return () => {
    stop();
    clearTimeout(timer);
  };
}

/** What a client that shows a contract would show differently. */
function fingerprints(state: LedgerState): Map<string, string> {
  return new Map(Object.entries(state.contracts).map(([contract, { status, votes, header }]) => {
    const deployment = state.deployments[header.deployment];
    const phases = deployment?.contract === contract ? Object.entries(deployment.reports).map(([workload, { phase, endpoint }]) => [workload, phase, endpoint]) : [];
    return [contract, JSON.stringify([status, votes.length, phases])];
  }));
}

function listings(state: LedgerState): string {
  return [Object.keys(state.contracts).length, Object.keys(state.blueprints).length, Object.values(state.nodes).filter(({ offer }) => offer).length].join(' ');
}
