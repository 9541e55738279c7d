// How well answers meet what annotators expect; pure. Shape of a case: bench/understanding/README.md.

const same = (a, b) => JSON.stringify(ordered(a)) === JSON.stringify(ordered(b));

function ordered(value) {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Differences of parameters: every one given must be listed with an accepted value; a listed one without null must be given. */
export function compareParameters(expected, given) {
  const wrong = [];
  for (const [name, accepted] of Object.entries(expected)) {
    if (!Object.hasOwn(given, name)) {
      if (!accepted.includes(null)) wrong.push({ name, expected: accepted, got: undefined });
    } else if (!accepted.some((value) => value !== null && same(value, given[name]))) wrong.push({ name, expected: accepted, got: given[name] });
  }
  for (const [name, value] of Object.entries(given)) if (!Object.hasOwn(expected, name)) wrong.push({ name, expected: undefined, got: value });
  return wrong;
}

/** What one answer is worth: each mark true or false, or undefined where it does not apply. */
export function judge({ expect }, answer) {
  if (expect.refuse) {
    const refused = !answer.ok;
    const right = refused && expect.refuse.includes(answer.error.code);
    return { right, refused, code: right, wrong: [] };
  }
  if (!answer.ok) return { right: false, blueprint: false, parameters: false, missing: false, wrong: [] };
  const blueprint = answer.blueprint === expect.blueprint;
  const wrong = compareParameters(expect.parameters, answer.parameters);
  const parameters = blueprint && wrong.length === 0;
  const missing = blueprint && same([...answer.missing].sort(), [...expect.missing].sort());
  return { right: parameters && missing, blueprint, parameters, missing, wrong };
}

const MARKS = ['right', 'blueprint', 'parameters', 'missing', 'refused', 'code'];

/** Counts of marks over judged cases: {right: {yes, of}, …}. */
export function tally(judged) {
  return Object.fromEntries(MARKS.map((mark) => {
    const marked = judged.filter((each) => each[mark] !== undefined);
    return [mark, { yes: marked.filter((each) => each[mark]).length, of: marked.length }];
  }));
}

/** The value below which a share of all values lies. */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
