import { type Blueprint, parametersOf } from '../../../knowledge/blueprint.ts';
import type { Parameter } from '../../../knowledge/parameter.ts';
import type { Range, Request } from './tokens.ts';
import { isTypoOf } from './typo.ts';
import { type Term, termOf } from './vocabulary.ts';

/** What stands for a value that a blueprint does not offer; no label, so no choice can have this name. */
export const UNAVAILABLE = '!';

/** What a word of a blueprint stands for: a parameter, one value of a choice, or (neither) the thing itself. */
export interface Meaning {
  readonly parameter: string | undefined;
  readonly choice?: string;
  /** Only right after a number. */
  readonly unit: boolean;
}
interface Entry extends Meaning {
  readonly term: Term;
}

/** A hint that was said; `sure` from 1 (a slip of the typist) to 4 (the very word). */
export interface Mention extends Range {
  readonly meanings: readonly Meaning[];
  readonly sure: number;
}

/** The words of one blueprint, prepared to be found in requests. */
export interface Lexicon {
  readonly parameters: Readonly<Record<string, Parameter>>;
  readonly byFirst: ReadonlyMap<string, readonly Entry[]>;
  readonly firsts: readonly string[];
  /** First words of values and flags: they count as the head of a compound too (`postgresdatabase`). */
  readonly heads: ReadonlySet<string>;
  /** Which first words a said word can be; filled as words come. */
  readonly seen: Map<string, readonly Likeness[]>;
}
interface Likeness {
  readonly word: string;
  readonly sure: number;
}

const lexicons = new WeakMap<Blueprint, Lexicon>();
/** Words remembered per blueprint. */
const MAX_SEEN = 5000;
/** Shortest word that may be the tail of a compound (Arbeitsspeicher). */
const TAIL = 5;

export function lexiconOf(blueprint: Blueprint): Lexicon {
  const known = lexicons.get(blueprint);
  if (known) return known;
  const parameters = parametersOf(blueprint);
  const byFirst = new Map<string, Entry[]>();
  const add = (words: string, meaning: Meaning): void => {
    const term = termOf(words);
    const [first] = term;
    if (first === undefined) return;
    const entries = byFirst.get(first) ?? [];
    if (!entries.some((entry) => entry.parameter === meaning.parameter && entry.choice === meaning.choice && entry.term.join(' ') === term.join(' '))) entries.push({ ...meaning, term });
    byFirst.set(first, entries);
  };
  for (const noun of [...blueprint.intents.nouns, blueprint.blueprint]) add(noun, { parameter: undefined, unit: false });
  for (const [name, parameter] of Object.entries(parameters)) {
    for (const noun of [name.replaceAll('_', ' '), ...parameter.hints.nouns]) add(noun, { parameter: name, unit: false });
    for (const unit of parameter.hints.units) add(unit, { parameter: name, unit: true });
    if (parameter.type !== 'choice') continue;
    for (const noun of parameter.unavailable) add(noun, { parameter: name, choice: UNAVAILABLE, unit: false });
    for (const [choice, { nouns }] of Object.entries(parameter.choices)) for (const noun of [...parameter.hints.nouns.flatMap((word) => [`${word} ${choice}`, `${choice} ${word}`]), ...nouns]) add(noun, { parameter: name, choice, unit: false });
  }
  const heads = [...byFirst].filter(([word, entries]) => word.length >= TAIL && entries.some(({ parameter, term, choice }) => term.length === 1 && parameter !== undefined && (choice !== undefined || parameters[parameter]?.type === 'boolean')));
  const lexicon: Lexicon = { parameters, byFirst, firsts: [...byFirst.keys()], heads: new Set(heads.map(([word]) => word)), seen: new Map() };
  lexicons.set(blueprint, lexicon);
  return lexicon;
}

/** Every hint that a request says; where several overlap the longest and surest stay. */
export function findMentions(request: Request, lexicon: Lexicon): Mention[] {
  const found: Mention[] = [];
  for (let from = 0; from < request.tokens.length; from++) {
    const token = request.free(from);
    if (!token || token.kind === 'symbol') continue;
    for (const { word, sure } of likeness(lexicon, token.norm)) {
      for (const entry of lexicon.byFirst.get(word) ?? []) {
        const rest = matchRest(request, entry.term, from + 1);
        if (rest) found.push({ from, to: rest.to, sure: Math.min(sure, rest.sure), meanings: [entry] });
      }
    }
  }
  return merge(found);
}

