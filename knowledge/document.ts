import { isMap, isPair, isScalar, LineCounter, type Node, parseDocument, visit, type YAMLMap } from 'yaml';

/** Largest document, in UTF-8 bytes. */
export const MAX_DOCUMENT = 256 * 1024;
const MAX_NODES = 10_000;
const MAX_DEPTH = 24;
/** `- - - …`: block collections that nest within one line. */
const COMPACT_NESTING = /^[ \t]*(?:[-?:][ \t]+){25}/m;

/** Something wrong at a place of a document; line and column count from 1, columns in UTF-16 units. */
export interface Problem {
  readonly line: number;
  readonly column: number;
  readonly code: string;
  readonly message: string;
  readonly severity: 'error' | 'warning';
}

export type Path = readonly (string | number)[];

/** A parsed YAML document and where its parts stand. */
export interface SourceDocument {
  readonly value: unknown;
  /** Position of the value at `path` (of its nearest ancestor, when absent); `find` moves on to a text inside it, `offset` beyond that. */
  readonly locate: (path: Path, within?: { readonly find: string; readonly offset: number }) => { readonly line: number; readonly column: number };
}

/**
 * Parses YAML 1.2 (core schema) from a hostile source: at most 256 KiB, no anchors, aliases or tags, no duplicate keys,
 * no numbers that JSON cannot hold, bounded depth and size.
 */
export function parseYaml(source: Uint8Array | string): { ok: true; document: SourceDocument } | { ok: false; problems: Problem[] } {
  const at = (line: number, column: number, message: string, code = 'yaml'): Problem => ({ line, column, code, message, severity: 'error' });
  if (source.length > MAX_DOCUMENT) return { ok: false, problems: [at(1, 1, `document is larger than ${MAX_DOCUMENT} bytes`)] };
  let text: string;
  try {
    text = typeof source === 'string' ? source : new TextDecoder('utf-8', { fatal: true }).decode(source);
  } catch {
    return { ok: false, problems: [at(1, 1, 'document is not UTF-8')] };
  }
  // Before the parser sees it: it recurses.
  if (deepestBrackets(text) > MAX_DEPTH || COMPACT_NESTING.test(text)) return { ok: false, problems: [at(1, 1, `nested deeper than ${MAX_DEPTH}`)] };
  if ((text.match(/[\n\r,]/g) ?? []).length > MAX_NODES) return { ok: false, problems: [at(1, 1, 'document has too many parts')] };
  const lines = new LineCounter();
  let document: ReturnType<typeof parseDocument>;
  try {
    document = parseDocument(text, { lineCounter: lines, version: '1.2', schema: 'core', merge: false, uniqueKeys: false, strict: true, prettyErrors: false, logLevel: 'error' });
  } catch {
    // The parser recurses: block nesting that exhausts its stack ends here.
    return { ok: false, problems: [at(1, 1, 'document cannot be parsed: nested too deep')] };
  }
  const problems: Problem[] = [];
  const refuse = (offset: number, message: string): void => {
    const { line, col } = lines.linePos(offset);
    problems.push(at(Math.max(line, 1), Math.max(col, 1), message));
  };
  for (const error of [...document.errors, ...document.warnings]) refuse(error.pos[0], /call stack/.test(error.message) ? 'nested too deep' : error.message);
  if (problems.length > 0) return { ok: false, problems: problems.slice(0, 20) };
  let nodes = 0;
  visit(document, {
    Alias: (_, node) => refuse(node.range?.[0] ?? 0, 'aliases are not allowed'),
    Node: (_, node, path) => {
      const start = node.range?.[0] ?? 0;
      if (++nodes > MAX_NODES || path.length > 2 * MAX_DEPTH) {
        refuse(start, 'document has too many parts or is nested too deep');
        return visit.BREAK;
      }
      if (isMap(node)) for (const repeated of repeatedKeys(node)) refuse(hasRange(repeated) ? repeated.range[0] : start, 'Map keys must be unique');
      if ('anchor' in node && node.anchor) refuse(start, 'anchors are not allowed');
      if (node.tag !== undefined) refuse(start, `tag ${node.tag} is not allowed`);
      if (isScalar(node) && typeof node.value === 'number' && !(Number.isSafeInteger(node.value))) refuse(start, 'number is not a whole number that fits; write it as a text');
      return undefined;
    },
    Pair: (_, pair) => {
      if (!isScalar(pair.key) || typeof pair.key.value !== 'string') refuse(hasRange(pair.key) ? pair.key.range[0] : 0, 'keys must be texts');
    },
  });
  if (problems.length > 0) return { ok: false, problems: problems.slice(0, 20) };
  const value: unknown = document.toJS({ maxAliasCount: 0 });
  return { ok: true, document: { value, locate: locator(document.contents, text, lines) } };
}

function locator(root: Node | null, text: string, lines: LineCounter): SourceDocument['locate'] {
  return (path, within) => {
    let node: Node | null = root;
    let start = root?.range?.[0] ?? 0;
    for (const step of path) {
      if (isMap(node)) {
        const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === String(step));
        if (!pair) break;
        if (hasRange(pair.key)) start = pair.key.range[0];
        node = hasRange(pair.value) ? pair.value : null;
      } else if (node && 'items' in node) {
        const item: unknown = node.items[Number(step)];
        node = hasRange(item) ? item : null;
      } else break;
      if (!hasRange(node)) break;
      start = node.range[0];
    }
    if (within && hasRange(node)) {
      const found = text.slice(node.range[0], node.range[1]).indexOf(within.find);
      if (found >= 0) start = node.range[0] + found + within.offset;
    }
    const { line, col } = lines.linePos(start);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
}

/** Not left to the parser, which compares every key with every other. */
function repeatedKeys(map: YAMLMap): unknown[] {
  const seen = new Set<unknown>();
  return map.items.flatMap(({ key }) => {
    if (!isScalar(key) || !seen.has(key.value)) {
      if (isScalar(key)) seen.add(key.value);
      return [];
    }
    return [key];
  });
}

function hasRange(node: unknown): node is Node & { range: [number, number, number] } {
  return typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range);
}

/** Flow collections nest without indentation: counted before a recursive parser sees them. An upper bound: quotes are not looked at. */
function deepestBrackets(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const c of text) {
    if (c === '[' || c === '{') deepest = Math.max(deepest, ++depth);
    else if ((c === ']' || c === '}') && depth > 0) depth--;
  }
  return deepest;
}
