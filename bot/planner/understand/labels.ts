import { isCorrected } from './corrections.ts';
import type { Mention } from './hints.ts';
import { type Range, type Request, normalize } from './tokens.ts';

export interface LabelReading extends Range {
  readonly label: string;
}
export interface LabelsReading extends Range {
  readonly labels: readonly string[];
}

/** Words between a noun and its label or list. */
const SKIPPED = new Set([':', '=', '/', '-', '•', '*', '"', '“', '„', '«', "'", '`', '‘', '(', 'called', 'named', 'namens', 'genannt', 'is', 'ist', 'are', 'sind', 'sont', 'sono', 'son', 'zijn', 'appelee', 'nommee', 'chiamata', 'llamada', 'genaamd', 'naam', 'name', 'nom', 'nome', 'nombre', 'the', 'me', 'us', 'namely', 'following', 'these', 'folgende', 'suivants', 'suivantes', 'seguenti', 'siguientes', 'volgende', 'machines', 'devices', 'es', 'bitte', 'please', 'mir', 'uns', 'moi', 'nous', 'mi', 'ci', 'nos', 'mij', 'ons', 'mal', 'eben', 'even']);
/** Before an item of a list. */
const DETERMINERS = new Set('the a an my our your their his her both der die das den dem des ein eine einen einem einer mein meine meinem meinen meiner unser unsere unserem unserer unseren le la les l un une mon ma mes notre nos il lo gli i una uno mio mia miei nostro nostra el los las mi mis nuestro nuestra nuestros de het een mijn ons onze zowel'.split(' '));
const ANDS = new Set(['and', 'und', 'et', 'e', 'ed', 'y', 'en', '&', '+', 'sowie', 'plus', 'as']);
/** Never a label: they end a list, or show that there is none. */
const STOPS = new Set(
  `of for in with on at to from by which that where who than then between only just all every each any everything everyone nobody we i you it they he she hosted located running under over up max at may can should must is are was will would has have not no so but please thanks too also
  von fur in im mit auf an zu aus bei welche welcher welches wo nur alle alles jeder niemand wir ich sie er es darf durfen kann konnen soll sollen muss ist sind wird hat haben nicht kein keine bitte danke auch uber unter maximal hochstens
  pour dans avec sur par au aux chez qui que ou seul seule seulement uniquement tout tous toute toutes chacun personne nous je vous ils elle il peut peuvent doit doivent est sont sera ne pas merci aussi sans hors du
  per con su da nel nella nei negli che dove solo soltanto tutto tutti tutte nessuno noi io voi lui lei puo possono deve devono sara non grazie anche senza al alla di del della
  para por con sobre desde que donde solo todo todos todas nadie nosotros yo usted ustedes ellos ella puede pueden debe deben esta son sera no gracias tambien sin al del de
  voor met op aan uit bij die dat waar alleen alles iedereen niemand wij ik jij jullie zij hij mag mogen kan kunnen moet moeten is zijn wordt niet geen graag bedankt ook zonder van`.trim().split(/\s+/),
);
const LABEL = /[\p{L}\p{N}](?:[\p{L}\p{N}_-]{0,61}[\p{L}\p{N}])?/uy;

interface Item extends Range {
  readonly label: string;
  /** Where the noun for it follows: `the login-fix branch`. */
  readonly hyphened: boolean;
}

/** A label as it stands at a token, hyphens included; undefined for words that are no names. */
export function itemAt(request: Request, at: number, taken = false): Item | undefined {
  const token = taken ? request.tokens[at] : request.free(at);
  if (!token || token.kind === 'symbol') return undefined;
  // `between a, b and c`: an article before a border is a name.
  const alone = /^[,;]$/.test(request.tokens[at + 1]?.raw ?? '') && request.tokens[at + 1]?.attached === true && token.raw.length === 1;
  LABEL.lastIndex = token.start;
  const raw = LABEL.exec(request.text)?.[0];
  if (raw === undefined) return undefined;
  if (!alone && raw === token.raw && (STOPS.has(token.norm) || ANDS.has(token.norm) || DETERMINERS.has(token.norm))) return undefined;
  const range = request.rangeOf(token.start, token.start + raw.length);
  return taken || request.isFree(range) ? { from: at, to: range.to, label: normalize(raw).replaceAll('_', '-'), hyphened: raw.includes('-') } : undefined;
}

