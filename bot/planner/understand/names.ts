import type { Mention } from './hints.ts';
import { OTHERS } from './people.ts';
import { type Range, type Request, normalize } from './tokens.ts';

export interface NameReading extends Range {
  readonly name: string;
  /** The words that announce it, and it. */
  readonly said: Range;
}

/** Words that announce a name wherever they stand. */
export const CALLED: ReadonlySet<string> = new Set('called named namens genannt nomme nommee nommes appele appelee baptise baptisee chiamato chiamata denominato denominata llamado llamada denominado denominada nombrado nombrada genaamd genoemd geheten titled labelled labeled dubbed intitule intitulee intitolato titulado getiteld mame'.split(' '));
/** Nouns for a name: they announce one, but `my name` is a person's. */
export const NAME_NOUNS: ReadonlySet<string> = new Set('name namen nom nome nombre naam identifier alias identificador identificativo identifiant bezeichner bezeichnung denominazione denominacion benaming'.split(' '));
/** Verbs that give a name to what stands before them, or to `it`. */
export const CALL_VERBS: ReadonlySet<string> = new Set('call name heisst heissen heisse heist nenn nenne nennen nennt appelle appellera appelez appeler apelle nombra nombralo nombrala nombrar nombradlo nomme nommez nommer baptise baptisez chiama chiamera chiamalo chiamala chiamatelo chiamatela chiami chiamarlo chiamarla chiamare llama llamara llamalo llamala llame llamarlo llamarla llamar llamemoslo llamad llamadlo llamadla label dub tag title bautiza bautizalo bautizala bautizadlo battezza battezzalo battezzala intitola intitolalo betitel doop chiamiamo chiameremo chiamiamolo chiamiamola llamamos llamaremos appelons appellerons noem noemen heet heten'.split(' '));
/** `Datenbankname`, `clusternaam` */
const NAME_COMPOUND = /^(?:datenbank|database|databank|cluster|container|netz|netzwerk|netwerk|archiv|archief|bucket|speicher|anwendungs?|applikations?|applicatie|app|webapp|seiten?|website|site|projekt|project|volume|platten|laufwerks?|schijf|crm|namespace|service|dienst|deployment|system|systeem|instanz)na(?:me|men|am)$/;
const FILLERS = new Set([':', '=', '"', '“', '”', '„', '«', '»', "'", '‘', '’', '`', '-', 'it', 'is', 'be', 'ist', 'est', 'es', 'as', 'shall', 'should', 'will', 'sera', 'sara', 'soit', 'sea', 'sia', 'es', 'le', 'la', 'lo', 'het', 'hem', 'deze', 'dit', 'das', 'den', 'die', 'bitte', 'bitte', 'please', 'just', 'simply', 'einfach', 'de', 'di', 'of', 'von', 'van', 'soll', 'sein', 'lautet', 'them', 'this', 'that', 'ook', 'maar', 'wordt', 'zijn', 'moet', 'sarebbe', 'seria', 'serait', 'ware', 'would', 'ihn', 'sie', 'es', 'alors', 'graag']);
/** Never a name. */
const NO_NAMES = new Set('werden worden of for the in with and or server servers service von de di van del der des dem den die das mit et und ou oder o y e en pour per para por fur voor after nach apres dopo despues a an ein eine einen un une una uno een my mein mon mio mi mijn our unser notre nostro nuestro onze its which that who i we you on at to from please bitte also too auch ist is es est la le il el lo los las les it name nom nome nombre naam'.split(' '));
const PERSONAL = new Set('my mein meine meinem mon mio mi mijn your dein ihr votre ton tuo suo tu su jouw uw first last family user vor nach'.split(' '));
const VALUE = /[\p{L}\p{N}][\p{L}\p{N}._-]{0,99}/uy;
/** Longest DNS label. */
const MAX_LABEL = 63;

