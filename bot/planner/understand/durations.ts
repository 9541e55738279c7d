import { isAge } from './clauses.ts';
import { numberWord } from './number-words.ts';
import { halfAfter, type NumberReading } from './numbers.ts';
import type { Language } from './language.ts';
import type { Range, Request } from './tokens.ts';
import { isTypoOf } from './typo.ts';

export interface DurationReading extends Range {
  readonly kind: 'duration';
  /** Minutes, a month counted as 30 days, a year as 365. */
  readonly minutes: bigint;
  readonly months: bigint;
  readonly grain: Grain;
  readonly negative: boolean;
  /** `in 9 days`, `for the last 3 years`, `40 minutes late`: no length of anything that is asked for. */
  readonly elsewhere: boolean;
  /** `within 3 days`: until when, where not how long. */
  readonly limit: boolean;
  /** The same with another number: `2 years, no, 3`. */
  readonly retold: (number: NumberReading) => DurationReading;
}
export type Grain = 'hours' | 'days' | 'months';

const HOUR = 60n;
const DAY = 24n * HOUR;
interface Unit {
  readonly minutes: bigint;
  readonly months: bigint;
  readonly grain: Grain;
}

const TABLE: readonly (readonly [unit: Unit, words: string])[] = [
  [{ minutes: 1n, months: 0n, grain: 'hours' }, 'minute minutes min mins minuten minuti minuto minutos minuut'],
  [{ minutes: HOUR, months: 0n, grain: 'hours' }, 'hour hours hr hrs h std stunde stunden heure heures ora ore hora horas uur uren uurtje'],
  [{ minutes: DAY, months: 0n, grain: 'days' }, 'day days tag tage tagen tages jour jours giorno giorni dia dias dag dagen journee journees dagje dagjes giornata giornate jornada jornadas etmaal'],
  [{ minutes: 7n * DAY, months: 0n, grain: 'days' }, 'week weeks wk wks woche wochen semaine semaines settimana settimane semana semanas weken weekje weekjes'],
  [{ minutes: 14n * DAY, months: 0n, grain: 'days' }, 'fortnight fortnights'],
  [{ minutes: 30n * DAY, months: 1n, grain: 'months' }, 'month months mth mths monat monate monaten monats monatig monatige monatigen monatiger monatiges mois moi mese mesi mes meses maand maanden maandje maandjes mnd mnden maands mo'],
  [{ minutes: 90n * DAY, months: 3n, grain: 'months' }, 'quarter quarters quartal quartale quartalen vierteljahr vierteljahre trimester trimestre trimestres trimestri kwartaal kwartalen kwartje'],
  [{ minutes: 120n * DAY, months: 4n, grain: 'months' }, 'quadrimestre quadrimestri cuatrimestre cuatrimestres'],
  [{ minutes: 182n * DAY, months: 6n, grain: 'months' }, 'semester semesters semestre semestres semestri halbjahr halbjahre halfjaar'],
  [{ minutes: 365n * DAY, months: 12n, grain: 'months' }, 'year years yr yrs jahr jahre jahren jahres jahrig jahrige jahrigen jahriger jahriges an ans annee annees anno anni ano anos jaar jaren jaartje jaartjes jarig jarige jaars'],
  [{ minutes: 730n * DAY, months: 24n, grain: 'months' }, 'biennio bienio'],
  [{ minutes: 1095n * DAY, months: 36n, grain: 'months' }, 'triennio trienio'],
  [{ minutes: 1825n * DAY, months: 60n, grain: 'months' }, 'quinquennio quinquenio lustro lustros'],
  [{ minutes: 3650n * DAY, months: 120n, grain: 'months' }, 'decade decades jahrzehnt jahrzehnte jahrzehnten decennie decennies decennio decada decadas decenio decenios decennium decennia'],
];
const UNITS = new Map(TABLE.flatMap(([unit, words]) => words.split(' ').map((word) => [word, unit] as const)));
/** Every unit of time. */
export const UNIT_WORDS: readonly string[] = [...UNITS.keys()];
const LONG = [...UNITS.keys()].filter((word) => word.length >= 5);
/** `5y`, `90d`: only where they touch the number, since y, a and d are words too. */
const ATTACHED: ReadonlyMap<string, string> = new Map(Object.entries({ d: 'day', w: 'week', y: 'year', j: 'year', m: 'month', h: 'hour' }));
/** Units that must not be read without a number of their own before them: `an` is a preposition. */
const SHORT_UNITS = new Set(['an', 'mo', 'min', 'h', 'mes', 'moi', 'std']);
const FILLERS = new Set(['full', 'whole', 'volle', 'vollen', 'ganze', 'ganzes', 'ganzen', 'entire', 'complete', 'calendar', 'consecutive', 'interi', 'completos', 'entiers', 'hele', 'volledige', 'lange', 'long', 'good', 'more', 'weitere', 'autres', 'altri', 'extra', 'solid', 'pleines', 'pleins']);

