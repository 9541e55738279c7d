import { AS, DEFINITE, EMPTY, FOREIGN, INDEFINITE, INSTEAD, NOT, PAUSE, SENTENCE_END, SUBORDINATORS, WISHES } from './intent-words.ts';
import type { Said } from './mentions.ts';
import type { Request } from './tokens.ts';

/** How a term stands in its sentence. */
export interface Role {
  /** What it is part of or serves, when it is not itself the thing asked for. */
  readonly under: 'nothing' | 'foreign' | 'other' | Said;
  /** `as a container`, or with `in` where it can hold something. */
  readonly as: boolean;
  readonly inside: boolean;
  readonly article: 'indefinite' | 'definite' | 'none';
  readonly wished: boolean;
  readonly denied: boolean;
}

const UNIT = /^(?:[kmgtpe]i?[bo]|(?:kilo|mega|giga|tera|peta|kibi|mebi|gibi|tebi|pebi)(?:bytes?|octets?)?|gigs?|teras?|gigas?|petas?)$/;
/** How far back a sentence is read. */
const REACH = 14;

/** Reads a term's sentence backwards: what phrase it heads, and what that phrase hangs on. */
export function roleOf(request: Request, said: Said, all: readonly Said[]): Role {
  const { tokens } = request;
  const start = wholePhrase(request, said, all);
  const first = tokens[start]?.norm ?? '';
  const article = INDEFINITE.has(first) || tokens[start]?.kind === 'number' ? 'indefinite' : DEFINITE.has(first) ? 'definite' : 'none';
  const before = tokens[start - 1];
  const norm = before?.norm ?? '';
  const inside = ['in', 'im', 'dans', 'en', 'inside'].includes(norm);
  const common = { article, as: AS.has(norm), inside, denied: isDeniedAt(request, start, said.from), wished: isWished(request, start, all) } as const;
  if (!before || PAUSE.test(before.raw) || !SUBORDINATORS.has(norm)) return { ...common, under: 'nothing' };
  return { ...common, under: headBefore(request, start - 1, all) };
}

/** With the measure before it: `lots of storage`, `50 GB of storage`. */
function wholePhrase(request: Request, said: Said, all: readonly Said[]): number {
  let start = phraseStart(request, said.from, all);
  for (let steps = 0; steps < 2 && start > 1 && isMeasured(request, start - 1); steps++) start = phraseStart(request, start - 2, all);
  return start;
}

/** First token of the phrase that a term heads: over the words that describe it, back to an article. */
function phraseStart(request: Request, head: number, all: readonly Said[]): number {
  const { tokens } = request;
  let at = head;
  while (at > 0 && head - at < 6) {
    const token = tokens[at - 1];
    if (!token || PAUSE.test(token.raw) || SUBORDINATORS.has(token.norm) || WISHES.has(token.norm) || AS.has(token.norm) || isJoin(token.norm)) break;
    if (NOT.has(token.norm) || request.free(at - 1) === undefined || (token.raw !== '-' && all.some(({ to, entry }) => to === at && entry.nouns.size > 0))) break;
    at--;
    if (INDEFINITE.has(token.norm) || DEFINITE.has(token.norm)) break;
  }
  return at;
}

function isJoin(norm: string): boolean {
  return ['and', 'or', 'und', 'oder', 'et', 'ou', 'e', 'o', 'y', 'en', 'of'].includes(norm);
}

/** `120 terabytes of`: a measure is no thing. */
function isMeasured(request: Request, preposition: number): boolean {
  const before = request.tokens[preposition - 1];
  return before !== undefined && ['of', 'de', 'd', 'di', 'van', 'von', 'an'].includes(request.tokens[preposition]?.norm ?? '') && (before.kind === 'number' || UNIT.test(before.norm) || EMPTY.has(before.norm));
}

/** What stands before a preposition: one of our things, something foreign, something unknown, or nothing. */
function headBefore(request: Request, preposition: number, all: readonly Said[]): Role['under'] {
  const { tokens } = request;
  let other = false;
  for (let at = preposition - 1; at >= Math.max(0, preposition - REACH); at--) {
    const token = tokens[at];
    if (!token || SENTENCE_END.test(token.raw) || token.raw === ':') break;
    if (FOREIGN.has(token.norm)) return 'foreign';
    const ours = all.find(({ from, to, entry }) => entry.nouns.size > 0 && at >= from && at < to);
    if (ours) return ours;
    // `a gaming PC with an SSD`: a thing we do not know is what is asked for.
    if (other && INDEFINITE.has(token.norm) && WITH.has(tokens[preposition]?.norm ?? '') && opensWish(request, at)) return 'foreign';
    if (WISHES.has(token.norm)) break;
    if (PAUSE.test(token.raw)) { if (other) break; continue; }
    if (token.kind === 'word' && request.free(at) && token.norm.length > 2 && !EMPTY.has(token.norm) && !SUBORDINATORS.has(token.norm) && !INDEFINITE.has(token.norm) && !DEFINITE.has(token.norm) && !UNIT.test(token.norm)) other = true;
  }
  return other ? 'other' : 'nothing';
}

const WITH = new Set(['with', 'mit', 'avec', 'con', 'met']);

function opensWish(request: Request, at: number): boolean {
  const before = request.tokens[at - 1];
  return !before || PAUSE.test(before.raw) || WISHES.has(before.norm);
}

/** `no kubernetes`, `not a database`, `instead of a container`. */
function isDeniedAt(request: Request, start: number, noun: number): boolean {
  const { tokens } = request;
  let at = start - 1;
  if (NOT.has(tokens[noun - 1]?.norm ?? '')) return true;
  while (at >= 0 && start - at < 4 && ['of', 'than', 'von', 'de', 'di', 'van', 'du', 'd', "'", '’', 'que', 'che', 'dan', 'als', 'a', 'any', 'need', 'needs', 'require', 'requires', 'necesita', 'necesitan', 'requiere', 'braucht', 'brauche', 'brauchen', 'besoin', 'serve', 'servono', 'occorre', 'richiede', 'hace', 'falta', 'want', 'really', 'eine', 'einen'].includes(tokens[at]?.norm ?? '')) at--;
  const norm = tokens[at]?.norm ?? '';
  // `not immutable archive` denies the adjective; `no, an archive` denies nothing here.
  if (NOT.has(norm) && start === noun) return true;
  if (NOT.has(norm) && (INDEFINITE.has(tokens[start]?.norm ?? '') || DEFINITE.has(tokens[start]?.norm ?? '')) && noun - start <= 1) return true;
  return INSTEAD.has(norm) && (at < start - 1 || ['statt', 'anstatt', 'anstelle', 'replacing'].includes(norm));
}

function isWished(request: Request, start: number, all: readonly Said[]): boolean {
  for (let at = start - 1; at >= Math.max(0, start - 8); at--) {
    const token = request.tokens[at];
    if (!token || SENTENCE_END.test(token.raw)) return false;
    if (WISHES.has(token.norm)) return true;
    if (all.some(({ to, entry }) => to === at + 1 && entry.nouns.size > 0)) return false;
  }
  return false;
}