/** Labels beside their nouns: `feature X`, `the login-fix branch`, `de login-fix-branch`. */
export function readLabels(request: Request, nouns: readonly Mention[], mentions: readonly Mention[]): LabelReading[] {
  const found: LabelReading[] = [];
  const isNoun = (at: number): boolean => mentions.some((mention) => mention.from <= at && at < mention.to);
  for (const noun of nouns) {
    const reading = glued(request, noun) ?? hyphenedBefore(request, noun, isNoun) ?? after(request, noun, isNoun) ?? before(request, noun, isNoun);
    if (reading && !found.some((other) => other.from < reading.to && reading.from < other.to)) found.push(reading);
  }
  return found;
}

/** `login-fix-branch`: the noun is the last part of a hyphened word. */
function glued(request: Request, noun: Mention): LabelReading | undefined {
  if (request.tokens[noun.from - 1]?.raw !== '-' || !request.tokens[noun.from]?.attached) return undefined;
  let from = noun.from - 1;
  while (from > 0 && request.tokens[from]?.attached && request.tokens[from - 1]?.kind !== undefined && /^[\p{L}\p{N}-]+$/u.test(request.tokens[from - 1]?.raw ?? '')) from--;
  const text = request.text.slice(request.tokens[from]?.start ?? 0, request.tokens[noun.from - 1]?.start ?? 0);
  return /^[\p{L}\p{N}-]+$/u.test(text) && request.isFree({ from, to: noun.from }) ? { from, to: noun.from - 1, label: normalize(text) } : undefined;
}

