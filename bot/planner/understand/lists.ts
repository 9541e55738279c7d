import { isCorrected } from './corrections.ts';
import type { Mention } from './hints.ts';
import type { CountReading } from './quantities.ts';
import type { Range, Request } from './tokens.ts';

export interface ListReading extends Range {
  readonly counts: readonly CountReading[];
}

const JOINS = new Set([':', '=', 'of', 'on', 'are', 'is', 'to', 'number', 'numbers', 'nr', 'no', '#', '(', 'auf', 'sind', 'sont', 'sono', 'son', 'zijn', 'op', 'sur', 'en', 'sulla', 'sulle', 'tcp', 'le', 'la', 'les', 'el', 'los', 'los', 'the', 'both', 'namely', 'port', 'ports']);
const BETWEEN = /^(?:,|\/|&|\+|and|und|et|e|ed|y|en|plus|sowie|auch|also|tcp|udp|port|porta|puerto|poort)$/;

/**
 * Lists of whole numbers beside a noun: `ports 80, 443 and 8404`, `listening on 6379`, `80 and 443 as ports`. A number that
 * another noun counts ends a list; a list that takes another back replaces it.
 */
export function readLists(request: Request, nouns: readonly Mention[], { counts: read, counted, most }: { counts: readonly CountReading[]; counted: (at: number) => boolean; most: number }): ListReading[] {
  const counts = read.flatMap((count) => apart(request, count, most));
  const found: ListReading[] = [];
  const put = (list: ListReading | undefined): void => {
    if (!list || found.some((other) => other.from < list.to && list.from < other.to)) return;
    found.push(list);
  };
  for (const noun of nouns) put(listAt(request, skipJoins(request, noun.to), counts, counted));
  for (const noun of nouns) put(listLinked(request, noun, counts, counted));
  for (const noun of nouns) if (!found.some((list) => list.from >= noun.to && list.from - noun.to <= 3)) put(listBefore(noun, counts, counted));
  // `Ports 80 und 8080 … Moment, 80 und 443`: the second has no noun of its own.
  for (const list of [...found]) {
    const next = counts.find((count) => count.from >= list.to && !counted(count.to) && isCorrected(request, list.to, count.from));
    if (next) put(listAt(request, next.from, counts, counted));
  }
  return found.sort((a, b) => a.from - b.from);
}

/** `80 443`: two numbers where one of 80443 is too large. */
function apart(request: Request, count: CountReading, most: number): CountReading[] {
  const tokens = request.tokens.slice(count.from, count.to);
  if (tokens.length < 2 || count.numerator <= BigInt(most) * count.denominator || !tokens.every(({ raw }) => /^\d+$/.test(raw))) return [count];
  return tokens.map(({ raw }, i) => ({ ...count, from: count.from + i, to: count.from + i + 1, numerator: BigInt(raw), denominator: 1n }));
}

function skipJoins(request: Request, from: number): number {
  let at = from;
  while (at < from + 4 && JOINS.has(request.free(at)?.norm ?? '')) at++;
  return at;
}

function listAt(request: Request, from: number, counts: readonly CountReading[], counted: (at: number) => boolean): ListReading | undefined {
  const list: CountReading[] = [];
  let at = from;
  for (;;) {
    const count = counts.find((each) => each.from === at && !each.article);
    // The first number stands right behind the noun; of those that follow, what another noun counts is not one.
    if (!count || (list.length > 0 && counted(count.to))) break;
    list.push(count);
    at = count.to;
    let next = at;
    while (next < at + 3 && BETWEEN.test(request.free(next)?.norm ?? '')) next++;
    // Ports in a row need no comma.
    if (next === at && !counts.some((each) => each.from === at)) break;
    at = next;
  }
  const last = list.at(-1);
  return last ? { from, to: last.to, counts: list } : undefined;
}

const LINKED = new Set(['are', 'is', 'as', 'its', 'the', 'sind', 'die', 'als', 'seine', 'sont', 'ses', 'les', 'comme', 'sono', 'le', 'sue', 'come', 'son', 'sus', 'los', 'como', 'zijn', 'de']);

/** `4222 and 8222 are its ports` */
function listLinked(request: Request, noun: Mention, counts: readonly CountReading[], counted: (at: number) => boolean): ListReading | undefined {
  let to = noun.from;
  while (to > noun.from - 3 && LINKED.has(request.free(to - 1)?.norm ?? '')) to--;
  let first = to === noun.from ? undefined : counts.find((each) => each.to === to && !each.article);
  for (let before = first; before !== undefined; ) {
    first = before;
    const start = before.from;
    before = counts.find((each) => !each.article && each.to < start && each.to >= start - 2 && request.tokens.slice(each.to, start).every(({ norm }) => BETWEEN.test(norm)));
  }
  const list = first && listAt(request, first.from, counts, counted);
  return list?.to === to ? list : undefined;
}

function listBefore(noun: Mention, counts: readonly CountReading[], counted: (at: number) => boolean): ListReading | undefined {
  const count = counts.find((each) => each.to === noun.from && !each.article);
  return count && counted(noun.from) ? { from: count.from, to: count.to, counts: [count] } : undefined;
}
