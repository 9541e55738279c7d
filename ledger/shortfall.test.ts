import { describe, expect, it } from 'vitest';
import { Shortfall } from './shortfall.ts';

/** A shortfall of 1000 ms, on a clock of ours. */
function start(): { shortfall: Shortfall; after: (ms: number, size: number, note?: string | null) => ReturnType<Shortfall['look']> } {
  let now = 5000;
  const shortfall = new Shortfall(() => 1000, () => now);
  shortfall.promise('ten', 10);
  return {
    shortfall,
    after: (ms, size, note = `note ${size}`) => {
      now += ms;
      return shortfall.look(size, note);
    },
  };
}

describe('a shortfall', () => {
  it('is withholding when it is seen again and again for the whole bound, whatever smaller sizes are shown', () => {
    const { after } = start();
    expect([after(0, 7), after(200, 7), after(200, 3), after(200, 7), after(200, 6), after(199, 7)]).toEqual(Array(6).fill(undefined));
    expect(after(1, 2)).toMatchObject({ promised: 'ten', shown: 'note 7', observations: 6 });
  });

  it('does not count silence: who comes back after a day is not convicted by the first old note', () => {
    const { after } = start();
    expect([after(0, 7), after(86_400_000, 7), after(86_400_000, 7), after(86_400_000, 7)]).toEqual(Array(4).fill(undefined));
    expect(after(86_400_000, 7)).toMatchObject({ observations: 4 });
  });

  it('begins anew with every entry more, and ends when all is shown', () => {
    const { after } = start();
    for (let size = 1; size < 10; size++) for (const ms of [200, 200, 200, 200]) expect(after(ms, size)).toBeUndefined();
    expect(after(200, 10)).toBeUndefined();
    expect([after(200, 9), after(200, 9), after(200, 9), after(200, 9), after(200, 9)]).toEqual(Array(5).fill(undefined));
    expect(after(200, 9)).toMatchObject({ shown: 'note 9' });
  });

  it('is none when nothing was promised, and is measured by the most that was', () => {
    const shortfall = new Shortfall(() => 1000, () => 0);
    expect(shortfall.look(0, null)).toBeUndefined();
    shortfall.promise('ten', 10);
    shortfall.promise('four', 4);
    expect(shortfall.promised).toEqual({ note: 'ten', size: 10 });
  });
});
