import type { Blueprint } from './blueprint.ts';

/** Longest query, in UTF-16 units, and most words of it that count. */
const MAX_QUERY = 300;
const MAX_WORDS = 16;
/** How much a word counts by where it stands. */
const WEIGHTS = { name: 10, nouns: 8, title: 6, choices: 5, examples: 3, parameters: 2, types: 2, description: 1 } as const;
/** And by how well it fits; of beginnings and parts as much as the shorter word covers of the longer one. */
const FIT = { same: 1, beginning: 0.9, part: 0.7, typo: 0.7 } as const;
/** Words that say nothing of what is wanted, in the six languages that blueprints care for. */
const EMPTY: ReadonlySet<string> = new Set((
  'a an the of for to in on with and or my our i we need want some me give please that this is it are be do does did not no can could would where what which there exist exists thing things something anything '
  + 'ein eine einen einer eines der die das den dem des und oder fur mit in im zu ich wir brauche will mein unser '
  + 'un une le la les des de du d l et ou pour avec dans je nous veux besoin mon notre '
  + 'uno una il lo gli i di del della e o per con ho bisogno voglio mio nostro '
  + 'el los las del y para con quiero necesito mi nuestro unos unas '
  + 'een het van voor met en of ik wij wil nodig mijn onze'
).split(' '));

export interface SearchHit {
  readonly blueprint: Blueprint;
  /** Higher is better; only comparable within one search. */
  readonly score: number;
  /** Words of the query that were found. */
  readonly matched: readonly string[];
}

/** A word that fits so well says by itself what is meant: a name, noun, title or choice, with a slip. Without one, half of the words must be found. */
const TELLING = WEIGHTS.choices * FIT.typo;

const indexes = new WeakMap<Blueprint, ReadonlyMap<string, number>>();

/**
 * Blueprints by how well they match some words, the best first; all of them, by name, when the query says nothing. Words
 * are compared without case and accents, with a slip of the finger, and inside compounds.
 */
export function searchBlueprints(blueprints: readonly Blueprint[], query: string): SearchHit[] {
  const words = [...new Set(wordsOf(query.slice(0, MAX_QUERY)).filter((word) => !EMPTY.has(word)))].slice(0, MAX_WORDS);
  const byName = (a: Blueprint, b: Blueprint): number => (a.blueprint < b.blueprint ? -1 : a.blueprint > b.blueprint ? 1 : 0);
  if (words.length === 0) return wordsOf(query).length > 0 ? [] : [...blueprints].sort(byName).map((blueprint) => ({ blueprint, score: 0, matched: [] }));
  const fits = blueprints.map((blueprint) => words.map((word) => bestFit(word, indexOf(blueprint))));
  // A word that every blueprint has says little of which is meant.
  const rarity = words.map((_, i) => Math.log(1 + blueprints.length / Math.max(1, fits.filter((of) => (of[i] ?? 0) > 0).length)));
  const hits = blueprints.flatMap((blueprint, b): SearchHit[] => {
    const matched = words.filter((_, i) => (fits[b]?.[i] ?? 0) > 0);
    const sum = words.reduce((so, _, i) => so + (fits[b]?.[i] ?? 0) * (rarity[i] ?? 0), 0);
    const telling = (fits[b] ?? []).some((fit) => fit >= TELLING);
    return matched.length === 0 || (!telling && matched.length * 2 < words.length) ? [] : [{ blueprint, score: Math.round((sum * matched.length * 100) / words.length) / 100, matched }];
  });
  return hits.sort((a, b) => b.score - a.score || byName(a.blueprint, b.blueprint));
}

/** Every word of a blueprint and the most that it counts. */
function indexOf(blueprint: Blueprint): ReadonlyMap<string, number> {
  const known = indexes.get(blueprint);
  if (known) return known;
  const index = new Map<string, number>();
  const add = (field: keyof typeof WEIGHTS, ...texts: readonly string[]): void => {
    for (const word of texts.flatMap(wordsOf)) if (!EMPTY.has(word)) index.set(word, Math.max(index.get(word) ?? 0, WEIGHTS[field]));
  };
  add('name', blueprint.blueprint);
  add('title', blueprint.title);
  add('nouns', ...blueprint.intents.nouns);
  add('examples', ...blueprint.intents.examples);
  add('description', blueprint.description);
  for (const [name, parameter] of Object.entries(blueprint.parameters)) {
    add('parameters', name, parameter.description, ...parameter.hints.nouns);
    if (parameter.type === 'choice') for (const [choice, { nouns }] of Object.entries(parameter.choices)) add('choices', choice, ...nouns);
  }
  for (const { type } of blueprint.workloads) add('types', type);
  indexes.set(blueprint, index);
  return index;
}

function bestFit(word: string, index: ReadonlyMap<string, number>): number {
  let best = (index.get(word) ?? 0) * FIT.same;
  for (const [other, weight] of index) if (weight * FIT.beginning > best) best = Math.max(best, weight * fitOf(word, other));
  return best;
}

function fitOf(word: string, other: string): number {
  if (word === other) return FIT.same;
  const [short, long] = word.length < other.length ? [word, other] : [other, word];
  if (short.length >= 4 && long.startsWith(short)) return (FIT.beginning * short.length) / long.length;
  if (short.length >= 5 && long.includes(short)) return (FIT.part * short.length) / long.length;
  const most = short.length >= 8 ? 2 : short.length >= 4 ? 1 : 0;
  return most > 0 && long.length - short.length <= most && distance(short, long) <= most ? FIT.typo : 0;
}

/** Letters left out, put in, exchanged for others or with their neighbours, to get from one word to the other. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, (before[j - 2] ?? 0) + 1);
      next.push(least);
    }
    [before, row] = [row, next];
  }
  return row[b.length] ?? 0;
}

/** Words in small letters, without accents; at most 40 units each. */
function wordsOf(text: string): string[] {
  const plain = text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('ß', 'ss');
  return plain.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '').map((word) => word.slice(0, 40));
}
