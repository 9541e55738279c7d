import type { Range } from './tokens.ts';

/** What is written for machines, not for people: its words are no nouns, no numbers and no places. */
export interface Literal {
  readonly kind: 'image' | 'location' | 'pair' | 'noise';
  readonly text: string;
  /** UTF-16 offsets. */
  readonly start: number;
  readonly end: number;
}
export interface LiteralRange extends Range {
  readonly kind: Literal['kind'];
  readonly text: string;
}
/** A text in quotes or backticks; the range includes them. */
export interface Quote extends Range {
  readonly text: string;
}

const HOST = String.raw`(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,24}`;
const SEGMENT = String.raw`[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*`;
const TAG = String.raw`:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?`;
const DIGEST = String.raw`@sha256:[0-9a-f]{64}`;

/** Tried in order at each place that begins a word; the first that fits wins. */
const FORMS: readonly (readonly [kind: Literal['kind'], form: RegExp])[] = [
  ['location', /(?:https?|s3|s3a|gs|gcs|ftp|sftp|git|git\+ssh|git\+https|ssh|hdfs|file|az|abfs|abfss|ipfs|minio|swift|webdav|davs?|rsync|nfs|smb|oci):\/\/[^\s"'`<>«»„“”]+/y],
  ['location', new RegExp(String.raw`[A-Za-z0-9_.-]+@(?:${HOST}|[a-z0-9-]+):[^\s"'<>«»,;]+`, 'iy')],
  ['noise', new RegExp(String.raw`[A-Za-z0-9_.+-]+@${HOST}`, 'iy')],
  ['pair', /[A-Za-z_][A-Za-z0-9_]{0,127}=(?:"[^"\n]{0,500}"|'[^'\n]{0,500}'|„[^“\n]{0,500}“|[^\s,;"'«»]+)/y],
  // host/path:tag, host:port/path, path:tag, path@digest
  ['image', new RegExp(String.raw`(?:${HOST}|localhost)(?::\d{1,5})?(?:\/${SEGMENT})+(?:${TAG})(?:${DIGEST})?`, 'y')],
  // Capitals make it no image, but it was meant to be one.
  ['image', new RegExp(String.raw`(?:${HOST})(?:\/[A-Za-z0-9._-]+)+${TAG}(?:@sha256:[0-9a-f]*)?`, 'y')],
  ['image', new RegExp(String.raw`(?:[a-z0-9.-]+:\d{1,5}\/)?${SEGMENT}(?:\/${SEGMENT})*(?:${TAG})?@sha256:[0-9a-f]*`, 'y')],
  ['image', new RegExp(String.raw`[a-z0-9.-]+:\d{1,5}(?:\/${SEGMENT})+(?:${TAG})?`, 'y')],
  ['image', new RegExp(String.raw`${SEGMENT}(?:\/${SEGMENT})+(?:${TAG})`, 'y')],
  // A known registry needs no tag.
  ['image', new RegExp(String.raw`(?:ghcr\.io|quay\.io|docker\.io|gcr\.io|nvcr\.io|mcr\.microsoft\.com|public\.ecr\.aws|registry\.[a-z0-9.-]+|harbor\.[a-z0-9.-]+|docker\.[a-z0-9.-]+|cr\.[a-z0-9.-]+|[a-z0-9-]+\.azurecr\.io|registry[a-z0-9-]*\.[a-z0-9.-]+)(?:\/${SEGMENT})+(?:${TAG})?`, 'y')],
  ['location', new RegExp(String.raw`${HOST}\/[^\s"'<>«»,;]*`, 'iy')],
  ['image', new RegExp(String.raw`${SEGMENT}(?:${TAG})`, 'y')],
  // Paths: /data/x, ./site, ~/data
  ['location', /(?:~|\.{1,2})?(?:\/[\p{L}\p{N}_.+@%=*-]+)+\/?/uy],
  ['noise', /\+\d[\d ()/-]{6,18}\d/y],
  ['noise', /\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?![\d.]|\s?[kmgtp]i?[bo]\b)/iy],
  ['noise', /(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d)?(?:\s?[ap]m\b)?/iy],
  ['noise', /\d{1,3}(?:[.,]\d+)?\s?%/y],
  ['noise', /\d{1,3}(?:st|nd|rd|th|ème|eme|ère|er|e|ste|de|º|ª|°)(?![\p{L}\p{N}])/uy],
  ['noise', /24\/7|\d[jdtghJTG]?\/7|#\d+/y],
  ['noise', /(?:\d{1,3}\.){3}\d{1,3}(?:\/\d{1,2})?/y],
  ['noise', /(?<!["«„“'‘`]\s?)[A-Z]{2,6}-\d{2,}/y],
];
/** Left of a colon these are no images: `port:8080`, `name:shop`. */
const LABELS = /^(?:https?|ports?|poort(?:en)?|porta|porte|puertos?|name|nom|nome|nombre|naam|cpus?|cores?|ram|memory|users?|workers?|disk|size|budget|price|countr(?:y|ies)|region|retention|replicas?|feature|branch|image|container|source|quelle|command|note|ps|re|fwd|subject|betreff|system|user|assistant|todo|gpus?|env|location|months?|mode)$/i;
const TRAILING = /[.,;:!?)\]}>'"’”“»…]+$/;

/** Every literal of a text, in order. */
export function findLiterals(text: string): Literal[] {
  const found: Literal[] = [];
  for (let at = 0; at < text.length; at++) {
    if (!beginsWord(text, at)) continue;
    const literal = literalAt(text, at);
    if (!literal) continue;
    found.push(literal);
    at = literal.end - 1;
  }
  return found;
}

function beginsWord(text: string, at: number): boolean {
  const [before, here] = [text[at - 1] ?? ' ', text[at] ?? ' '];
  // `[/INST]` and `</user>` are markup, no paths.
  if (here === '/' && /[[<]/.test(before)) return false;
  return !/\s/.test(here) && /[\s("'`«„“”‘’\[{<,;=]/.test(before) || (at > 0 && before === ':' && /[\/a-z]/.test(here)) && !/[\p{L}\p{N}]/u.test(text[at - 2] ?? ' ');
}

function literalAt(text: string, at: number): Literal | undefined {
  for (const [kind, form] of FORMS) {
    form.lastIndex = at;
    const raw = form.exec(text)?.[0];
    if (raw === undefined) continue;
    const said = kind === 'location' || kind === 'pair' ? trimEnd(raw) : raw;
    if (!isWhole(text, at + said.length, kind) || !isPlausible(kind, said) || (kind === 'image' && /(?:->|→|=>)\s*$/.test(text.slice(Math.max(0, at - 4), at)))) continue;
    return { kind, text: said, start: at, end: at + said.length };
  }
  return undefined;
}

/** Punctuation that ends a sentence ends no address; a closing bracket stays where it was opened. */
function trimEnd(raw: string): string {
  const match = TRAILING.exec(raw);
  if (!match || /["']$/.test(raw) && /=["']/.test(raw)) return raw;
  const cut = raw.slice(0, match.index);
  return match[0].startsWith(')') && cut.includes('(') ? `${cut})` : cut;
}

function isWhole(text: string, end: number, kind: Literal['kind']): boolean {
  const next = text[end] ?? ' ';
  return kind === 'location' || !/[\p{L}\p{N}_\/=@]/u.test(next) || (kind === 'noise' && !/[\p{L}\p{N}]/u.test(next));
}

function isPlausible(kind: Literal['kind'], said: string): boolean {
  if (kind === 'image') {
    const [left = '', tag = ''] = said.includes('/') ? [said, ''] : said.split(':');
    if (said.includes('/')) return /[a-z]/.test(said);
    // `nginx:1.27` and `python:3.12-slim`, not `note:this`, `8:30` or `4:3`.
    return /[a-z]/.test(left) && !LABELS.test(left) && (/\d/.test(tag) || /^(?:latest|stable|alpine|slim|dev|main|master|edge|nightly|prod|production|staging|lts|bookworm|bullseye|noble|jammy|focal)/.test(tag));
  }
  if (kind === 'location') {
    if (said.startsWith('/') || said.startsWith('.') || said.startsWith('~')) return said.length > 2 && /\p{L}/u.test(said);
    return said.length > 4;
  }
  return true;
}

const QUOTES: readonly (readonly [open: string, close: string])[] = [['"', '"'], ['“', '”'], ['„', '“'], ['„', '”'], ['„', '"'], ['«', '»'], ['»', '«'], ['‹', '›'], ['`', '`'], ['‘', '’'], ["'", "'"]];
/** Longest quoted text. */
const MAX_QUOTE = 500;

/** Quoted texts; an apostrophe inside a word opens none. */
export function findQuotes(text: string): { text: string; start: number; end: number }[] {
  const found: { text: string; start: number; end: number }[] = [];
  for (let at = 0; at < text.length; at++) {
    if (/[\p{L}\p{N}]/u.test(text[at - 1] ?? ' ') && /['’‘]/.test(text[at] ?? '')) continue;
    const end = quoteEnd(text, at);
    if (end === undefined) continue;
    found.push({ text: text.slice(at + 1, end).trim(), start: at, end: end + 1 });
    at = end;
  }
  return found;
}

function quoteEnd(text: string, at: number): number | undefined {
  let best: number | undefined;
  for (const [open, close] of QUOTES) {
    if (text[at] !== open) continue;
    let end = text.indexOf(close, at + 1);
    // An apostrophe ends a quotation only where no word goes on.
    while (end > 0 && (close === "'" || close === '’') && /[\p{L}\p{N}]/u.test(text[end + 1] ?? ' ')) end = text.indexOf(close, end + 1);
    if (end <= at + 1 || end - at > MAX_QUOTE || text.slice(at, end).includes('\n\n')) continue;
    if (best === undefined || end < best) best = end;
  }
  return best;
}
