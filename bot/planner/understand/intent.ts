import type { Blueprint } from '../../../knowledge/blueprint.ts';
import { isCorrected } from './corrections.ts';
import { otherWish } from './other-wishes.ts';
import { guessLanguage } from './language.ts';
import { exampleWords, formOf, libraryIndex, type LibraryIndex } from './library-index.ts';
import { CONTENTS, DEFINITE, INDEFINITE, SUBORDINATORS, WISHES } from './intent-words.ts';
import { type Said, saidTerms } from './mentions.ts';
import { type Role, roleOf } from './role.ts';
import type { Range, Request } from './tokens.ts';

export type Intent =
  | { readonly ok: true; readonly blueprint: Blueprint; readonly nouns: readonly Range[] }
  | { readonly ok: false; readonly code: 'not_understood' | 'ambiguous'; readonly message: string; readonly hint: string };

/** Least that a request must say of a thing to be a request for it. */
const LEAST = 0.36;
/** Two that are so close cannot be told apart. */
const CLOSE = 0.88;
/** What a noun must weigh to leave no room for guesses from verbs. */
const CLEAR = 0.45;
/** Nouns weighed; a longer text is no clearer. */
const MAX_NOUNS = 48;
const SIZE = /\d\s?(?:[KMGTPkmgtp]i?[Bbo]\b|(?:kilo|mega|giga|tera|peta)|gigs?\b|teras?\b|gigas?\b)/;

interface Score {
  readonly at: number;
  /** What is said of the thing itself: its nouns, what only it takes. */
  readonly core: number;
  /** With all that bears it out. */
  readonly total: number;
  readonly nouns: readonly Said[];
}

/** The blueprint that a request asks for, by the words that blueprints bring along; refuses what fits none, or two alike. */
export function readIntent(request: Request, blueprints: readonly Blueprint[]): Intent {
  const index = libraryIndex(blueprints);
  const scores = rank(request, index);
  const [first, second] = scores;
  const examples = blueprints.slice(0, 3).flatMap(({ intents }) => intents.examples.slice(0, 1));
  const nothing: Intent = { ok: false, code: 'not_understood', message: 'I do not know what you want to run', hint: `say it for example so: ${examples.join('; ')}` };
  if (!first || first.core < LEAST) return nothing;
  const blueprint = index.blueprints[first.at];
  if (!blueprint) return nothing;
  if (onlyTells(request, index, first)) return nothing;
  const other = otherWish(request, first.nouns[0]);
  if (other !== undefined) return { ok: false, code: 'not_understood', message: `I plan new things; I cannot ${other} here`, hint: 'to look: 3bot contract list; to end one that is yours: 3bot contract cancel ID' };
  if (second && second.core >= LEAST && first.nouns.length > 0 && second.nouns.length > 0 && second.total >= first.total * CLOSE) {
    return { ok: false, code: 'ambiguous', message: `this could be ${blueprint.blueprint} or ${index.blueprints[second.at]?.blueprint ?? ''}`, hint: 'name one of them' };
  }
  return { ok: true, blueprint, nouns: first.nouns };
}

/** `our database is slow`: speaks of a thing, asks for none and says nothing of how it shall be. */
function onlyTells(request: Request, index: LibraryIndex, { nouns }: Score): boolean {
  const [noun] = nouns;
  if (!noun || request.literals.length > 0 || /\d/.test(request.text)) return false;
  const all = saidTerms(request, index);
  const isWished = request.tokens.some(({ norm }) => WISHES.has(norm)) || all.some(({ entry }) => entry.verbs.size > 0 || (entry.nouns.size === 0 && entry.hints.size > 0));
  return !isWished && request.tokens.some(({ norm }) => TELLS.has(norm)) && roleOf(request, noun, all).article === 'definite';
}

/** Verbs that say how things are. */
const TELLS = new Set('is are was were says said has had works ist sind war waren hat sagt est sont etait ont dit e sono era ha hanno dice es son esta estan tiene dicen zijn heeft zegt'.split(' '));

