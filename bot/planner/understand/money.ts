import { isCorrected } from './corrections.ts';
import type { Language } from './language.ts';
import { type NumberReading, readNumber } from './numbers.ts';
import type { Range, Request } from './tokens.ts';

export interface MoneyReading extends Range {
  readonly kind: 'money';
  /** Millionths of the currency a month. */
  readonly millionths: bigint;
  /** Undefined when only the period tells that it is money: `55 a month`. */
  readonly currency: string | undefined;
  readonly negative: boolean;
  /** Said for the whole term, not for a month. */
  readonly inTotal: boolean;
  /** The same with another number: `40 euros, no, 50`. */
  readonly retold: (number: NumberReading) => MoneyReading;
}

/** A hundredth of a euro. */
const CENT = 'cent';
const CURRENCIES = currencies({
  [CENT]: 'cent cents ct cts eurocent eurocents centime centimes centesimi centesimo centimos centimo',
  EUR: '€ eur eur euro euros euri eurs euronen eurillos ouro',
  USD: '$ usd dollar dollars dollari dolares dolar us-dollar',
  GBP: '£ gbp pound pounds pond sterling pfund livre livres sterline sterlina libra libras',
  CHF: 'chf franc francs franken sfr fr. franchi franco francos stutz',
  JPY: '¥ jpy yen', CNY: 'cny yuan rmb', SEK: 'sek kronor krona', NOK: 'nok', DKK: 'dkk kroner krone kronen kr coronas corone couronnes', PLN: 'pln zloty zl zlotys', CZK: 'czk', HUF: 'huf forint', INR: 'inr ₹ rupees rupien', CAD: 'cad', MXN: 'peso pesos', BRL: 'real reais', TRY: 'lira liras lire', RON: 'leu lei', ZAR: 'rand', KRW: 'won', AED: 'dirham', ILS: 'shekel', UAH: 'hryvnia', AUD: 'aud', BTC: 'btc bitcoin bitcoins', RUB: 'rub rubel roubles rublos rubli',
});
/** Whose currency, before or after it: `US dollars`, `Schweizer Franken`, `livres sterling`, `dollari americani`. */
const WHOSE = new Set('us u.s american british swiss canadian australian japanese danish swedish norwegian schweizer britische britischen amerikanische amerikanischen suisses suisse americains sterling svizzeri americani suizos estadounidenses americanos esterlinas britse zwitserse amerikaanse deense zweedse noorse'.split(' '));
const LEADS = new Set(['a', 'per', 'each', 'every', '/', 'im', 'am', 'in', 'pro', 'je', 'par', 'al', 'all', "'", '’', 'por', 'the', 'le', 'de', 'il', 'der', 'die', 'dem', 'den', 'ogni', 'cada', 'elke', 'chaque', 'jeden', 'au', 'p', '.', 'an', 'one', 'een', 'ein', 'einen', 'un', 'la', 'el', 'l', 'ne', 'nel']);
const PERIODS: Readonly<Record<'day' | 'week' | 'month' | 'quarter' | 'year', ReadonlySet<string>>> = {
  day: new Set('day daily tag taglich jour quotidien giorno giornalieri dia diario diarios dag dagelijks'.split(' ')),
  week: new Set('week weekly woche wochentlich semaine settimana semana semanales wekelijks'.split(' ')),
  month: new Set('month months monthly mo mth monat monatlich monatliche mois mensuel mensuels mensuelle mensuelles mese mensile mensili mes mensual mensuales maand maandelijks maandelijkse mnd pm'.split(' ')),
  quarter: new Set('quarter quarterly quartal vierteljahr vierteljahrlich trimestre trimestriel trimestriels trimestrielle trimestrale trimestrali trimestral trimestrales kwartaal driemaandelijks'.split(' ')),
  year: new Set('year yearly annual annually annum jahr jahrlich jahrliche an annee annuel annuels annuelle annuelles anno annuo annui annuale annuali ano anual anuales jaar jaarlijks jaarlijkse pa yr'.split(' ')),
};
const TOTAL = new Set(['total', 'overall', 'altogether', 'insgesamt', 'gesamt', 'totale', 'totaal']);
/** Every word of a period. */
export const PERIOD_WORDS: readonly string[] = Object.values(PERIODS).flatMap((words) => [...words]);
/** Parts of a month: what one amount is worth a month, as [times, over]. */
const WORTH: Readonly<Record<keyof typeof PERIODS, readonly [bigint, bigint]>> = { day: [30n, 1n], week: [52n, 12n], month: [1n, 1n], quarter: [1n, 3n], year: [1n, 12n] };

