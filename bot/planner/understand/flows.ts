import { isCorrected } from './corrections.ts';
import { itemAt } from './labels.ts';
import type { Range, Request } from './tokens.ts';

export interface FlowReading extends Range {
  readonly flow: string;
}

/** Verbs between who reaches and who is reached; what stands on their left reaches what stands on their right. */
const MAY = new Set('pueda puedan podra possa possano potra potranno puisse puissent pourront konne konnten may can could should must is allowed allow reach reaches talk talks access accesses connect connects darf durfen kann konnen soll sollen erreicht erreichen peut peuvent pourra doit joindre accede puo possono deve devono raggiunge puede pueden podra debe deben accede mag mogen kan kunnen moet moeten bereikt'.split(' '));
const INFINITIVES = new Set(['reach', 'talk', 'access', 'connect', 'erreichen', 'joindre', 'bereikt']);
/** A verb that makes `may` one of reaching, so that `you can host` is none. */
const REACH = /^(?:re?a?e?ch(?:es|ed|ing|able)?|erreichbar|joignable|accessible|raggiungibile|accesible|alcanzable|bereikbaar|talk\w*|speak\w*|access\w*|connect\w*|contact\w*|ping|see|use|query|get|go|erreich\w*|ereich\w*|ansprech\w*|zugreif\w*|zugriff|verbind\w*|sprechen|reden|zugang|kommunizier\w*|joindre|atteindre|acceder|accede\w*|contacter|parler|communiquer|raggiung\w*|accede\w*|accedere|contattare|parlare|comunicare|entrare|entrar|entren|entrer|enter|inloggen|collegar\w*|llegar|acceder|alcanzar|conectar\w*|contactar|hablar|comunicar\w*|bereik\w*|benader\w*|praten|contact|verbinden|toegang|communiceren)$/;
const NOBODY = new Set(['nobody', 'noone', 'nothing', 'none', 'niemand', 'niemanden', 'nichts', 'personne', 'aucun', 'rien', 'nessuno', 'nulla', 'nadie', 'nada', 'ninguno', 'niets']);
const NOT = new Set(['not', 'never', 'cannot', 'nicht', 'nie', 'kein', 'keine', 'keinen', 'pas', 'jamais', 'non', 'mai', 'no', 'nunca', 'niet', 'nooit', 'neither', 'nor']);
const ALL = new Set(['everyone', 'everybody', 'all', 'alle', 'jeder', 'tous', 'toutes', 'tutti', 'tutte', 'todos', 'todas', 'iedereen', 'both', 'beide', 'beiden', 'entrambi', 'ambos', 'others', 'anderen', 'autres', 'altri', 'otros']);
const EACH_OTHER = /^(?:each|other|einander|untereinander|gegenseitig|mutuellement|altro|altra|otro|elkaar|entre)$/;
const PORT = new Set(['port', 'ports', 'porta', 'porte', 'puerto', 'poort', 'tcp', 'udp', 'porten']);
const ON = new Set(['on', 'auf', 'uber', 'sur', 'su', 'en', 'por', 'op', 'over', 'via', 'sulla', 'at']);
const BORDER = /^[.;!?]$/;

/** Who may reach whom: arrows anywhere, and sentences in which members stand on both sides of a verb of reaching. */
export function readFlows(request: Request, members: readonly string[]): FlowReading[] {
  const found = arrows(request);
  for (const clause of clauses(request)) found.push(...readClause(request, clause, members));
  return found;
}

function arrows(request: Request): FlowReading[] {
  const found: FlowReading[] = [];
  for (const match of request.text.matchAll(/([\p{L}\p{N}][\p{L}\p{N}-]{0,62})\s*(?:->|→|⇒|=>)\s*([\p{L}\p{N}][\p{L}\p{N}-]{0,62})(?:\s*:\s*(\d{1,5})|,?\s+(?:\p{L}{1,5}\s+)?(?:port|poort|porta|puerto)\s+(\d{1,5}))?/giu)) {
    const port = match[3] ?? match[4];
    const flow = `${match[1] ?? ''}->${match[2] ?? ''}${port === undefined ? '' : `:${port}`}`.toLowerCase();
    found.push({ ...request.rangeOf(match.index, match.index + match[0].length), flow });
  }
  return found;
}