/** The duration that a number says together with what follows it; `two and a half years`, `un an et demi`, `ein halbes Jahr`. */
export function readDuration(request: Request, number: NumberReading, language: Language): DurationReading | undefined {
  let at = number.to;
  if (request.free(at)?.raw === '-') at++;
  if (FILLERS.has(request.free(at)?.norm ?? '')) at++;
  const unit = unitAt(request, at, number.article);
  if (!unit || (number.article && request.free(at)?.norm === 'an' && language !== 'fr')) return undefined;
  return finish(request, number, { unit, to: at + 1 });
}

/** `contratto triennale`, `annual contract`: lengths that are adjectives; a noun must claim them, since prices are annual too. */
const ADJECTIVES = new Map(Object.entries({
  3: 'trimestrale trimestriel trimestrielle trimestral trimestraal quarterly', 6: 'semestrale semestriel semestrielle semestral halfjaarlijks halbjahrig halbjahriger half-yearly',
  12: 'annual yearly annuale annuel annuelle anual jaarlijks', 24: 'biennial biennale biennal biennale bienal', 36: 'triennial triennale triennal trienal', 60: 'quinquennale quinquennal quinquenal', 120: 'decennale decennal decenal',
}).flatMap(([months, words]) => words.split(' ').map((word) => [word, BigInt(months)] as const)));

export function readAdjective(request: Request, at: number): DurationReading | undefined {
  const months = ADJECTIVES.get(request.free(at)?.norm ?? '');
  if (months === undefined) return undefined;
  const unit: Unit = { minutes: 30n * DAY, months: 1n, grain: 'months' };
  const years = months % 12n === 0n ? UNITS.get('year') : undefined;
  return durationOf({ from: at, to: at, numerator: years ? months / 12n : months, denominator: 1n, negative: false, article: false }, years ?? unit, { to: at + 1, elsewhere: true, limit: false });
}

/** `Zweijahresvertrag`, `Jahresvertrag`, `einjährig`, `driejarig`: number and unit in one word, without a number before it. */
export function readGluedDuration(request: Request, at: number, language: Language): DurationReading | undefined {
  const token = request.free(at);
  // `año y medio`
  const bare = token?.kind === 'word' && token.norm.length > 2 && halfAfter(request, at + 1) !== undefined ? UNITS.get(token.norm) : undefined;
  if (bare) return finish(request, { from: at, to: at, numerator: 1n, denominator: 1n, negative: false, article: false }, { unit: bare, to: at + 1 });
  if (token?.kind !== 'word' || token.norm.length < 6) return undefined;
  const match = /^(\p{L}*?)(jahr|monat|woch|jarig|jaar|maand)(?:es|ig|ige|iges|igen|iger|s|e|en)?(?:vertrags?|laufzeit|abo|aufbewahrung|frist|contract|looptijd|bewaring|lang)?$/u.exec(token.norm);
  if (!match || match[0] === match[2]) return undefined;
  const count = match[1] === '' ? 1 : numberWord(match[1] ?? '', language)?.value;
  const isContract = /(?:vertrags?|laufzeit|abo|contract|looptijd|frist|aufbewahrung|bewaring|ig|ige|iges|igen|iger|lang)$/.test(token.norm) || /jarige?$/.test(token.norm);
  const unit = UNITS.get({ jahr: 'jahr', monat: 'monat', woch: 'woche', jarig: 'jaar', jaar: 'jaar', maand: 'maand' }[match[2] ?? ''] ?? '');
  if (count === undefined || !unit || !isContract) return undefined;
  return finish(request, { from: at, to: at, numerator: BigInt(count), denominator: 1n, negative: false, article: false }, { unit, to: at + 1 });
}

function finish(request: Request, number: NumberReading, { unit, to }: { unit: Unit; to: number }): DurationReading {
  const half = number.denominator === 1n ? halfAfter(request, to) : undefined;
  const said = half === undefined ? number : { ...number, numerator: number.numerator * 2n + 1n, denominator: 2n };
  const range = { from: number.from, to: half ?? to };
  return durationOf(said, unit, { to: range.to, elsewhere: isElsewhere(request, range), limit: LIMIT.has(request.tokens[range.from - 1]?.norm ?? '') });
}

