import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { removeTemporaryFolders, temporaryFolder } from '../../grid.fixture.ts';
import { type Cursor, CURSOR_FILE, positionOf, readCursor, writeCursor } from './cursor.ts';
import { compact, Header, headerHash, toHex } from './header.ts';

afterAll(removeTemporaryFolders);

describe('a block header', () => {
  // https://docs.polkadot.com/polkadot-protocol/parachain-basics/data-encoding, compact integers; 2^30 and 2^53 - 1 by the rule there.
  it.each([
    [0, '00'], [1, '04'], [42, 'a8'], [63, 'fc'], [64, '0101'], [69, '1501'], [16_383, 'fdff'], [16_384, '02000100'], [65_535, 'feff0300'],
    [2 ** 30 - 1, 'feffffff'], [2 ** 30, '0300000040'], [100_000_000_000_000, '0b00407a10f35a'], [Number.MAX_SAFE_INTEGER, '0fffffffffffff1f'],
  ])('writes %d as %s', (value, hex) => {
    expect(toHex(compact(value))).toBe(`0x${hex}`);
  });

  it('writes no other number', () => {
    for (const value of [-1, 1.5, 2 ** 53, NaN]) expect(() => compact(value)).toThrow(RangeError);
  });

  // Public: any explorer of Polkadot shows this block.
  it('has the hash that Polkadot gives its own first block', () => {
    const genesis = Header.parse({
      parentHash: `0x${'00'.repeat(32)}`, number: '0x0', stateRoot: '0x29d0d972cd27cbc511e9589fcb7a4506d5eb6a9e8df205f00472e5ab354a4e17',
      extrinsicsRoot: '0x03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314', digest: { logs: [] },
    });
    expect(headerHash(genesis)).toBe('0x91b171bb158e2d3848fa23a9f1c25182fb8e20313b2c1eb49219da7a70ce90c3');
    expect(headerHash({ ...genesis, number: 1 })).not.toBe(headerHash(genesis));
    expect(headerHash({ ...genesis, digest: { logs: ['0x00'] } })).not.toBe(headerHash(genesis));
  });

  it.each([
    { number: '0x' }, { number: 1 }, { number: '0xffffffffffffff' }, { parentHash: '0x00' }, { stateRoot: `0x${'AB'.repeat(32)}` }, { digest: { logs: ['0x1'] } }, { digest: { logs: Array.from({ length: 65 }, () => '0x00') } },
  ])('is not read from %j', (changed) => {
    const hash = `0x${'00'.repeat(32)}`;
    const header = { parentHash: hash, number: '0x1', stateRoot: hash, extrinsicsRoot: hash, digest: { logs: [] } };
    expect(Header.safeParse(header).success).toBe(true);
    expect(Header.safeParse({ ...header, ...changed }).success).toBe(false);
  });
});

describe('the cursor', () => {
  const hash = (byte: string): string => `0x${byte.repeat(32)}`;
  const cursor: Cursor = { genesis: hash('00'), from: 3, before: { number: 7, hash: hash('07'), size: 4 }, after: { number: 8, hash: hash('08'), size: 6 } };

  it('is after the block when its entries were committed, before it when they were not, and of another copy otherwise', () => {
    expect([4, 6, 5, 7].map((size) => positionOf(cursor, size)?.number)).toEqual([7, 8, undefined, undefined]);
  });

  it('is read as it was written, is none in an empty folder, and is not guessed when it is damaged', () => {
    const dir = temporaryFolder();
    expect(readCursor(dir)).toBeUndefined();
    writeCursor(dir, cursor);
    writeCursor(dir, { ...cursor, before: cursor.after });
    expect(readCursor(dir)).toEqual({ ...cursor, before: cursor.after });
    for (const text of ['', '{}', JSON.stringify({ ...cursor, from: 0 }), JSON.stringify({ ...cursor, more: 1 })]) {
      writeFileSync(path.join(dir, CURSOR_FILE), text);
      expect(() => readCursor(dir)).toThrow();
    }
  });
});
