import type { Language } from './language.ts';
import { readNumber } from './numbers.ts';
import type { Range, Request } from './tokens.ts';

export interface DurationReading extends Range {
  readonly days: bigint;
  readonly months: bigint;
  readonly negative: boolean;
}

/** A year counts 365 days, a month 30: a duration is said roughly, and what is signed shows the days. */
const UNITS: readonly (readonly [days: bigint, months: bigint, words: readonly string[]])[] = [
  [1n, 0n, ['day', 'days', 'tag', 'tage', 'tagen', 'jour', 'jours', 'giorno', 'giorni', 'dia', 'dias', 'dag', 'dagen']],
  [7n, 0n, ['week', 'weeks', 'woche', 'wochen', 'semaine', 'semaines', 'settimana', 'settimane', 'semana', 'semanas', 'weken']],
  [30n, 1n, ['month', 'months', 'monat', 'monate', 'monaten', 'monats', 'mois', 'mese', 'mesi', 'mes', 'meses', 'maand', 'maanden', 'mo']],
  [90n, 3n, ['quarter', 'quarters', 'quartal', 'quartale', 'trimestre', 'trimestres', 'trimestri', 'kwartaal', 'kwartalen']],
  [365n, 12n, ['year', 'years', 'yr', 'yrs', 'jahr', 'jahre', 'jahren', 'jahres', 'an', 'ans', 'annee', 'annees', 'anno', 'anni', 'ano', 'anos', 'jaar', 'jaren']],
  [3650n, 120n, ['decade', 'decades', 'jahrzehnt', 'jahrzehnte', 'decennie', 'decennies', 'decennio', 'decada', 'decenio', 'decennium']],
];
const UNIT_OF = new Map(UNITS.flatMap(([days, months, words]) => words.map((word) => [word, { days, months }] as const)));

/** `5y`, `90d`: only where they touch the number, since y, a and d are words too. */
const ATTACHED: Readonly<Record<string, string>> = { d: 'day', w: 'week', y: 'year', j: 'year' };

/** Every duration in a request: a number and a unit of time. */
export function readDurations(request: Request, language: Language): DurationReading[] {
  const found: DurationReading[] = [];
  for (let from = 0; from < request.tokens.length; from++) {
    const number = readNumber(request, from, language);
    if (!number) continue;
    const hyphen = request.free(number.to)?.raw === '-' ? 1 : 0;
    const at = number.to + hyphen;
    const word = request.free(at);
    const unit = UNIT_OF.get((word?.attached ? ATTACHED[word.norm] : undefined) ?? word?.norm ?? '');
    if (!unit) continue;
    const range = { from, to: at + 1 };
    // Rounded up: a promise to keep is not shortened.
    const times = (size: bigint): bigint => (number.numerator * size + number.denominator - 1n) / number.denominator;
    found.push({ ...range, days: times(unit.days), months: unit.months > 0n ? times(unit.months) : (times(unit.days) + 29n) / 30n, negative: number.negative });
    request.take(range);
    from = range.to - 1;
  }
  return found;
}