/** Every name that a request gives to what it asks for, as it was written. `things` are mentions of what is asked for, `others` of its parts. */
export function readNames(request: Request, things: readonly Mention[], others: readonly Mention[]): NameReading[] {
  const found: NameReading[] = [];
  for (let at = 0; at < request.tokens.length; at++) {
    const behind = postposed(request, at);
    if (behind) {
      found.push(behind);
      continue;
    }
    // `three machines named red, green and blue`: parts have names of their own.
    if (CALLED.has(request.tokens[at]?.norm ?? '') && others.some((mention) => mention.to === at)) continue;
    const value = announced(request, at, things);
    const reading = value === undefined ? undefined : valueAt(request, value);
    if (!reading || found.some((other) => other.from === reading.from)) continue;
    found.push({ ...reading, said: { from: at, to: reading.to } });
    at = reading.to - 1;
  }
  if (found.length > 0) return found;
  // `database "loans"`: quotes right behind what is asked for.
  for (const quote of request.quotes) {
    const thing = things.find((noun) => noun.to === quote.from || (noun.to === quote.from - 1 && /^[:,]$/.test(request.tokens[noun.to]?.raw ?? '')) || (quote.from - noun.to <= 2 && quote.from > noun.to && request.tokens.slice(noun.to, quote.from).every(({ kind }) => kind === 'word')));
    if (thing && /^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(quote.text) && request.isFree(quote) && !things.some((noun) => noun.from >= quote.from && noun.to <= quote.to && noun.sure === 4 && noun.to - noun.from > 1)) return [{ ...quote, name: quote.text, said: quote }];
  }
  return [];
}

const POSTPOSED = new Set(['heissen', 'heten', 'nennen', 'noemen', 'genannt', 'genoemd']);
const MODAL = new Set(['soll', 'sollte', 'sollen', 'moet', 'zou', 'wird', 'gaat', 'mag', 'kann', 'darf', 'muss', 'zal', 'wollen', 'willen', 'mochte', 'mochten']);

/** Pronouns that open a clause which tells the name: `…, das filialnetz heißt`. */
const RELATIVE = new Set(['der', 'die', 'das', 'dat']);

