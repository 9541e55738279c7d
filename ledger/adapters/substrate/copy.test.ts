import { afterAll, describe, expect, it } from 'vitest';
import { canonicalBytes } from '../../../contract/canonical.ts';
import { verifySignature } from '../../../signer/verify.ts';
import { newGrid, removeTemporaryFolders, temporaryFolder } from '../../grid.fixture.ts';
import { ChainCopy } from './copy.ts';

afterAll(removeTemporaryFolders);

const BEFORE = { number: 4, hash: `0x${'04'.repeat(32)}` };
const BLOCK = { number: 5, hash: `0x${'05'.repeat(32)}`, time: '2026-01-01T00:00:00.000Z', failed: new Map<string, string>() };

describe('a copy of a log on a chain', () => {
  it('lets others have their turn while it opens a block full of envelopes of another grid, and then takes in what is its own', async () => {
    const [grid, foreign] = [newGrid(), newGrid()];
    const copy = new ChainCopy({ dir: temporaryFolder(), signer: grid.signer, verify: verifySignature });
    copy.begin(`0x${'00'.repeat(32)}`, BEFORE);
    const strangers = Array.from({ length: 400 }, (_, i) => canonicalBytes(foreign.principal(`stranger ${i}`)));
    const remarked = [{ extrinsic: '0x01', remarks: [...strangers, canonicalBytes(grid.genesis)] }, { extrinsic: '0x02', remarks: [Buffer.from('{"payload":'), canonicalBytes(grid.principal('mine'))] }];
    let turns = 0;
    let next: NodeJS.Immediate;
    const turn = (): void => {
      turns += 1;
      next = setImmediate(turn);
    };
    turn();
    const opened = await copy.open({ ...BLOCK, remarked });
    clearImmediate(next!);
    // Sixteen at a time.
    expect(turns).toBeGreaterThanOrEqual(400 / 16);
    expect([copy.tree.size, opened.envelopes.length]).toEqual([0, 402]);
    const landed = copy.apply(opened);
    expect(landed.filter(({ result }) => result.ok).map(({ extrinsic, result }) => [extrinsic, result.ok && result.seq])).toEqual([['0x01', 0], ['0x02', 1]]);
    expect(copy.at).toMatchObject({ number: 5 });
    copy.close();
  });

  it('remembers the indices of the calls that it saw first, also over restarts', () => {
    const grid = newGrid();
    const dir = temporaryFolder();
    const open = (): ChainCopy => new ChainCopy({ dir, signer: grid.signer, verify: verifySignature });
    const copy = open();
    copy.begin(`0x${'00'.repeat(32)}`, BEFORE);
    const [first, other] = [{ batchAll: '2802', remark: '0007' }, { batchAll: '2802', remark: '0a03' }];
    expect([copy.pinCalls(first), copy.pinCalls(other), copy.pinCalls(first)]).toEqual([true, false, true]);
    copy.close();
    const again = open();
    expect([again.pinCalls(other), again.pinCalls(first)]).toEqual([false, true]);
    again.close();
  });
});
