import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { removeTemporaryFolders, temporaryFolder } from '../../grid.fixture.ts';
import { LeafCache } from './cache.ts';

afterAll(removeTemporaryFolders);

const leaf = (text: string): Uint8Array => Buffer.from(text);

describe('LeafCache', () => {
  it('begins at entry 0', () => {
    const cache = new LeafCache(':memory:');
    cache.append(0, [leaf('a'), leaf('b')]);
    expect({ base: cache.base, size: cache.size(), leaves: [...cache.leaves(0, 2)].map(String) }).toEqual({ base: 0, size: 2, leaves: ['a', 'b'] });
    expect(() => cache.beginAt(5)).toThrow('has entries');
    cache.close();
  });

  it('or at a snapshot, and remembers that', () => {
    const file = path.join(temporaryFolder(), 'log.sqlite');
    const first = new LeafCache(file);
    first.beginAt(100);
    expect({ base: first.base, size: first.size() }).toEqual({ base: 100, size: 100 });
    first.append(100, [leaf('x'), leaf('y')]);
    first.close();
    const again = new LeafCache(file);
    expect({ base: again.base, size: again.size(), leaves: [...again.leaves(101, 102)].map(String) }).toEqual({ base: 100, size: 102, leaves: ['y'] });
    expect(() => [...again.leaves(99, 101)]).toThrow('lacks entry 99');
    again.close();
  });
});
