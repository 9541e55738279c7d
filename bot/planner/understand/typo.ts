/** Shortest word in which one slip is forgiven, and two. */
const ONE_SLIP = 6;
const TWO_SLIPS = 10;

/**
 * True when `word` is `target` with the slips of a hasty typist: the first letter right, one slip in six letters (or in
 * `shortest`, where other words bear it out), two in ten; or, in an abbreviation without vowels, two letters swapped.
 */
export function isTypoOf(word: string, target: string, shortest = ONE_SLIP): boolean {
  const allowed = target.length >= TWO_SLIPS ? 2 : target.length >= shortest ? 1 : 0;
  if (allowed === 0) return isSwapped(word, target);
  return word.length >= shortest - 1 && word[0] === target[0] && Math.abs(word.length - target.length) <= allowed && distance(word, target) <= allowed;
}

/** `vnp` for vpn: such letters make no other word. */
function isSwapped(word: string, target: string): boolean {
  return target.length >= 3 && word.length === target.length && word !== target && word[0] === target[0] && /^[bcdfghj-np-tv-z]+$/.test(target) && distance(word, target) === 1 && [...word].sort().join('') === [...target].sort().join('');
}

/** Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours. */
export function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, substitution);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, (before[j - 2] ?? 0) + 1);
      row.push(best);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
