import type { Request } from './tokens.ts';

/** Words that take back what was said just before, wherever they stand between two values. */
export const TAKING_BACK: ReadonlySet<string> = new Set(
  `sorry actually rather correction oops scratch wait instead meant mean
  nein lieber besser moment quatsch korrektur sondern beziehungsweise bzw eigentlich pardon verzeihung entschuldigung doch ahm
  plutot enfin pardon desole desolee attends attendez euh erreur rectification
  anzi scusa scusate scusi meglio piuttosto cioe
  perdon mejor digo perdona perdonad disculpa quiero corrijo
  wacht liever sorry oftewel herstel toch pardon`.trim().split(/\s+/),
);
/** Words that do so only as an interjection: beside a comma, dots or another of these words. */
const INTERJECTIONS = new Set(['no', 'nope', 'non', 'nee', 'neen', 'na', 'hmm', 'hm', 'uh', 'er', 'ah', 'ach', 'oh', 'ah', 'ehm', 'eh', 'ups', 'o', 'oder', 'or', 'ou', 'of', 'make', 'say', 'facciamo', 'facciamola', 'disons', 'sagen', 'maak', 'maar', 'ponlo', 'pon', 'que', 'mettons', 'nicht', 'pas', 'niet', 'aber', 'but', 'oops', 'mach', 'doe', 'zeg', 'diciamo', 'digamos']);
/** Groups that correct: `make it`, `ik bedoel`. */
const GROUPS = ['make it', 'make that', 'i mean', 'i meant', 'scratch that', 'no wait', 'or better', 'let s say', 'call it', 'so in total', 'that makes', 'which makes', 'macht zusammen', 'also insgesamt', 'quindi', 'o sea', 'es decir', 'asi que', 'por tanto', 'dus samen', 'ich meine', 'sagen wir', 'mach daraus', 'mach mal', 'oder besser', 'je veux dire', 'ou plutot', 'o meglio', 'volevo dire', 'facciamo', 'mejor dicho', 'quiero decir', 'o mejor', 'ik bedoel', 'doe maar', 'maak er', 'maak daar', 'of nee', 'of beter', 'o nee', 'ou mieux', 'disons', 'diciamo', 'digamos'].map((group) => group.split(' '));
const PAUSE = /^[,;.:!?…()\u2013\u2014-]$/;
/** Furthest that a value and its correction stand apart, in tokens. */
const REACH = 14;

/** True when the words from one token up to another take back what stands before them: `1 TB, no, make it 2 TB`. */
export function isCorrected(request: Request, from: number, to: number): boolean {
  if (to - from < 1 || to - from > REACH) return false;
  for (let at = from; at < to; at++) {
    const token = request.tokens[at];
    if (!token || token.kind !== 'word') continue;
    if (TAKING_BACK.has(token.norm) && !(token.norm === 'doch' && isPlainAt(request, at))) return true;
    if (startsGroup(request, at, to)) return true;
    if (isInterjection(token.norm) && beside(request, at, from, to)) return true;
  }
  return false;
}

function isPlainAt(request: Request, at: number): boolean {
  return !PAUSE.test(request.tokens[at - 1]?.raw ?? ',');
}

function isInterjection(norm: string): boolean {
  return ['no', 'nope', 'non', 'nee', 'neen', 'na', 'hmm', 'hm', 'uh', 'ah', 'ach', 'ehm', 'ah', 'ahh'].includes(norm);
}

/** `…, no, …`, `… no 7 TB`: a pause on both sides, or on one side and only such words up to the value; or nothing but it in between. */
function beside(request: Request, at: number, from: number, to: number): boolean {
  const before = at === from || PAUSE.test(request.tokens[at - 1]?.raw ?? '') || INTERJECTIONS.has(request.tokens[at - 1]?.norm ?? '');
  const after = at + 1 === to || PAUSE.test(request.tokens[at + 1]?.raw ?? '') || INTERJECTIONS.has(request.tokens[at + 1]?.norm ?? '') || TAKING_BACK.has(request.tokens[at + 1]?.norm ?? '');
  return (before && after) || (before && at + 2 === to) || (at + 1 === to && ['nee', 'nein', 'non', 'no'].includes(request.tokens[at]?.norm ?? '') && request.tokens[to]?.kind === 'number');
}

function startsGroup(request: Request, at: number, to: number): boolean {
  return GROUPS.some((group) => at + group.length <= to + 1 && group.every((word, i) => wordFrom(request, at, i) === word));
}

/** The i-th word from a token on, apostrophes stepped over. */
function wordFrom(request: Request, at: number, i: number): string {
  let index = at;
  for (let left = i; left > 0; left--) {
    index++;
    while (/^['’]$/.test(request.tokens[index]?.raw ?? '')) index++;
  }
  return request.tokens[index]?.norm ?? '';
}
