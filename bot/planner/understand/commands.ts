import type { TextReading } from './images.ts';
import type { Mention } from './hints.ts';
import type { Request } from './tokens.ts';

/** Programs that a command begins with. */
const PROGRAMS = /^(?:python[\d.]*|Rscript|R|julia|node|npm|npx|yarn|deno|bun|bash|sh|zsh|make|cmake|perl|ruby|php|java|go|cargo|dotnet|mvn|gradle|spark-submit|duckdb|sqlite3|psql|octave|matlab|stata|ffmpeg|convert|curl|wget|gzip|tar|snakemake|nextflow|dbt|airflow|pytest|pip|torchrun|accelerate|blender|gcc|g\+\+|rsync|aws|awk|sed|grep|jq|find|sort|echo|cat|ls|env|time|sleep|hugo|jekyll|poetry|uv|conda|whisper|ollama|samtools|bwa|blast\w*)$/;
const OPTION = /(?:^|\s)--?[a-zA-Z]|[./][\w-]+\.\w+|\.\/|\.(?:py|sh|R|r|jl|js|ts|pl|rb|sql|do|m|ipynb|jar|exe)\b/;
/** What ends a command that stands without quotes. */
const BORDER = /^(?:in|im|on|over|with|using|inside|within|auf|uber|mit|aus|und|dans|sur|avec|nell|nel|nella|sui|sul|su|con|en|sobre|dentro|met|op|uit|at|for|from|once|einmal|and|et|e|y|,|;|”|against|across|through|als|as|fur|pour|per|para|por|voor|max|maximal|at most)$/;
const MAX_COMMAND = 300;

/** The commands that a request wants to run: in quotes or backticks, or bare behind the word for it. */
export function readCommands(request: Request, nouns: readonly Mention[]): TextReading[] {
  const quoted = request.quotes.flatMap((quote) => {
    const named = nouns.some((noun) => noun.to <= quote.from && quote.from - noun.to <= 3);
    const tick = request.tokens[quote.from]?.raw === '`';
    const first = quote.text.split(/\s/)[0] ?? '';
    const runs = PROGRAMS.test(first) || OPTION.test(quote.text) || tick;
    return runs || named ? [{ from: quote.from, to: quote.to, text: quote.text, named: named || runs }] : [];
  });
  if (quoted.length > 0) return sure(quoted);
  // A quoted text of several words is no name.
  const spaced = request.quotes.filter(({ text }) => /\s/.test(text)).map(({ from, to, text }) => ({ from, to, text, named: false }));
  if (spaced.length > 0) return spaced;
  const colons = request.tokens.flatMap(({ raw }, at) => (raw === ':' ? [at + 1] : []));
  // `run ./render --scene 4 in the image …`: nothing else is written so.
  const local = request.tokens.flatMap(({ start, attached }, at) => (!attached && /^\.\/\w/.test(request.text.slice(start, start + 3)) ? [at] : []));
  return [...nouns.map((noun) => noun.to), ...colons, ...local].flatMap((at) => bare(request, at) ?? []).slice(0, 1);
}

/** The ones that look like commands, if any does. */
function sure(all: readonly TextReading[]): TextReading[] {
  const runs = all.filter(({ text }) => PROGRAMS.test(text.split(/\s/)[0] ?? '') || OPTION.test(text));
  return runs.length > 0 ? runs : [...all];
}

function bare(request: Request, from: number): TextReading | undefined {
  let at = from;
  while (/^(?::|=|the|command|den|die|das|befehl|once|einmal|le|la|il|el|commande|comando|opdracht|het|de|is|lautet|script|skript|programm|program)$/.test(request.tokens[at]?.norm ?? '')) at++;
  const start = request.tokens[at]?.start;
  if (start === undefined) return undefined;
  const first = /^\S+/.exec(request.text.slice(start, start + 100))?.[0].replace(/[,;:]$/, '') ?? '';
  if (!PROGRAMS.test(first) && !/^(?:\.\/|\/)?[\w./-]+\.(?:py|sh|R|jl|js|pl|rb)$/.test(first) && !/^\.\//.test(first)) return undefined;
  let to = at + 1;
  while (request.tokens[to] && (request.tokens[to]?.end ?? 0) - start < MAX_COMMAND) {
    const token = request.tokens[to];
    const spaced = token?.attached === false || token?.raw === ',' || token?.raw === ';';
    if (token && spaced && BORDER.test(token.norm)) break;
    if (token && /^[.,;!?]$/.test(token.raw) && (request.tokens[to + 1]?.attached !== true || !request.tokens[to + 1])) break;
    // An image or an address of its own ends it, unless it is an argument: a path.
    if (token && !token.attached && request.literals.some((literal) => literal.from === to && literal.kind === 'image')) break;
    to++;
  }
  const text = request.text.slice(start, request.tokens[to - 1]?.end ?? start).trim();
  return { from: at, to, text, named: true };
}
