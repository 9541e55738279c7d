import type { Parameter } from '../../../knowledge/parameter.ts';
import { isCorrected } from './corrections.ts';
import { alike, type Mention, UNAVAILABLE } from './hints.ts';
import type { Range, Request } from './tokens.ts';
import { isDenied, termOf } from './vocabulary.ts';

export interface WordReading extends Range {
  readonly value: string | boolean;
}

/** Most words that may stand between the words of one hint. */
const SLACK = 4;
const NO_AFTER = /^(?:no|false|off|nein|nicht|non|faux|falso|nee|uit|aus|nao|0)$/;
const YES_AFTER = /^(?:yes|true|on|ja|oui|vrai|si|vero|verdadero|an|aan|1|notwendig)$/;
const NEED = /^(?:need|needs|have|has|required|necessary|matter|muss|mussen|brauch\w*|notig|notwendig|doit|besoin|necessaire|deve|serve|necessario|bisogno|necesita|hace|falta|necesario|hoeft|hoeven|nodig)$/;

/** Whether something is so: its word, unless it is denied (`not immutable`, `immutable: no`, `need not be immutable`). */
export function readFlag(request: Request, parameter: Parameter, nouns: readonly Mention[]): WordReading[] {
  const found = nouns.filter((noun) => request.isFree(noun)).map((noun) => ({ from: noun.from, to: noun.to, value: !denied(request, noun) }));
  if (found.length > 0) return found;
  // `may never, by anybody, be modified`
  return parameter.hints.nouns.flatMap((noun) => scattered(request, termOf(noun)) ?? []).slice(0, 1).map((range) => ({ ...range, value: true }));
}

function denied(request: Request, noun: Range): boolean {
  const colon = /^[:=]$/.test(request.tokens[noun.to]?.raw ?? '') ? 1 : 0;
  const next = request.tokens[noun.to + colon]?.norm ?? '';
  if (colon === 1 && NO_AFTER.test(next)) return true;
  if (colon === 1 && YES_AFTER.test(next)) return false;
  if (isDenied(request, noun.from, 2) || isSetOff(request, noun.to)) return true;
  // `it does not have to be immutable`, `muss nicht unveränderlich sein`
  const words = request.tokens.slice(Math.max(0, noun.from - 6), noun.from).map(({ norm }) => norm);
  const start = Math.max(words.lastIndexOf(','), words.lastIndexOf('.')) + 1;
  const near = words.slice(start);
  return near.some((word) => NEED.test(word)) && isDenied(request, noun.from, near.length);
}

const LINK_AFTER = /^(?:is|are|be|should|must|turned|switched|set|to|ist|soll|sein|est|soit|e|sia|es|sea|este|esta|staat|moet|hay|,)$/;
const OFF_AFTER = /^(?:off|disabled|deactivated|unnecessary|deaktiviert|ausgeschaltet|abgeschaltet|unnotig|desactive|desactivee|inutile|disattivat[oaie]|disabilitat[oaie]|desactivad[oa]s?|deshabilitad[oa]s?|innecesari[oa]|uitgeschakeld|onnodig|overbodig)$/;
const NOT_AFTER = /^(?:not|isn|nicht|pas|non|no|niet)$/;

/** `immutability off`, `WORM is not needed`: taken back behind its word. */
function isSetOff(request: Request, from: number): boolean {
  const norm = (i: number): string => request.tokens[i]?.norm ?? '';
  let at = from;
  while (at < from + 4 && LINK_AFTER.test(norm(at))) at++;
  if (OFF_AFTER.test(norm(at))) return true;
  if (!NOT_AFTER.test(norm(at))) return false;
  return [1, 2, 3].some((ahead) => NEED.test(norm(at + ahead)) || /^(?:needed|wanted|gebraucht|gewunscht|requise|voulue|richiest[oa]|requerid[oa]|gewenst|vereist)$/.test(norm(at + ahead)));
}

/** One value of a choice: by its words, which may stand apart and in any order (`the keys I choose myself`). */
export function readChoice(request: Request, parameter: Extract<Parameter, { type: 'choice' }>, mentions: readonly Mention[], name: string): WordReading[] {
  const found: WordReading[] = [];
  for (const mention of mentions) {
    const choice = mention.meanings.find((meaning) => meaning.parameter === name && meaning.choice !== undefined)?.choice;
    if (choice !== undefined && !isDenied(request, mention.from)) found.push({ from: mention.from, to: mention.to, value: choice });
  }
  // `from Oracle to Postgres`
  const offered = found.filter(({ from, value }) => value !== UNAVAILABLE || !isLeft(request, from));
  if (found.length > 0) return offered.length > 0 ? offered : found;
  for (const [value, { nouns }] of Object.entries(parameter.choices)) {
    for (const noun of nouns) {
      const range = scattered(request, termOf(noun));
      if (range) found.push({ ...range, value });
    }
  }
  return found;
}

/** `from Oracle to Postgres`, `statt MySQL`: what is given up for what is asked. */
function isLeft(request: Request, from: number): boolean {
  const words = request.tokens.slice(Math.max(0, from - 3), from).map(({ norm }) => norm).join(' ');
  return /(?:^| )(?:from|off|away from|leave|quit|ditch|verlassen|quitter|quittons|verlaten|von|vom|weg von|depuis|de|d ['’]|da|dal|desde|van|vanaf|statt|anstatt|anstelle|instead of|replace|replaces|replacing|ersetzt|ersetzen|remplace|remplacer|au lieu de|plutot que|sostituire|sostituisce|invece di|reemplazar|sustituir|en vez de|in plaats van|vervangt|vervangen|after|nach|apres|leaving|unsere|unser|our|onze|notre|alte|alten|old|oude|ancien|ancienne)(?: (?:our|old|unser\w*|alte\w*|notre|ancien\w*|onze|oude|nostro|nuestro|the|der|die|das|une?|le|la|l ['’]))?$/.test(words);
}

/** The shortest stretch that has all words of a term, at most four others between them, inside one clause. */
function scattered(request: Request, term: readonly string[]): Range | undefined {
  if (term.length < 2) return undefined;
  for (let from = 0; from < request.tokens.length; from++) {
    const left = [...term];
    for (let at = from; at < request.tokens.length && at < from + term.length + SLACK; at++) {
      const token = request.free(at);
      if (!token || /^[.,;!?]$/.test(token.raw)) break;
      const hit = left.findIndex((word) => alike(token.norm, word) >= (word.length >= 6 ? 1 : 3));
      if (at === from && hit < 0) break;
      if (hit >= 0) left.splice(hit, 1);
      if (left.length === 0) return { from, to: at + 1 };
    }
  }
  return undefined;
}

/** The reading that stands: the only value, or the one that takes the others back. */
export function settled<T extends Range & { readonly value: unknown }>(request: Request, readings: readonly T[]): { reading: T | undefined; clash: T | undefined } {
  let reading: T | undefined;
  for (const next of [...readings].sort((a, b) => a.from - b.from)) {
    if (reading && JSON.stringify(reading.value) !== JSON.stringify(next.value) && !isCorrected(request, reading.to, next.from)) return { reading, clash: next };
    reading = next;
  }
  return { reading, clash: undefined };
}
