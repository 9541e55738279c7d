import type { Mention } from './hints.ts';
import type { Range, Request } from './tokens.ts';

/** A value's tie to what it may belong to; `mention` is absent where nothing but the kind of value speaks for it. */
export interface Edge {
  readonly value: number;
  readonly parameter: string;
  readonly mention: number | undefined;
  readonly score: number;
}

const AFTER = 10;
const BEFORE = 8.5;
/** Lightest tie that counts. */
const LEAST = 2.5;
/** Costs of what stands between a value and its noun. */
const COST = { joint: 0.2, word: 0.9, and: 2.2, comma: 3, bracket: 1, value: 4, noun: 3 } as const;
/** Words that bind a noun to its value: `memory of 8 GB`, `port: 80`, `8 x cores`. */
const JOINTS = new Set(['-', ':', '=', 'of', 'is', 'de', 'di', 'von', 'van', 'd', "'", '’', 'x', '×', '*', 'be', 'auf', 'on', 'at', 'to', 'ist', 'est', 'es', 'as', 'mit', 'zu', 'a', 'da', 'for', 'fur', 'pour', 'per', 'por', 'voor', 'para', 'um', 'the', 'der', 'die', 'das', 'den', 'le', 'la', 'les', 'il', 'el', 'los', 'las', 'het', 'op', 'en', 'sur', 'sulla', 'su', 'number', 'nr', 'no', '#', '"', '(', 'by', 'avant', 'before', 'prima', 'antes', 'voor', 'pendant', 'durante', 'was', 'were', 'sind', 'are', 'sont', 'sono', 'son', 'zijn', 'gleich', 'about', 'etwa', 'circa', 'ca', 'environ', 'unos', 'ongeveer', 'max', 'maximal', 'min', 'least', 'most', 'exactly', 'genau']);
const ANDS = new Set(['and', 'und', 'et', 'e', 'y', 'plus', 'sowie', 'with', 'avec', 'con', 'met', 'ed', '&', '+', 'but', 'aber', 'mais', 'ma', 'pero', 'maar']);
const PER = new Set(['per', 'par', 'pro', 'je', 'each', 'every', 'por', 'ogni', 'cada', 'elke', 'elk', 'jeder', 'jeden', 'chaque', 'a']);

/** How near a noun stands to a value; 0 where they do not belong together. `slow` is for durations, which verbs govern from afar. */
export function nearness(request: Request, value: Range, noun: Mention, { values, mentions, slow }: { values: readonly Range[]; mentions: readonly Mention[]; slow: boolean }): number {
  // A word that is number and noun at once: `in drievoud`, `triplicado`.
  if (noun.from < value.to && value.from < noun.to) return slow ? 0 : BEFORE;
  const follows = noun.from >= value.to;
  const [from, to] = follows ? [value.to, noun.from] : [noun.to, value.from];
  if (from > to || to - from > (slow ? 14 : 8)) return 0;
  let score = (follows ? AFTER : BEFORE) - (4 - noun.sure) * 0.4;
  for (let at = from; at < to; at++) {
    const { raw = '', norm = '' } = request.tokens[at] ?? {};
    if (/^[.!?;]$/.test(raw) && !isAbbreviation(request, at)) return 0;
    if (raw === ',') score -= slow && !follows ? 2 : COST.comma + (slow ? 0.5 : 0);
    else if (/^[/|]$/.test(raw)) score -= follows ? COST.comma : COST.bracket;
    else if (/^[()]$/.test(raw)) score -= COST.bracket;
    else if (JOINTS.has(norm) && !follows) score -= COST.joint;
    else if (JOINTS.has(norm)) score -= COST.joint * 3;
    else if (ANDS.has(norm)) score -= COST.and;
    else score -= slow ? 0.5 : COST.word;
  }
  for (const other of values) if (other !== value && other.from >= from && other.to <= to) score -= COST.value;
  for (const other of mentions) if (other !== noun && other.from >= from && other.to <= to && other.meanings.every(({ parameter }) => parameter !== undefined)) score -= COST.noun;
  // `100 GB per worker` counts no workers.
  if (PER.has(request.tokens[noun.from - 1]?.norm ?? '') && !(follows && noun.from === value.to)) score -= follows || request.tokens[noun.from - 1]?.norm !== 'a' ? 8 : 0;
  return score >= LEAST ? score : 0;
}

function isAbbreviation(request: Request, at: number): boolean {
  return request.tokens[at]?.raw === '.' && ['max', 'min', 'ca', 'mind', 'no', 'nr', 'approx', 'bzw', 'inkl', 'incl', 'excl', 'vol'].includes(request.tokens[at - 1]?.norm ?? '');
}

/** Steps that the search for the best assignment may take; beyond them the best so far is good enough. */
const MAX_STEPS = 20_000;

/** What a second value for one parameter costs: it would be unclear which is meant. */
const TWICE = 3;

/** The set of edges with the highest total, each value and each mention at most once. */
export function bestMatching(edges: readonly Edge[]): Edge[] {
  const byValue = new Map<number, Edge[]>();
  for (const edge of edges) byValue.set(edge.value, [...(byValue.get(edge.value) ?? []), edge]);
  const lists = [...byValue.values()].map((list) => [...list].sort((a, b) => b.score - a.score));
  // What the values from here on can add at most.
  const hope: number[] = [];
  for (let i = lists.length - 1; i >= 0; i--) hope[i] = (hope[i + 1] ?? 0) + (lists[i]?.[0]?.score ?? 0);
  let best: Edge[] = [];
  let most = -1;
  let steps = 0;
  const taken = new Set<number>();
  const chosen: Edge[] = [];
  const search = (at: number, total: number): void => {
    if (total > most) [best, most] = [[...chosen], total];
    if (at >= lists.length || ++steps > MAX_STEPS || total + (hope[at] ?? 0) <= most) return;
    for (const edge of lists[at] ?? []) {
      if (edge.mention !== undefined && taken.has(edge.mention)) continue;
      if (edge.mention !== undefined) taken.add(edge.mention);
      const twice = chosen.some(({ parameter }) => parameter === edge.parameter) ? TWICE : 0;
      chosen.push(edge);
      search(at + 1, total + edge.score - twice);
      chosen.pop();
      if (edge.mention !== undefined) taken.delete(edge.mention);
    }
    search(at + 1, total);
  };
  search(0, 0);
  return best;
}