function after(request: Request, noun: Mention, isNoun: (at: number) => boolean): LabelReading | undefined {
  let at = noun.to;
  const colon = request.free(at)?.raw === ':';
  while (SKIPPED.has(request.free(at)?.norm ?? '')) at++;
  const item = itemAt(request, at);
  const quoted = /^["“„«'`‘]$/.test(request.tokens[at - 1]?.raw ?? '');
  if (!item || (!quoted && !item.hyphened && (isNoun(at) || colon && isNoun(at)))) return undefined;
  if (request.tokens[at]?.kind === 'number' && !item.hyphened && !quoted) return undefined;
  return item;
}

/** `the dark-mode feature live`: what is hyphened before its noun is surer than a plain word behind it. */
function hyphenedBefore(request: Request, noun: Mention, isNoun: (at: number) => boolean): LabelReading | undefined {
  const [left, right] = [before(request, noun, isNoun), after(request, noun, isNoun)];
  return left && right && left.label.includes('-') && !right.label.includes('-') && !isNoun(left.to - 1) && request.tokens[noun.to]?.kind === 'word' ? left : undefined;
}

function before(request: Request, noun: Mention, isNoun: (at: number) => boolean): LabelReading | undefined {
  const at = noun.from - 1;
  const closing = /^["”“»'`’]$/.test(request.tokens[at]?.raw ?? '') ? 1 : 0;
  let start = at - closing;
  while (start > 0 && request.tokens[start]?.attached && /^[\p{L}\p{N}-]+$/u.test(request.tokens[start - 1]?.raw ?? '')) start--;
  const item = itemAt(request, start);
  if (!item || item.to !== noun.from - closing) return undefined;
  // A plain word before it is an adjective: `the new feature`.
  return item.hyphened || closing === 1 ? (isNoun(start) && closing === 0 && !item.hyphened ? undefined : item) : undefined;
}

/** Lists of labels behind their nouns: `between laptop, phone and nas`; also `for A, B and C` where such a list needs no noun. */
export function readLabelLists(request: Request, nouns: readonly Mention[], { implicit, isNoun }: { implicit: boolean; isNoun: (at: number) => boolean }): LabelsReading[] {
  const found = nouns.flatMap((noun) => {
    // `node-a, node-b`: part of a name.
    if (request.tokens[noun.to]?.raw === '-' && request.tokens[noun.to]?.attached === true && request.tokens[noun.to + 1]?.attached === true) return [];
    const list = listFrom(request, noun.to);
    return list && list.labels.length >= 2 ? [list] : [];
  });
  if (found.length === 0 && implicit) found.push(...unannounced(request, isNoun));
  for (const list of [...found]) {
    const later = corrected(request, list);
    if (later) found.splice(found.indexOf(list), 1, later);
  }
  if (found.length === 0) {
    for (const noun of nouns) {
      const list = /^[:=]$/.test(request.free(noun.to)?.raw ?? '') ? listFrom(request, noun.to) : undefined;
      if (list) found.push(list);
    }
  }
  return found;
}

const THROUGH = new Set(['in', 'into', 'with', 'via', 'by', 'over', 'through', 'on', ',', 'mit', 'per', 'uber', 'durch', 'avec', 'dans', 'par', 'sur', 'con', 'tramite', 'attraverso', 'mediante', 'nella', 'en', 'por', 'met', 'door', 'a', 'an']);
/** How members are joined: no part of the last one's label. */
const MANNER = new Set(['privately', 'securely', 'together', 'safely', 'directly', 'sicher', 'privat', 'zusammen', 'miteinander', 'ensemble', 'directement', 'insieme', 'juntos', 'juntas', 'entre', 'samen', 'veilig', 'prive', 'up', 'over']);
const LEADS = new Set(['wire', 'up', 'hook', 'tie', 'bind', 'interconnect', 'vernetze', 'vernetzen', 'vernetzt', 'koppel', 'koppelen', 'koppeln', 'kopple', 'raccorde', 'raccorder', 'raccordez', 'interconnecte', 'interconnecter', 'for', 'fur', 'pour', 'per', 'para', 'voor', 'with', 'mit', 'avec', 'con', 'met', ':', 'connect', 'link', 'join', 'verbinde', 'verbinden', 'verbind', 'verknupfe', 'relie', 'relier', 'reliez', 'connecte', 'collega', 'collegare', 'collegami', 'collegate', 'conecta', 'conectar', 'une', 'aus', '(', 'are', 'be', 'sind', 'sont', 'sono', 'son', 'zijn', 'include', 'includes', 'namely', 'can', 'could', 'kann', 'konnen', 'konnten', 'sollen', 'sollten', 'peut', 'peuvent', 'puo', 'possono', 'puede', 'pueden', 'kan', 'kunnen', 'moeten', 'want', 'like', 'brauche', 'brauchen', 'mochte', 'mochten', 'hatte', 'veux', 'voudrais', 'aimerais', 'vorrei', 'voglio', 'quiero', 'quisiera', 'wil', 'willen', 'wurden', 'mettete', 'mettez', 'mettre', 'mettere', 'unisci', 'unite', 'unire', 'unir', 'unid', 'enlaza', 'enlazad', 'enlazar', 'vincula', 'poned', 'poner', 'wire', 'tie', 'bridge', 'hook', 'pair', 'setze', 'steck', 'stecke', 'koppel', 'put', 'bring', 'bringe', 'mets', 'metti', 'pon', 'zet', 'have', 'get']);

/** `a, b and c … no, a, b and d`: the list that takes one back. */
function corrected(request: Request, { to }: Range): LabelsReading | undefined {
  for (let at = to + 1; at <= to + 6 && at < request.tokens.length; at++) {
    const list = isCorrected(request, to, at) ? listFrom(request, at) : undefined;
    if (list && list.labels.length >= 2) return list;
  }
  return undefined;
}

const JOINING = new Set('should shall must need needs want share shares sollen mussen brauchen teilen doivent devraient partagent ont devono dovrebbero condividono deben deberian necesitan comparten moeten delen hebben'.split(' '));

/** `the studio, the printer and the desk should share a network`: a list that begins a sentence and does something. */
function subjects(request: Request, isNoun: (at: number) => boolean): LabelsReading[] {
  for (let at = 0; at < request.tokens.length; at++) {
    if (at > 0 && !/^[.!?:]$/.test(request.tokens[at - 1]?.raw ?? '')) continue;
    const list = listFrom(request, at);
    if (list && list.labels.length >= 2 && !isNoun(list.from) && JOINING.has(request.free(list.to)?.norm ?? '')) return [list];
  }
  return [];
}

/** `connect, in a private network, a and b`: index behind what is asked for. */
function pastThing(request: Request, from: number, isNoun: (at: number) => boolean): number {
  let at = from;
  while (at < from + 4 && !isNoun(at) && (THROUGH.has(request.free(at)?.norm ?? '') || DETERMINERS.has(request.free(at)?.norm ?? ''))) at++;
  while (isNoun(at) && at < from + 8) at++;
  return request.free(at)?.raw === ',' ? at + 1 : at;
}

/** `a VPN for office, warehouse and shop`: three with commas, or two joined by `and`, the last followed by a border. */
function unannounced(request: Request, isNoun: (at: number) => boolean): LabelsReading[] {
  for (let at = 0; at < request.tokens.length; at++) {
    const lead = request.free(at)?.norm ?? '';
    // `a network of web, db and admin`
    if (!LEADS.has(lead) && !(['of', 'von', 'de', 'di', 'van'].includes(lead) && isNoun(at - 1))) continue;
    const list = listFrom(request, at + 1) ?? listFrom(request, pastThing(request, at + 1, isNoun));
    // What is asked for is no member of itself: `I want a VPN and a disk`.
    if (list && list.labels.length >= 2 && !isNoun(list.from)) return [list];
  }
  return subjects(request, isNoun);
}

function listFrom(request: Request, from: number): LabelsReading | undefined {
  let at = from;
  while (SKIPPED.has(request.free(at)?.norm ?? '')) at++;
  const labels: string[] = [];
  let [first, end] = [at, at];
  let last = false;
  for (;;) {
    while (isDeterminer(request, at)) at++;
    const item = longItem(request, at);
    if (!item) break;
    if (labels.length === 0) first = item.from;
    labels.push(item.label);
    end = item.to;
    const next = separator(request, item.to);
    if (next === undefined || (last && request.free(item.to)?.raw === ',')) break;
    // `a, b and c` is whole: after the `and` only another one goes on.
    last ||= ANDS.has(request.free(next - 1)?.norm ?? '');
    at = next;
  }
  return labels.length === 0 ? undefined : { from: first, to: end, labels };
}

/** The list that an answer is, of one or more. */
export function readAnswerList(request: Request, from: number): LabelsReading | undefined {
  return listFrom(request, from);
}

function isDeterminer(request: Request, at: number): boolean {
  const norm = request.free(at)?.norm ?? '';
  return (DETERMINERS.has(norm) && request.tokens[at + 1] !== undefined && !/^[,;.-]$/.test(request.tokens[at + 1]?.raw ?? '')) || /^["“„«'‘’`]$/.test(norm);
}

/** One item: one word, or two before a border, which become one label: `Berlin office`. */
function longItem(request: Request, at: number): Item | undefined {
  const item = itemAt(request, at);
  if (!item || request.tokens[at]?.kind === 'number') return undefined;
  const second = DETERMINERS.has(request.tokens[at - 1]?.norm ?? '') ? itemAt(request, MANNER.has(request.tokens[item.to]?.norm ?? '') ? -1 : item.to) : undefined;
  const border = second && (request.tokens[second.to] === undefined || /^[,;.!?]$/.test(request.tokens[second.to]?.raw ?? '') || ANDS.has(request.tokens[second.to]?.norm ?? ''));
  if (second && border && request.tokens[item.to]?.kind === 'word') return { ...item, to: second.to, label: `${item.label}-${second.label}` };
  const closing = /^["”“»'`’]$/.test(request.free(item.to)?.raw ?? '') ? 1 : 0;
  return { ...item, to: item.to + closing };
}

/** Index behind a separator of a list; undefined where the list ends. */
function separator(request: Request, at: number): number | undefined {
  const norm = (i: number): string => request.free(i)?.norm ?? '';
  // A list of lines, each behind a dash.
  if (norm(at) === '-' && request.tokens[at]?.attached === false && request.tokens[at + 1]?.attached === false) return at + 1;
  if (norm(at) === ',' || norm(at) === '/' || norm(at) === '|') return ANDS.has(norm(at + 1)) ? at + 2 : at + 1;
  if (ANDS.has(norm(at))) return norm(at) === 'as' ? (norm(at + 1) === 'well' && norm(at + 2) === 'as' ? at + 3 : undefined) : at + 1;
  // `a, b... and c too`
  let dots = at;
  while (/^[.…]$/.test(request.free(dots)?.raw ?? '')) dots++;
  return dots - at >= 1 && (dots - at >= 2 || request.free(at)?.raw === '…') && ANDS.has(norm(dots)) ? dots + 1 : undefined;
}
