import type { Entry, LibraryIndex, Likeness } from './library-index.ts';
import type { Range, Request } from './tokens.ts';
import { isTypoOf } from './typo.ts';

/** A term of the library that was said. */
export interface Said extends Range {
  readonly entry: Entry;
  /** From 0 to 1: the very word, an inflected or misspelt one, a part of a compound. */
  readonly quality: number;
}

/** Said words remembered. */
const MAX_SEEN = 10_000;
/** Shortest word that takes endings or ends a compound (Backuparchiv). */
const STEM = 5;
/** How nouns end when they are many or belong to something; no other letters, or disco would be found in Discord. */
const ENDINGS = /^(?:s|es|e|n|en|er|em|ern|ns|i|a|o|x|t|te|tje|je|jes|d|ed|al|le|li|ni|ti|ci)$/;
/** Heads that say no more than what they are put behind: Datenbankserver. */
const EMPTY_HEADS = /^(?:s|n|en|e|er)?(?:server|servern|system|systeme|systems|dienst|dienste|service|losung|instanz|plattform|umgebung|software|platz|tool|ding|zeug|oplossing|dienst|systeem|omgeving|programma|programm)s?$/;

/** Every term said, the longest at each place; a term inside a longer one is left out. */
export function saidTerms(request: Request, index: LibraryIndex): Said[] {
  const found: Said[] = [];
  for (let from = 0; from < request.tokens.length; from++) {
    let best: Said | undefined;
    const token = request.free(from);
    if (!token || token.kind === 'symbol') continue;
    // `off-site` is no site.
    if (token.attached && request.tokens[from - 1]?.raw === '-' && /^(?:off|on|in|multi|cross|auf|aus|hors|fuori)$/.test(request.tokens[from - 2]?.norm ?? '')) continue;
    for (const { word, quality } of likenesses(index, token.norm)) {
      for (const entry of index.byFirst.get(word) ?? []) {
        const said = match(request, entry, from, quality);
        if (said && (!best || weight(said) > weight(best))) best = said;
      }
    }
    if (best) found.push(best);
  }
  return found.filter((said) => !found.some((other) => other !== said && other.from <= said.from && other.to >= said.to && other.to - other.from > said.to - said.from));
}

/** More words are surer than fewer. */
function weight({ entry, quality }: Said): number {
  return entry.term.length + quality;
}

function match(request: Request, entry: Entry, from: number, first: number): Said | undefined {
  let at = from + 1;
  let quality = first;
  for (const word of entry.term.slice(1)) {
    while (/^[-/'’+]$/.test(request.free(at)?.raw ?? '')) at++;
    const token = request.free(at);
    if (!token || token.kind === 'symbol') return undefined;
    const like = inner(token.norm, word);
    if (like === 0) return undefined;
    quality = Math.min(quality, like);
    at++;
  }
  return { from, to: at, entry, quality };
}

/** A later word of several may be short and inflected, or begin a compound: sleutel-waardeparen. */
function inner(said: string, word: string): number {
  if (word.length >= 4 && said.startsWith(word) && said !== word) return ENDINGS.test(said.slice(word.length)) ? 0.95 : word.length >= 5 ? 0.8 : 0;
  return likeness(said, word, 5);
}

function likenesses(index: LibraryIndex, norm: string): readonly Likeness[] {
  const known = index.seen.get(norm);
  if (known) return known;
  const found: Likeness[] = [];
  for (const word of index.firsts) {
    // The first of several words may be misspelt even when it is short: the others bear it out.
    const shortest = (index.byFirst.get(word) ?? []).some(({ term }) => term.length > 1) ? STEM : undefined;
    const quality = likeness(norm, word, shortest);
    if (quality > 0) found.push({ word, quality });
  }
  // A word that stands in the library as it was said is no slip for another.
  const exact = found.some(({ quality }) => quality === 1);
  const kept = exact ? found.filter(({ quality, word }) => quality > 0.8 || (index.byFirst.get(word) ?? []).some(({ term }) => term.length > 1)) : found;
  if (index.seen.size >= MAX_SEEN) index.seen.clear();
  index.seen.set(norm, kept);
  return kept;
}

/** Words that look like a slip of another. */
const NO_SLIPS = new Set(['drie', 'derive', 'schrijf', 'schrijft', 'schrijven', 'posta', 'poste', 'posten', 'desk', 'wave', 'stage', 'stages', 'storm', 'story', 'stories', 'chive', 'columns', 'plaats', 'plane', 'plate', 'volleyball', 'discount', 'costume', 'customs', 'custom', 'crime', 'baking']);

function likeness(said: string, word: string, shortest?: number): number {
  if (said === word) return 1;
  if (NO_SLIPS.has(said)) return 0;
  if (word.length >= STEM) {
    if (said.startsWith(word)) {
      if (ENDINGS.test(said.slice(word.length))) return 0.95;
      if (EMPTY_HEADS.test(said.slice(word.length))) return 0.8;
    }
    if (said.length - word.length >= (word.length >= 6 ? 2 : 3) && said.endsWith(word)) return 0.85;
    // Several of a compound: Backuparchive.
    if (word.length >= 6 && said.length - word.length >= 4 && /^(?:s|e|n|en|er|es)$/.test(said.slice(said.lastIndexOf(word) + word.length)) && said.lastIndexOf(word) > 2) return 0.8;
  }
  return isTypoOf(said, word, shortest) ? 0.75 : 0;
}