function durationOf({ from, numerator, denominator, negative }: NumberReading, unit: Unit, { to, elsewhere, limit }: { to: number; elsewhere: boolean; limit: boolean }): DurationReading {
  // Rounded up: a promise to keep is not shortened.
  const times = (size: bigint): bigint => (numerator * size + denominator - 1n) / denominator;
  const minutes = times(unit.minutes);
  return {
    kind: 'duration', from, to, minutes, grain: unit.grain, negative, elsewhere, limit,
    months: unit.months > 0n ? times(unit.months) : (minutes + 30n * DAY - 1n) / (30n * DAY),
    retold: (number) => durationOf(number, unit, { to: number.to, elsewhere, limit }),
  };
}

function unitAt(request: Request, at: number, article: boolean): Unit | undefined {
  const token = request.free(at);
  if (token?.kind !== 'word') return undefined;
  const attached = token.attached && token.norm.length === 1 && request.tokens[at - 1]?.kind === 'number' ? ATTACHED.get(token.norm) : undefined;
  const known = UNITS.get(attached ?? token.norm);
  if (known) return article && SHORT_UNITS.has(token.norm) && token.norm !== 'an' && token.norm !== 'mes' ? undefined : known;
  // 6-Monats-Vertrag, Jahreslaufzeit
  const tail = token.norm.length < 5 ? undefined : LONG.find((word) => isTypoOf(token.norm, word) || isSwapOf(token.norm, word));
  return tail === undefined ? undefined : UNITS.get(tail);
}

function isSwapOf(said: string, word: string): boolean {
  return said.length === word.length && said[0] === word[0] && said !== word && [...said].sort().join('') === [...word].sort().join('');
}

const PAST_AFTER = new Set(['ago', 'geleden', 'old', 'alt', 'late', 'later', 'earlier', 'spater', 'ritardo', 'retard', 'retraso', 'vertraging', 'verspatung', 'fa', 'delay', 'experience', 'erfahrung', 'left', 'oud']);
const PAST_BEFORE = new Set(['since', 'seit', 'depuis', 'desde', 'sinds', 'last', 'past', 'previous', 'letzten', 'vergangenen', 'derniers', 'dernieres', 'ultimi', 'ultimos', 'laatste', 'afgelopen', 'vor', 'hace', 'every', 'cada', 'ogni', 'chaque', 'elke', 'alle', 'jede', 'tussen']);
const OF = new Set(['of', 'de', 'di', 'an', 'van', 'von', 'aan']);
const CONTENTS = new Set(`data records recordings photos pictures emails mail invoices files history footage videos documents logs measurements work research experience
  daten aufnahmen fotos bilder akten rechnungen dokumente messdaten archives photos donnees factures documents videos travail
  dati foto fotografie registrazioni fatture documenti atti video lavoro ricerca datos fotos grabaciones facturas documentos videos trabajo historia gegevens opnames facturen documenten werk`.trim().split(/\s+/));
const DEADLINE = new Set(['in', 'dans', 'fra', 'tra', 'due']);
const LIMIT = new Set(['within', 'binnen', 'innerhalb', 'entro', 'inside']);

function isElsewhere(request: Request, { from, to }: Range): boolean {
  const norm = (i: number): string => request.tokens[i]?.norm ?? '';
  if (PAST_AFTER.has(norm(to)) || (['de', 'di', 'of', 'van', 'too', 'zu'].includes(norm(to)) && PAST_AFTER.has(norm(to + 1)))) return true;
  // `25 years' worth of scans`, `veinte años de fotos`
  if (norm(/^['’]$/.test(norm(to)) ? to + 1 : to) === 'worth' || (OF.has(norm(to)) && CONTENTS.has(norm(to + 1)))) return true;
  if (PAST_BEFORE.has(norm(from - 1)) || DEADLINE.has(norm(from - 1))) return true;
  // `il est 23 h`, `um 8 h`: the time of day.
  if (norm(to - 1) === 'h' && ['a', 'est', 'um', 'om', 'alle', 'las', 'at', 'vers', 'verso'].includes(norm(from - 1))) return true;
  return (norm(from - 1) === 'a' && norm(from - 2) === 'y') || isAge(request, { from, to });
}
