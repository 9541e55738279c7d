import { type Blueprint, parametersOf } from '../../../knowledge/blueprint.ts';
import { SUBORDINATORS, WISHES } from './intent-words.ts';
import { findLiterals, type Literal } from './literals.ts';
import { normalize, tokenize } from './tokens.ts';
import { type Term, termOf } from './vocabulary.ts';

/** Who claims a term: positions in the list of blueprints. */
export interface Entry {
  readonly term: Term;
  /** Those that are called so. */
  readonly nouns: ReadonlySet<number>;
  /** Those that have a parameter or a value called so, and which. */
  readonly hints: ReadonlyMap<number, string>;
  /** Those whose own verb it is. */
  readonly verbs: ReadonlySet<number>;
}

/** Kinds of literals that a blueprint takes, and how its examples write them. */
export interface Takes {
  readonly kinds: ReadonlySet<Literal['kind']>;
  readonly required: ReadonlySet<Literal['kind']>;
  readonly forms: ReadonlySet<string>;
  readonly command: boolean;
  readonly size: boolean;
  /** What speaks against it where all else is alike: of two that would do, the simpler is meant. */
  readonly effort: number;
}

export interface LibraryIndex {
  readonly blueprints: readonly Blueprint[];
  readonly byFirst: ReadonlyMap<string, readonly Entry[]>;
  readonly firsts: readonly string[];
  /** Words of the examples, and in how many blueprints each stands. */
  readonly examples: readonly ReadonlySet<string>[];
  readonly spread: ReadonlyMap<string, number>;
  readonly takes: readonly Takes[];
  /** Longer nouns by each of their words: a key-value store is a store of its own kind. */
  readonly kinds: ReadonlyMap<string, readonly Entry[]>;
  /** Every word that any blueprint says. */
  readonly words: ReadonlySet<string>;
  /** Which first words a said word can be; filled as words come. */
  readonly seen: Map<string, readonly Likeness[]>;
}
export interface Likeness {
  readonly word: string;
  /** From 0 to 1. */
  readonly quality: number;
}

let last: LibraryIndex | undefined;

/** The words of a list of blueprints, prepared to be found in requests; kept for the list used last. */
export function libraryIndex(blueprints: readonly Blueprint[]): LibraryIndex {
  if (last && last.blueprints.length === blueprints.length && blueprints.every((blueprint, i) => blueprint === last?.blueprints[i])) return last;
  last = indexOf([...blueprints]);
  return last;
}

interface Draft {
  readonly term: Term;
  readonly nouns: Set<number>;
  readonly hints: Map<number, string>;
  readonly verbs: Set<number>;
}

function indexOf(blueprints: readonly Blueprint[]): LibraryIndex {
  const drafts = new Map<string, Draft>();
  const claim = (words: string, kind: 'nouns' | 'hints' | 'verbs', by: number, parameter = ''): void => {
    const term = termOf(words);
    if (term.length === 0) return;
    const key = term.join(' ');
    const draft: Draft = drafts.get(key) ?? { term, nouns: new Set(), hints: new Map(), verbs: new Set() };
    drafts.set(key, draft);
    if (kind === 'hints') draft.hints.set(by, draft.hints.get(by) ?? parameter);
    else draft[kind].add(by);
  };
  blueprints.forEach((blueprint, i) => {
    for (const noun of [...blueprint.intents.nouns, blueprint.blueprint]) claim(noun, 'nouns', i);
    for (const verb of blueprint.intents.verbs) claim(verb, 'verbs', i);
    for (const [name, parameter] of Object.entries(blueprint.parameters)) {
      // What opens every wish (`run`, `start`) tells nothing.
      for (const hint of [name.replaceAll('_', ' '), ...parameter.hints.nouns, ...parameter.hints.units]) if (tells(termOf(hint))) claim(hint, 'hints', i, name);
      if (parameter.type !== 'choice') continue;
      for (const [value, { nouns }] of Object.entries(parameter.choices)) for (const hint of [value, ...nouns]) claim(hint, 'hints', i, name);
    }
  });
  const byFirst = new Map<string, Entry[]>();
  for (const draft of drafts.values()) {
    const first = draft.term[0] ?? '';
    byFirst.set(first, [...(byFirst.get(first) ?? []), draft]);
  }
  for (const entries of byFirst.values()) entries.sort((a, b) => b.term.length - a.term.length);
  const examples = blueprints.map(({ intents }) => new Set(intents.examples.flatMap(exampleWords)));
  const spread = new Map<string, number>();
  for (const words of examples) for (const word of words) spread.set(word, (spread.get(word) ?? 0) + 1);
  const kinds = new Map<string, Entry[]>();
  for (const draft of drafts.values()) if (draft.term.length > 1 && draft.nouns.size > 0) for (const word of draft.term) kinds.set(word, [...(kinds.get(word) ?? []), draft]);
  const words = new Set([...drafts.values()].flatMap(({ term }) => term));
  return { blueprints, byFirst, firsts: [...byFirst.keys()], examples, spread, takes: blueprints.map(takesOf), kinds, words, seen: new Map() };
}

function tells(term: Term): boolean {
  const [word] = term;
  return term.length > 1 || (word !== undefined && !WISHES.has(word) && !SUBORDINATORS.has(word));
}

/** Words of an example; what is written for machines counts by its kind. */
export function exampleWords(text: string): string[] {
  const literals = findLiterals(text);
  const words = tokenize(text).filter((token) => token.kind === 'word' && !literals.some(({ start, end }) => token.start >= start && token.end <= end)).map((token) => token.norm);
  return [...words, ...literals.map(({ kind }) => `<${kind}>`)];
}

function takesOf(blueprint: Blueprint): Takes {
  const kindOf: Readonly<Record<string, Literal['kind']>> = { image: 'image', location: 'location', pairs: 'pair' };
  const parameters = Object.values(parametersOf(blueprint));
  const kinds = parameters.flatMap(({ type }) => kindOf[type] ?? []);
  return {
    kinds: new Set(kinds),
    required: new Set(parameters.filter(({ required }) => required).flatMap(({ type }) => kindOf[type] ?? [])),
    forms: new Set(blueprint.intents.examples.flatMap((example) => findLiterals(example)).filter(({ kind }) => kind === 'location').map(({ text }) => formOf(text))),
    command: parameters.some(({ type }) => type === 'command'),
    size: parameters.some(({ type, required }) => type === 'bytes' && required),
    effort: 0.03 * parameters.filter(({ required }) => required).length + 0.01 * blueprint.workloads.length,
  };
}

/** How an address is written: `s3:`, `git`, `https:`, a path. */
export function formOf(location: string): string {
  const text = normalize(location);
  if (/\.git\b|^git[@:]|^ssh:/.test(text)) return 'git';
  return /^[a-z0-9+.-]+:/.exec(text)?.[0] ?? (text.startsWith('/') || text.startsWith('.') ? 'path' : 'other');
}