function matchRest(request: Request, term: Term, from: number): { to: number; sure: number } | undefined {
  let [at, sure] = [from, 4];
  for (const word of term.slice(1)) {
    while (/^[-/'’]$/.test(request.tokens[at]?.raw ?? '')) at++;
    const token = request.free(at);
    const like = token && token.kind !== 'symbol' ? alike(token.norm, word) : 0;
    if (like === 0) return undefined;
    sure = Math.min(sure, like);
    at++;
  }
  return { to: at, sure };
}

function likeness(lexicon: Lexicon, said: string): readonly Likeness[] {
  const known = lexicon.seen.get(said);
  if (known) return known;
  const found: Likeness[] = [];
  for (const word of lexicon.firsts) {
    const sure = alike(said, word) || (said.length - word.length >= 3 && lexicon.heads.has(word) && said.startsWith(word) ? 2 : 0);
    if (sure > 0) found.push({ word, sure });
  }
  // A slip is only looked for where nothing better is found.
  const best = Math.max(0, ...found.map(({ sure }) => sure));
  const kept = found.filter(({ sure }) => sure > 1 || best === 1);
  if (lexicon.seen.size >= MAX_SEEN) lexicon.seen.clear();
  lexicon.seen.set(said, kept);
  return kept;
}

/** True when a word is one of the blueprint's own, perhaps with an ending. */
export function knows(lexicon: Lexicon, norm: string): boolean {
  return likeness(lexicon, norm).some(({ sure }) => sure >= 3);
}

/** 4 the same, 3 with an ending, 2 the tail of a compound, 1 a slip, 0 another word. */
export function alike(said: string, word: string): number {
  if (said === word) return 4;
  if (Math.min(said.length, word.length) >= 4 && sharesStem(said, word)) return 3;
  if (word.length >= TAIL && said.length - word.length >= 3 && said.endsWith(word)) return 2;
  if (word.length >= TAIL && said.length - word.length >= 3 && said.length - word.length <= 14 && /(?:e|en|er|n|s)$/.test(said) && (said.slice(0, -1).endsWith(word) || said.slice(0, -2).endsWith(word))) return 2;
  return isTypoOf(said, word) || isSwap(said, word) ? 1 : 0;
}

/** Kern, Kernen; núcleo, núcleos; replica, repliche: equal but for an ending of at most two letters. */
function sharesStem(said: string, word: string): boolean {
  const [short, long] = said.length <= word.length ? [said, word] : [word, said];
  if (long.length - short.length > 2) return false;
  let same = 0;
  while (same < short.length && short[same] === long[same]) same++;
  if (same < (short.length === 4 && long.length === 4 ? 3 : 4) || (same < 5 && long.length > 6)) return false;
  if (same === short.length) return /^(?:s|es|e|en|n|er|ern|x|i|ne|nen|ns|m)$/.test(long.slice(same));
  return short.length - same === 1 && /^[aeio]$/.test(short.slice(same)) && /^(?:[aeio]|[aeo]s|hi|he|en|es)$/.test(long.slice(same));
}

/** Two neighbouring letters exchanged, in words too short for other slips. */
function isSwap(said: string, word: string): boolean {
  if (said.length !== word.length || word.length < 4 || word.length > 5) return false;
  let at = 0;
  while (at < word.length && said[at] === word[at]) at++;
  return at > 0 && at < word.length - 1 && said[at] === word[at + 1] && said[at + 1] === word[at] && said.slice(at + 2) === word.slice(at + 2);
}

/** The thing and its parameters apart: a word of the one may stand inside the other (`a Postgres database`). */
function merge(found: readonly Mention[]): Mention[] {
  const isThing = ({ meanings }: Mention): boolean => meanings.every(({ parameter }) => parameter === undefined);
  return [...longest(found.filter(isThing)), ...longest(found.filter((mention) => !isThing(mention)))].sort((a, b) => a.from - b.from);
}

/** One mention for each stretch; inside a longer or surer one nothing else is meant. */
function longest(found: readonly Mention[]): Mention[] {
  const sorted = [...found].sort((a, b) => b.to - b.from - (a.to - a.from) || b.sure - a.sure || a.from - b.from);
  const kept: { from: number; to: number; sure: number; meanings: Meaning[] }[] = [];
  for (const mention of sorted) {
    const over = kept.find((other) => other.from < mention.to && mention.from < other.to);
    if (!over) kept.push({ ...mention, meanings: [...mention.meanings] });
    else if (over.from === mention.from && over.to === mention.to && over.sure === mention.sure) over.meanings.push(...mention.meanings);
  }
  return kept;
}