/** German and Dutch put the verb last: `soll vereinsheim heißen`. */
function postposed(request: Request, at: number): NameReading | undefined {
  const verb = request.free(at)?.norm ?? '';
  const finite = verb === 'heisst' || verb === 'heet';
  if (!(finite || POSTPOSED.has(verb)) || (verb.startsWith('gen') && !['werden', 'worden', 'wird', 'wordt'].includes(request.tokens[at + 1]?.norm ?? ''))) return undefined;
  const closing = /^["“”»'’`]$/.test(request.tokens[at - 1]?.raw ?? '') ? 1 : 0;
  let from = at - 1 - closing;
  while (from > 0 && request.tokens[from]?.attached && /^[\p{L}\p{N}._-]+$/u.test(request.tokens[from - 1]?.raw ?? '')) from--;
  let modal = from - 1;
  if (finite && /^["“„»«'‘`]$/.test(request.tokens[modal]?.raw ?? '')) modal--;
  const comma = request.tokens[modal - 1]?.raw === ',' ? 1 : 0;
  if (finite && (!RELATIVE.has(request.tokens[modal]?.norm ?? '') || (comma === 0 && verb !== 'heet') || OTHERS.has(request.tokens[modal - 1 - comma]?.norm ?? ''))) return undefined;
  while (!finite && modal >= 0 && modal >= from - 5 && !MODAL.has(request.tokens[modal]?.norm ?? '')) modal--;
  const value = finite || MODAL.has(request.tokens[modal]?.norm ?? '') ? valueAt(request, from) : undefined;
  return value && value.to === at - closing ? { ...value, said: { from: value.from, to: at + 1 } } : undefined;
}

/** Index of the token where an announced name begins. */
function announced(request: Request, at: number, things: readonly Mention[]): number | undefined {
  const said = request.free(at)?.norm ?? '';
  const norm = NAME_COMPOUND.test(said) ? 'name' : said;
  const participle = CALLED.has(norm);
  if (isGiven(request, at)) return at + 1;
  if (!participle && !NAME_NOUNS.has(norm) && !CALL_VERBS.has(norm)) return undefined;
  if (isOther(request, at, things)) return undefined;
  if (!participle && !CALL_VERBS.has(norm) && (PERSONAL.has(request.tokens[at - 1]?.norm ?? '') || OTHERS.has(request.tokens[at + 2]?.norm ?? '') && ['of', 'von', 'de', 'di', 'van'].includes(request.tokens[at + 1]?.norm ?? ''))) return undefined;
  // `in the name of`, `im Namen von`, `sign in my name`: nobody is named.
  if (NAME_NOUNS.has(norm) && !participle && ['in', 'im', 'au', 'en', 'a', 'op'].includes(request.tokens[at - 1]?.norm ?? '')) return undefined;
  let value = at + 1;
  // `call it`, but not `call me`; `name` alone may stand right before its value.
  // `call the thing osprey`
  if (/^(?:the|das|la|le|el|il|het)$/.test(request.free(value)?.norm ?? '') && /^(?:thing|whole|lot|ding|ganze|chose|cosa|tutto|todo|geheel)$/.test(request.free(value + 1)?.norm ?? '')) value += 2;
  while (value <= at + 5 && (FILLERS.has(request.free(value)?.norm ?? '') || (CALL_VERBS.has(norm) && isObject(request, value, things)))) value++;
  const verbAlone = CALL_VERBS.has(norm) && !participle && value === at + 1;
  if (verbAlone && /^(?:me|us|him|her|them|you|mich|mir|uns|ihn|moi|nous|mi|ci|nos|ons)$/.test(request.free(value)?.norm ?? '')) return undefined;
  const finite = /^(?:heisst|heissen|heisse|heist|appelle|appellera|appelons|appellerons|chiama|chiamera|chiami|chiamiamo|chiameremo|llama|llamara|llame|llamamos|llamaremos|heet|heten)$/.test(norm);
  // `à nommer coffre`, `te noemen`
  const told = ['a', 'da', 'zu', 'te', 'para', 'to', 'be'].includes(request.tokens[at - 1]?.norm ?? '');
  if (verbAlone && !finite && !told && !/^(?:chiam|llam|nombr|bautiz|battezz|intitol)\w*l[oa]$/.test(norm) && !(norm === 'call' || norm === 'name' || norm === 'noem' || norm === 'nenne' || norm === 'nennen')) return NAME_NOUNS.has(norm) ? value : undefined;
  return value;
}

const GIVES = new Set(['ponle', 'ponedle', 'pongale', 'ponganle', 'pongamosle', 'mettigli', 'dagli']);

/** `ponle barrio-sur`: gives a name where nothing else follows. */
function isGiven(request: Request, at: number): boolean {
  if (!GIVES.has(request.free(at)?.norm ?? '') || request.free(at + 1)?.kind !== 'word') return false;
  let to = at + 2;
  while (request.tokens[to]?.attached === true && /^[\p{L}\p{N}._-]+$/u.test(request.tokens[to]?.raw ?? '') && !/^[.]$/.test(request.tokens[to]?.raw ?? '')) to++;
  return to > at + 2 || request.tokens[to] === undefined || /^[.,;!?]$/.test(request.tokens[to]?.raw ?? '') || ['y', 'e'].includes(request.tokens[to]?.norm ?? '');
}

/** `call the archive ledgers`: what is named stands before its name. */
function isObject(request: Request, at: number, things: readonly Mention[]): boolean {
  const next = request.free(at + 1);
  return things.some((thing) => thing.from === at) && next !== undefined && (next.kind === 'word' || /^["“„«'‘`]$/.test(next.raw)) && !NO_NAMES.has(next.norm) && !/^["“„«'‘`]$/.test(request.tokens[at - 1]?.raw ?? '');
}

/** `my boss is called Bert`: somebody else is. */
function isOther(request: Request, at: number, things: readonly Mention[]): boolean {
  for (let i = at - 1; i >= 0 && i >= at - 4; i--) {
    const token = request.tokens[i];
    if (!token || /^[.,;!?:]$/.test(token.raw)) return false;
    if (things.some((thing) => thing.from <= i && i < thing.to)) return false;
    if (OTHERS.has(token.norm) && !(token.norm === 'you' || token.norm === 'we' || token.norm === 'i' || token.norm === 'me')) return true;
  }
  return false;
}

function valueAt(request: Request, at: number): { from: number; to: number; name: string } | undefined {
  const token = request.free(at);
  if (!token || token.kind === 'symbol') return undefined;
  const quote = request.quotes.find(({ from, to }) => from < at && at < to);
  VALUE.lastIndex = token.start;
  const name = VALUE.exec(request.text)?.[0].replace(/[._-]+$/, '');
  if (!name || (name === token.raw && NO_NAMES.has(token.norm))) return undefined;
  const whole = quote && /\s/.test(quote.text) && quote.text.length <= MAX_LABEL ? quote.text : name;
  const { to } = quote && whole !== name ? quote : request.rangeOf(token.start, token.start + name.length);
  return { from: at, to, name: whole };
}

/** The nearest DNS label to a name that is none. */
export function suggestLabel(name: string): string {
  return normalize(name).replace(/[^a-z0-9-]+/g, '-').replace(/^-+|-+$/g, '').slice(0, MAX_LABEL).replace(/-+$/, '') || 'my-archive';
}
