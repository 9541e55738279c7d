import type { ContractId } from '../../contract/contract.ts';
import { endContract, endOf, recount } from './lifecycle.ts';
import type { LedgerState } from './state.ts';

/**
 * Ends what time has ended: proposals not signed in time, contracts past their last day. Returns the way back, for an
 * entry that is refused. Ends depend on deadlines only, never on when they were noticed, so the result is the same
 * however often this is called on the way.
 */
export function expireUntil(state: LedgerState, time: string): () => void {
  if (state.nextEnd === '' || state.nextEnd > time) return () => undefined;
  const { nextEnd } = state;
  const due = (Object.keys(state.live) as ContractId[]).flatMap((id) => {
    const contract = state.contracts[id];
    const end = contract && endOf(contract);
    return contract && end !== undefined && end <= time ? [{ id, contract, end }] : [];
  });
  // By time, then by id: a state that was read from a snapshot ends them in the same order as one that grew.
  due.sort((a, b) => (a.end < b.end || (a.end === b.end && a.id < b.id) ? -1 : 1));
  const undo: (() => void)[] = [];
  // The end of what runs ends the updates that wait for it, so that some of these are gone when their turn comes.
  for (const { id, contract } of due) if (state.live[id]) undo.push(endContract(state, id, contract.status === 'proposed' ? 'lapsed' : 'expired', true));
  recount(state);
  return () => {
    for (const step of undo.reverse()) step();
    state.nextEnd = nextEnd;
  };
}
