import { describe, expect, it } from 'vitest';
import { digestOf } from '../../contract/digest.ts';
import type { Entry } from '../../contract/entry.ts';
import { World } from '../../ledger/state/world.fixture.ts';
import { summarizeEntry } from './entry.ts';

describe('summarizeEntry', () => {
  it('names who speaks as the ledger knows them, and shows nothing that could move the cursor or hide text', () => {
    const { state, legal, ledger, grid, nodes } = new World();
    const rejected: Entry = { kind: 'contract.rejected', payload: { grid, by: legal.id, contract: digestOf('a contract'), role: 'legal', reason: 'no\u001b[2J\r\u202eon' } };
    expect(summarizeEntry(rejected, { key: legal.signer.key, id: digestOf(1), state })).toEqual({ who: 'legal', summary: `rejects ${digestOf('a contract').slice(7, 19)} as legal: no·[2J··on` });
    const tick: Entry = { kind: 'tick', payload: { grid, beat: 1, resumed: true } };
    expect(summarizeEntry(tick, { key: ledger.key, id: digestOf(1), state })).toEqual({ who: 'the ledger', summary: 'was away, and is back' });
    const node = nodes[0]!;
    const alive: Entry = { kind: 'node.alive', payload: { grid, by: node.id, beat: 7 } };
    expect(summarizeEntry(alive, { key: node.signer.key, id: digestOf(1), state }).who).toBe('node-0');
  });
});
