import type { Language } from './language.ts';
import { type NumberReading, readNumber } from './numbers.ts';
import type { Range, Request } from './tokens.ts';

export interface MoneyReading extends Range {
  /** Millionths of the currency a month. */
  readonly millionths: bigint;
  readonly currency: string;
  readonly negative: boolean;
  /** Said for the whole term, not for a month. */
  readonly inTotal: boolean;
}

const CURRENCIES: Readonly<Record<string, string>> = {
  '€': 'EUR', eur: 'EUR', euro: 'EUR', euros: 'EUR', '$': 'USD', usd: 'USD', dollar: 'USD', dollars: 'USD', '£': 'GBP', gbp: 'GBP', pounds: 'GBP',
  chf: 'CHF', franc: 'CHF', francs: 'CHF', franken: 'CHF', sfr: 'CHF', franchi: 'CHF', francos: 'CHF',
};
const LEADS = new Set(['a', 'per', 'each', 'every', '/', 'im', 'pro', 'je', 'par', 'al', 'por', 'the', 'le', 'de', 'il']);
const MONTH = new Set(['month', 'monthly', 'mo', 'monat', 'monatlich', 'mois', 'mensuel', 'mese', 'mensili', 'mes', 'mensuales', 'maand', 'maandelijks']);
const YEAR = new Set(['year', 'yearly', 'annually', 'annum', 'jahr', 'jahrlich', 'an', 'annee', 'anno', 'ano', 'jaar', 'jaarlijks']);
const TOTAL = new Set(['total', 'overall', 'altogether', 'insgesamt', 'gesamt', 'totale', 'totaal']);
const THOUSAND = new Set(['k', 'thousand']);

/** Every amount of money in a request, a month unless it says a year. */
export function readMoney(request: Request, language: Language): MoneyReading[] {
  const found: MoneyReading[] = [];
  for (let from = 0; from < request.tokens.length; from++) {
    const reading = before(request, from, language) ?? after(request, from, language);
    if (!reading) continue;
    const { number, currency } = reading;
    const period = periodAt(request, reading.to);
    const range = { from, to: period.to };
    const amount = (number.numerator * 1_000_000n * BigInt(reading.times)) / number.denominator;
    found.push({ ...range, millionths: amount / period.months, currency, negative: number.negative, inTotal: period.inTotal });
    request.take(range);
    from = range.to - 1;
  }
  return found;
}

interface Amount {
  readonly number: NumberReading;
  readonly currency: string;
  readonly times: number;
  readonly to: number;
}

/** `€ 500`, `EUR 500` */
function before(request: Request, from: number, language: Language): Amount | undefined {
  const currency = CURRENCIES[request.free(from)?.norm ?? ''];
  const number = currency === undefined ? undefined : readNumber(request, from + 1, language);
  if (currency === undefined || !number || number.article) return undefined;
  const thousand = THOUSAND.has(request.free(number.to)?.norm ?? '');
  return { number, currency, times: thousand ? 1000 : 1, to: number.to + (thousand ? 1 : 0) };
}

/** `500 EUR`, `2k euros` */
function after(request: Request, from: number, language: Language): Amount | undefined {
  const number = readNumber(request, from, language);
  if (!number || number.article) return undefined;
  const thousand = THOUSAND.has(request.free(number.to)?.norm ?? '');
  const at = number.to + (thousand ? 1 : 0);
  const currency = CURRENCIES[request.free(at)?.norm ?? ''];
  return currency === undefined ? undefined : { number, currency, times: thousand ? 1000 : 1, to: at + 1 };
}

function periodAt(request: Request, from: number): { months: bigint; to: number; inTotal: boolean } {
  for (let at = from, steps = 0; steps < 3; at++, steps++) {
    const norm = request.free(at)?.norm;
    if (norm === undefined) break;
    if (MONTH.has(norm)) return { months: 1n, to: at + 1, inTotal: false };
    if (YEAR.has(norm)) return { months: 12n, to: at + 1, inTotal: false };
    if (TOTAL.has(norm)) return { months: 1n, to: at + 1, inTotal: true };
    if (!LEADS.has(norm) && norm !== 'in' && norm !== 'en') break;
  }
  return { months: 1n, to: from, inTotal: false };
}