/** Sentences, cut further where a second verb of permission begins. */
function clauses(request: Request): Range[] {
  const found: Range[] = [];
  let from = 0;
  for (let at = 0; at <= request.tokens.length; at++) {
    const token = request.tokens[at];
    if (token && !BORDER.test(token.raw) && !(/^[,:(]$|^(?:and|und|et|e|ed|y|en|but|aber|mais|ma|pero|maar|where|wobei|ou|dove|donde|waar|waarbij|while|whereas|so|that|dass|que|che|dat)$/.test(token.norm) && startsClause(request, at + 1))) continue;
    if (at > from) found.push({ from, to: at });
    from = at + 1;
  }
  return found;
}

/** After a comma a new clause begins where a verb comes before the next comma: `…, anna darf clara erreichen`. */
function startsClause(request: Request, from: number): boolean {
  // `laptop and phone may reach nas`: behind the `and` of a subject no new clause begins, since nothing may reach anything before it.
  // Spanish `en el puerto 445 y a nada más`: that `en` joins nothing.
  if (request.tokens[from - 1]?.norm === 'en' && (PORT.has(request.tokens[from]?.norm ?? '') || PORT.has(request.tokens[from + 1]?.norm ?? ''))) return false;
  const joint = /^(?:and|und|et|e|ed|y|en)$/.test(request.tokens[from - 1]?.norm ?? '');
  if (joint && !verbBefore(request, from - 1)) return false;
  for (let at = from; at < request.tokens.length && at < from + 8; at++) {
    const token = request.tokens[at];
    if (!token || BORDER.test(token.raw) || token.raw === ',') return false;
    if (at === from && (NOBODY.has(token.norm) || ['ningun', 'ninguna', 'kein', 'keine', 'sonst', 'but', 'aber', 'mais', 'ma', 'pero', 'maar', 'while', 'whereas'].includes(token.norm))) return true;
    // `…, stade n'a accès à rien`
    if (at > from && NOBODY.has(token.norm) && request.tokens[from - 1]?.raw === ',') return true;
    if (MAY.has(token.norm) && at > from && !INFINITIVES.has(token.norm)) return true;
  }
  return false;
}

function verbBefore(request: Request, at: number): boolean {
  for (let i = at - 1; i >= 0; i--) {
    const token = request.tokens[i];
    if (!token || BORDER.test(token.raw)) return false;
    if (MAY.has(token.norm)) return true;
  }
  return false;
}

function readClause(request: Request, { from, to }: Range, members: readonly string[]): FlowReading[] {
  const indices = Array.from({ length: to - from }, (_, i) => from + i);
  const norm = (at: number): string => request.tokens[at]?.norm ?? '';
  const verb = indices.find((at) => at > from && MAY.has(norm(at)));
  if (verb === undefined) return fromTo(request, { from, to }, members);
  const left = named(request, { from, to: verb }, members);
  const right = named(request, { from: verb, to }, members);
  if ((left.length === 0 || right.length === 0) && !indices.some((at) => REACH.test(norm(at)))) return [];
  const negated = indices.some((at) => (NOT.has(norm(at)) && at >= verb - 1 && at <= verb + 2) || (NOBODY.has(norm(at)) && (at < verb || right.length === 0)));
  const subjectAll = indices.some((at) => at < verb && ALL.has(norm(at)));
  const sources = left.length > 0 ? left : subjectAll ? members.map((label) => ({ label, at: from })) : [];
  if (negated || sources.length === 0) return [];
  const mutual = right.length === 0 && sources.length >= 2 && indices.some((at) => at > verb && EACH_OTHER.test(norm(at)));
  const anyone = indices.some((at) => at > verb && ALL.has(norm(at))) && right.length === 0;
  const targets = mutual ? sources : anyone ? members.map((label) => ({ label, at: to - 1 })) : right;
  // `Von X auf Y` and the passive `db may be reached from web` turn it round.
  const passive = indices.some((at) => at > verb && /^(?:reached|reachable|accessed|accessible|erreichbar|bereikbaar|accesible|alcanzable|erreicht|contacted|bereikt|joignable|raggiunto|raggiungibile|alcanzado|accesible)$/.test(norm(at))) && indices.some((at) => at > verb && /^(?:by|from|von|par|da|por|desde|door|vanaf|depuis)$/.test(norm(at)));
  const ports = portsIn(request, { from, to });
  const end = Math.max(...[...sources, ...targets, ...ports].map(({ at }) => at), verb) + 1;
  const begin = Math.min(...sources.map(({ at }) => at), verb);
  const flows: FlowReading[] = [];
  for (const source of sources) {
    for (const target of targets) {
      const [a, b] = passive ? [target.label, source.label] : [source.label, target.label];
      if (a === b) continue;
      for (const port of portsOf(target, targets, ports)) flows.push({ from: begin, to: end, flow: `${a}->${b}${port}` });
    }
  }
  return flows;
}

const FROM = new Set(['from', 'von', 'vom', 'de', 'du', 'da', 'dal', 'dalla', 'del', 'desde', 'van', 'vanaf', 'depuis']);
const TO = new Set(['to', 'nach', 'zu', 'zum', 'zur', 'auf', 'a', 'au', 'vers', 'al', 'alla', 'verso', 'hacia', 'naar', 'hasta']);

/** `from the laptop to the server on port 22`: no verb at all. */
function fromTo(request: Request, { from, to }: Range, members: readonly string[]): FlowReading[] {
  const [source, target, ...more] = named(request, { from, to }, members);
  if (!source || !target || more.length > 0) return [];
  const leads = (at: number, words: ReadonlySet<string>): boolean => words.has(request.tokens[at - 1]?.norm ?? '') || words.has(request.tokens[at - 2]?.norm ?? '');
  if (!leads(source.at, FROM) || !leads(target.at, TO)) return [];
  const ports = portsIn(request, { from, to });
  return portsOf(target, [target], ports).map((port) => ({ from: source.at, to: Math.max(target.at, ...ports.map(({ at }) => at)) + 1, flow: `${source.label}->${target.label}${port}` }));
}

/** `studio on port 22 and lodge on port 80`: each its own; `studio and lodge on port 22`: the one that follows; else all. */
function portsOf(target: { at: number }, targets: readonly { at: number }[], ports: readonly { number: string; at: number }[]): string[] {
  if (ports.length === 0) return [''];
  const later = targets.filter(({ at }) => at > target.at).map(({ at }) => at);
  for (let i = 0; i <= later.length; i++) {
    const between = ports.filter(({ at }) => at > (i === 0 ? target.at : (later[i - 1] ?? 0)) && at < (later[i] ?? Infinity));
    if (between.length > 0) return between.map(({ number }) => `:${number}`);
  }
  // `a on port 22 and b`: the port is a's alone.
  const first = Math.min(...targets.map(({ at }) => at));
  return target.at > first && ports.every(({ at }) => at > first && at < target.at) ? [''] : ports.map(({ number }) => `:${number}`);
}

/** Members (or, when none are known, any labels) that a stretch names, each once. */
function named(request: Request, { from, to }: Range, members: readonly string[]): { label: string; at: number }[] {
  const found: { label: string; at: number }[] = [];
  for (let at = from; at < to; at++) {
    const item = itemAt(request, at, true);
    if (!item || !members.includes(item.label)) continue;
    if (!found.some(({ label }) => label === item.label)) found.push({ label: item.label, at: item.to - 1 });
    at = item.to - 1;
  }
  return found;
}

/** Ports of a clause; of a correction inside it the later one. */
function portsIn(request: Request, { from, to }: Range): { number: string; at: number }[] {
  const found: { number: string; at: number }[] = [];
  for (let at = from; at < to; at++) {
    const { norm = '' } = request.tokens[at] ?? {};
    // `reaches app on 8080`
    const bare = ON.has(norm) && at > from && request.tokens[at + 1]?.kind === 'number';
    if (!PORT.has(norm) && !bare) continue;
    for (let next = at + 1; next < to && next < at + 8; next++) {
      const token = request.tokens[next];
      const last = found.at(-1);
      if (token?.kind === 'number' && /^\d{1,5}$/.test(token.raw)) {
        if (last && isCorrected(request, last.at + 1, next)) found.pop();
        found.push({ number: token.raw, at: next });
      }
      else if (token && !/^(?:,|and|und|et|e|y|en|nr|number|o|or|oder|ou|tcp|udp|:)$/.test(token.norm)) break;
    }
  }
  return found;
}