/** Blueprints by how much a request says of them, most first. */
function rank(request: Request, index: LibraryIndex): Score[] {
  const all = saidTerms(request, index).filter(({ from, to, entry }) => entry.nouns.size > 0 || to - from > 1 || !WISHES.has(request.tokens[from]?.norm ?? ''));
  const nouns = all.filter(({ entry }) => entry.nouns.size > 0).slice(0, MAX_NOUNS);
  const weights = weighNouns(request, all, nouns, index);
  const said = Math.max(0, ...nouns.flatMap((noun) => [...noun.entry.nouns].map((at) => weights.get(noun)?.(at) ?? 0)));
  const imaged = said < CLEAR && saysImage(request, all, index);
  const heads = request.tokens.flatMap(({ norm }, i) => (request.free(i) && norm.length > 3 && !SUBORDINATORS.has(norm) ? (index.kinds.get(norm) ?? []).filter(({ term }) => term.at(-1) === norm) : []));
  const hasSize = SIZE.test(request.text);
  const words = new Set(exampleWords(request.text));
  return index.blueprints
    .map((_, at): Score => {
      const own = nouns.filter(({ entry }) => entry.nouns.has(at)).map((said) => ({ said, weight: weights.get(said)?.(at) ?? 0 })).sort((a, b) => b.weight - a.weight);
      const best = own[0]?.weight ?? 0;
      const more = own.find(({ said, weight }) => weight > 0 && said.entry !== own[0]?.said.entry)?.weight ?? 0;
      const unique = evidence(all, (term) => (term.entry.hints.has(at) && term.entry.hints.size === 1 && term.entry.nouns.size === 0 ? 0.3 : 0), { most: 0.9, at });
      const shared = evidence(all, (term) => (term.entry.hints.has(at) && (term.entry.hints.size > 1 || term.entry.nouns.size > 0) ? 0.15 / term.entry.hints.size : 0), { most: 0.25, at });
      const verbs = evidence(all, (term) => (term.entry.verbs.has(at) && !term.entry.nouns.has(at) && !isNamed(request, term) ? 0.3 / term.entry.verbs.size : 0), { most: 0.45, at });
      const written = literalEvidence(request, index, { at, imaged });
      const sized = hasSize && index.takes[at]?.size === true;
      // Who says what to do with so many bytes (`keep 5 TB`) has said enough.
      const kept = said < CLEAR && best === 0 && sized && verbs + unique >= 0.25 ? verbs + unique + 0.15 : 0;
      // `our own keys, in a store`: the kind is said apart from what tells which.
      const kind = best === 0 && unique > 0 && heads.some((entry) => entry.nouns.has(at)) ? 0.3 : 0;
      const core = best + kept + kind + Math.max(0, written) + (kept === 0 && (unique >= 0.6 || best > 0 || written > 0 || kind > 0) ? unique : 0);
      const total = core + Math.min(0, written) + 0.25 * more + shared + verbs + (sized ? 0.1 : 0) + likeExamples(words, index, at) - (index.takes[at]?.effort ?? 0);
      return { at, core: core + (best > 0 ? Math.min(verbs, 0.15) + (sized ? 0.05 : 0) : 0), total, nouns: own.filter(({ weight }) => weight > 0).map(({ said }) => said) };
    })
    .sort((a, b) => (b.core < LEAST ? 0 : b.total) - (a.core < LEAST ? 0 : a.total) || a.at - b.at);
}

/** Behind an article a verb is none: `a store`. */
function isNamed(request: Request, { from }: Range): boolean {
  const before = request.tokens[from - 1]?.norm ?? '';
  return INDEFINITE.has(before) || DEFINITE.has(before);
}

/** Each different parameter, or else term, once, up to a bound. */
function evidence(all: readonly Said[], weigh: (said: Said) => number, { most, at }: { readonly most: number; readonly at: number }): number {
  const terms = new Map<unknown, number>();
  for (const said of all) {
    const key = said.entry.hints.get(at) ?? said.entry;
    terms.set(key, Math.max(terms.get(key) ?? 0, weigh(said) * said.quality));
  }
  return Math.min(most, [...terms.values()].reduce((sum, weight) => sum + weight, 0));
}

type Weight = (at: number) => number;

/** What each noun that is said weighs for a blueprint: how rare it is, how well it is written, and where it stands. */
function weighNouns(request: Request, all: readonly Said[], nouns: readonly Said[], index: LibraryIndex): Map<Said, Weight> {
  const romance = ['fr', 'it', 'es'].includes(guessLanguage(request.tokens));
  const weights = new Map<Said, Weight>();
  const roles = nouns.map((said) => roleOf(request, said, all));
  nouns.forEach((said, i) => {
    const role = roles[i];
    if (!role || role.denied || isTakenBack(request, said, nouns)) return;
    const rarity = (at: number): number => 1 / said.entry.nouns.size / (1 + 0.35 * [...said.entry.hints.keys()].filter((by) => by !== at).length);
    const length = 1 + 0.25 * Math.min(2, said.entry.term.length - 1);
    const place = factor(role, i) * (CONTENTS.has(request.tokens[said.to]?.norm ?? '') ? 0.35 : 1) * neighbours(request, said, nouns, romance) * (isQuoted(request, said) ? 0.6 : 1);
    // `a store for keys and values`: the head only names the kind.
    const general = nouns.some((other) => other !== said && isKindOf(index, other, said));
    const { under } = role;
    const below = typeof under !== 'object' ? UNDER[under] : isKindOf(index, said, under) ? 0.9 : 0.4;
    // `redis in a container`: what holds an image is what is asked for.
    const holds = (at: number): boolean => role.inside && index.takes[at]?.required.has('image') === true;
    weights.set(said, (at) => rarity(at) * length * said.quality * place * (holds(at) ? 1.5 : below) * (general ? 0.6 : 1));
  });
  return weights;
}

/** True when one noun, together with the other, is what a blueprint is called: keys and values with a store. */
function isKindOf(index: LibraryIndex, { entry }: Said, head: Said): boolean {
  const [word] = head.entry.term;
  if (head.entry.term.length > 1 || word === undefined) return false;
  return (index.kinds.get(word) ?? []).some(({ term, nouns }) => [...nouns].some((by) => entry.nouns.has(by) && !head.entry.nouns.has(by)) && term.some((part) => part !== word && entry.term.some((own) => part.length > 2 && own.startsWith(part.slice(0, 3)))));
}