function currencies(lists: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(lists).flatMap(([code, words]) => words.split(' ').map((word) => [word, code] as const)));
}

/** The amount that begins at a token: `€ 500 a month`, `500 EUR`, `two euros fifty`, `55 a month`. */
export function readMoney(request: Request, from: number, language: Language, number: NumberReading | undefined): MoneyReading | undefined {
  const amount = tens(request, from, language) ?? before(request, from, language) ?? (number && after(request, number, language));
  if (!amount) return undefined;
  const period = periodAt(request, amount.to) ?? { ...periodBefore(request, from), to: amount.to };
  if (amount.currency === undefined && !isRate(request, amount.to)) return undefined;
  const end = period.to;
  // `per month in total` is a month's.
  const inTotal = end === amount.to && (TOTAL.has(request.free(end)?.norm ?? '') || (['in', 'en', 'im'].includes(request.free(end)?.norm ?? '') && TOTAL.has(request.free(end + 1)?.norm ?? '')));
  return moneyOf(amount, period.unit, { from, to: end, inTotal });
}

function moneyOf({ number, currency, parts = 1n }: Omit<Amount, 'to'>, unit: keyof typeof PERIODS, { from, to, inTotal }: Range & { inTotal: boolean }): MoneyReading {
  const [times, over] = WORTH[unit];
  const { numerator, denominator, negative } = number;
  return { kind: 'money', from, to, millionths: (numerator * 1_000_000n * times) / (denominator * over * parts), currency, negative, inTotal, retold: (other) => moneyOf({ number: other, currency, parts }, unit, { from: other.from, to: other.to, inTotal: false }) };
}

interface Amount {
  readonly number: Pick<NumberReading, 'numerator' | 'denominator' | 'negative'>;
  readonly currency: string | undefined;
  /** How many of it make one of the currency: 100 cents. */
  readonly parts?: bigint;
  readonly to: number;
}

function currencyAt(request: Request, at: number): { code: string; to: number } | undefined {
  const norm = request.free(at)?.norm ?? '';
  if (WHOSE.has(norm)) {
    const whose = currencyAt(request, at + 1);
    // Somebody's dollars are never euros.
    return whose && { code: whose.code === 'EUR' ? 'EUR' : whose.code, to: whose.to };
  }
  const code = CURRENCIES.get(norm);
  if (code === undefined) return undefined;
  return { code, to: WHOSE.has(request.free(at + 1)?.norm ?? '') ? at + 2 : at + 1 };
}

/** `€ 500`, `EUR 500` */
function before(request: Request, from: number, language: Language): Amount | undefined {
  const currency = currencyAt(request, from);
  if (!currency) return undefined;
  const number = readNumber(request, currency.to, language);
  if (!number || number.article || currency.code === CENT || request.tokens[from - 1]?.kind === 'number') return undefined;
  return { number, currency: currency.code, to: number.to };
}

/** `500 EUR`, `2k euros`, `4 € 50`; and a number by itself, which its period makes an amount. */
function after(request: Request, number: NumberReading, language: Language): Amount | undefined {
  if (number.article) {
    const one = currencyAt(request, number.to);
    return one && one.code !== CENT ? { number, currency: one.code, to: one.to } : undefined;
  }
  const currency = currencyAt(request, number.to) ?? correctedCurrency(request, number.to);
  if (!currency) return { number, currency: undefined, to: number.to };
  if (currency.code === CENT) return { number, currency: 'EUR', parts: 100n, to: currency.to };
  const joint = ['and', 'und', 'et', 'e', 'y', 'en'].includes(request.free(currency.to)?.norm ?? '') ? 1 : 0;
  const cents = readNumber(request, currency.to + joint, language);
  const named = cents && CURRENCIES.get(request.free(cents.to)?.norm ?? '') === CENT ? 1 : 0;
  if (cents && !cents.article && !cents.negative && cents.denominator === 1n && number.denominator === 1n && cents.numerator >= (named ? 1n : 10n) && cents.numerator < 100n && (named ? true : joint === 0 ? endsAmount(request, cents.to) : isRate(request, cents.to))) {
    return { number: { numerator: number.numerator * 100n + cents.numerator, denominator: 100n, negative: number.negative }, currency: currency.code, to: cents.to + (named ?? 0) };
  }
  return { number, currency: currency.code, to: currency.to };
}

/** `15 bucks … I mean euros` */
function correctedCurrency(request: Request, from: number): { code: string; to: number } | undefined {
  for (let at = from + 1; at <= from + 7; at++) {
    if (request.tokens[at]?.kind === 'number') return undefined;
    const currency = currencyAt(request, at);
    if (currency) return isCorrected(request, from, at) ? currency : undefined;
  }
  return undefined;
}

/** Cents are followed by the period or by nothing more. */
function endsAmount(request: Request, at: number): boolean {
  const token = request.free(at);
  return !token || token.kind === 'symbol' || periodAt(request, at) !== undefined;
}

/** Dutch `een tientje`, `twee tientjes`: ten euros each. */
function tens(request: Request, from: number, language: Language): Amount | undefined {
  const number = readNumber(request, from, language);
  const word = number && request.free(number.to)?.norm;
  if (!number || (word !== 'tientje' && word !== 'tientjes')) return undefined;
  return { number: { ...number, numerator: number.numerator * 10n }, currency: 'EUR', to: number.to + 1 };
}

function periodAt(request: Request, from: number): { unit: keyof typeof PERIODS; to: number } | undefined {
  for (let at = from, steps = 0; steps < 4; at++, steps++) {
    const norm = request.free(at)?.norm;
    if (norm === undefined) return undefined;
    const unit = periodOf(norm);
    // `500 EUR an archive`: the article is no year.
    if (unit && !(norm === 'an' && steps === 0) && !(norm === 'mo' && steps === 0)) return { unit, to: at + 1 };
    if (!LEADS.has(norm)) return undefined;
  }
  return undefined;
}

/** `55 a month`, `90 monthly`; `9 months` is a time. */
function isRate(request: Request, at: number): boolean {
  const period = periodAt(request, at);
  return period !== undefined && (period.to > at + 1 || /^(?:monthly|monatlich|mensuel|mensuels|mensili|mensuales|maandelijks|yearly|annually|jahrlich|jaarlijks)$/.test(request.free(at)?.norm ?? ''));
}

function periodOf(norm: string): keyof typeof PERIODS | undefined {
  for (const unit of ['month', 'year', 'day', 'week', 'quarter'] as const) if (PERIODS[unit].has(norm)) return unit;
  return undefined;
}

/** `Jahresbudget 600 €`, `a yearly budget of 600 euros`. */
function periodBefore(request: Request, from: number): { unit: keyof typeof PERIODS } {
  for (let at = from - 1; at >= 0 && at >= from - 5; at--) {
    const norm = request.tokens[at]?.norm ?? '';
    if (/^[,;.!?]$/.test(norm) || request.tokens[at]?.kind === 'number') break;
    // `per jaar mag het 1200 euro kosten`
    const unit = LEADS.has(request.free(at - 1)?.norm ?? '') && norm !== 'an' ? periodOf(norm) : undefined;
    if (unit && unit !== 'quarter') return { unit };
    if (/^(?:yearly|annual|annually|jahrlich\w*|annuel\w*|annuale|annuo|anual|jaarlijks\w*)$/.test(norm) || /^(?:jahres|jaar)(?:budget|preis|prijs|limit|kosten)/.test(norm)) return { unit: 'year' };
    if (/^(?:quarterly|vierteljahrlich\w*|trimestriel\w*|trimestral\w*|driemaandelijks\w*)$/.test(norm)) return { unit: 'quarter' };
    if (/^(?:daily|taglich\w*|quotidien\w*|giornalier\w*|diario|dagelijks\w*)$/.test(norm)) return { unit: 'day' };
  }
  return { unit: 'month' };
}