/** What a noun weighs under a head that is none of ours. */
const UNDER = { nothing: 1, other: 0.6, foreign: 0.12 } as const;

function factor(role: Role, order: number): number {
  const article = { indefinite: 1.1, definite: 0.85, none: 1 }[role.article];
  return article * (role.as ? 1.3 : 1) * (role.wished ? 1.1 : 1) * (order === 0 ? 1.05 : 1);
}

/** Of two nouns side by side one describes the other: the first does in Germanic languages, the second in Romance ones. */
function neighbours(request: Request, said: Said, nouns: readonly Said[], romance: boolean): number {
  const isOther = (other: Said): boolean => other !== said && [...other.entry.nouns].every((by) => !said.entry.nouns.has(by));
  const hyphen = (at: number): boolean => request.tokens[at]?.raw === '-';
  const next = nouns.find((other) => isOther(other) && (other.from === said.to || (other.from === said.to + 1 && hyphen(said.to))));
  const previous = nouns.find((other) => isOther(other) && (other.to === said.from || (other.to === said.from - 1 && hyphen(other.to))));
  if (next && (!romance || hyphen(said.to))) return 0.45;
  if (previous && romance && !hyphen(previous.to)) return 0.55;
  return 1;
}

function isQuoted(request: Request, { from, to }: Range): boolean {
  return request.quotes.some((quote) => quote.from <= from && quote.to >= to);
}

/** `a container, no, a database`: the correction stands right before the later one. */
function isTakenBack(request: Request, said: Said, nouns: readonly Said[]): boolean {
  const later = nouns.find((other) => other.from >= said.to && [...other.entry.nouns].every((by) => !said.entry.nouns.has(by)));
  if (!later) return false;
  const from = Math.max(said.to, later.from - 6);
  for (let at = from; at < later.from; at++) if (request.tokens[at]?.kind === 'number') return false;
  return isCorrected(request, from, later.from);
}

/** Images, addresses, variables and quoted commands: taken by some blueprints and not by others. */
function literalEvidence(request: Request, index: LibraryIndex, { at, imaged }: { readonly at: number; readonly imaged: boolean }): number {
  const takes = index.takes[at];
  if (!takes) return 0;
  let sum = 0;
  const kinds = new Set<string>([...request.literals.map(({ kind }) => kind), ...(imaged ? ['image'] : [])]);
  for (const kind of ['image', 'location', 'pair'] as const) {
    if (!kinds.has(kind)) continue;
    sum += takes.kinds.has(kind) ? (takes.required.has(kind) ? 0.7 : 0.4) : -0.5;
  }
  if (takes.kinds.has('location') && request.literals.some(({ kind, text }) => kind === 'location' && takes.forms.has(formOf(text)))) sum += 0.25;
  if (takes.command && takesCommand(request)) sum += 0.5;
  // A job without a command is no job.
  if (takes.command && !takesCommand(request)) sum -= 0.2;
  return sum;
}

/** `nginx image, 1 core`: a name beside the word for an image, and something that what runs it takes. */
function saysImage(request: Request, all: readonly Said[], index: LibraryIndex): boolean {
  const names = ({ entry }: Said, isImage: boolean): boolean => [...entry.hints].some(([by, name]) => (index.blueprints[by]?.parameters[name]?.type === 'image') === isImage && index.takes[by]?.required.has('image') === true);
  const isName = (at: number): boolean => request.free(at)?.kind === 'word' && (request.tokens[at]?.norm.length ?? 0) > 2 && !all.some(({ from, to }) => at >= from && at < to) && !SUBORDINATORS.has(request.tokens[at]?.norm ?? '') && !WISHES.has(request.tokens[at]?.norm ?? '') && !DEFINITE.has(request.tokens[at]?.norm ?? '');
  const hyphen = (at: number, step: number): number => (request.tokens[at]?.raw === '-' ? at + step : at);
  const image = all.find((said) => said.quality === 1 && said.entry.nouns.size === 0 && names(said, true));
  return image !== undefined && (isName(hyphen(image.from - 1, -1)) || isName(hyphen(image.to, 1))) && all.some((said) => said !== image && names(said, false));
}

/** Something in quotes that a shell would take. */
function takesCommand(request: Request): boolean {
  return request.quotes.some(({ text }) => /^[\w./-]+(?:\s+\S+)*$/.test(text) && (/\s-|\.\w{1,4}\b|^\.?\//.test(text) || /^(?:python3?|make|bash|sh|node|perl|ruby|go|npm|cargo|java|julia|Rscript)\b/.test(text)));
}

/** How much a request is like a blueprint's examples. */
function likeExamples(words: ReadonlySet<string>, index: LibraryIndex, at: number): number {
  let sum = 0;
  for (const word of words) if (index.examples[at]?.has(word)) sum += 0.06 / (index.spread.get(word) ?? 1);
  return Math.min(0.2, sum);
}
