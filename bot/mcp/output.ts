import { cleanText } from './clean.ts';

/** Characters of a result that are handed out at most, unless told otherwise. */
export const DEFAULT_MAX_OUTPUT = 24_000;
export const MIN_MAX_OUTPUT = 2000;

type Json = Record<string, unknown>;

export interface Shortened {
  readonly value: Json;
  /** What was left out, in words; empty when all is there. */
  readonly left: readonly string[];
}

/**
 * Cuts the longest list or text, again and again, until the JSON of a result has so many characters at most. The schema of a list or
 * text still holds of what is left of it.
 */
export function shorten(result: Json, max: number): Shortened {
  const value = structuredClone(result);
  const whole = new Map<string, number>();
  for (let size = JSON.stringify(value).length; size > max; size = JSON.stringify(value).length) {
    const longest = longer(longestList(value, ''), longestText(value, ''));
    if (!longest) break;
    const { path, length, cut } = longest;
    whole.set(path, whole.get(path) ?? length);
    cut(Math.min(length - 1, Math.max(Math.floor((length * max) / size), 0)));
  }
  return { value, left: [...whole].map(([path, length]) => `${path}: not all of its ${length}`) };
}

interface Cuttable {
  readonly path: string;
  readonly length: number;
  /** Characters of JSON. */
  readonly size: number;
  readonly cut: (to: number) => void;
}

/** Of two of one size the first. */
const longer = (a: Cuttable | undefined, b: Cuttable | undefined): Cuttable | undefined => (a && (!b || a.size >= b.size) ? a : b);

function longestList(value: unknown, path: string): Cuttable | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  let longest: Cuttable | undefined;
  if (Array.isArray(value) && value.length > 0) longest = { path, length: value.length, size: JSON.stringify(value).length, cut: (to) => { value.length = to; } };
  for (const [key, item] of Object.entries(value)) longest = longer(longest, longestList(item, Array.isArray(value) ? path : join(path, key)));
  return longest;
}

function longestText(value: unknown, path: string): Cuttable | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  let longest: Cuttable | undefined;
  for (const [key, item] of Object.entries(value)) {
    const at = join(path, key);
    if (typeof item === 'string' && item.length > 0) longest = longer(longest, { path: at, length: item.length, size: item.length, cut: (to) => { (value as Json)[key] = item.slice(0, to); } });
    longest = longer(longest, longestText(item, at));
  }
  return longest;
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

/** A result as lines, in fewer tokens than JSON: what a model reads where its client shows it no structured content. */
export function textOf(result: Readonly<Json>): string {
  return cleanText(linesOf(result, '').join('\n'));
}

function linesOf(value: Readonly<Json>, indent: string): string[] {
  return Object.entries(value).flatMap(([key, item]) => {
    if (item === undefined) return [];
    if (!isPlain(item)) return [`${indent}${key}: ${inline(item)}`];
    if (!Array.isArray(item)) return [`${indent}${key}:`, ...linesOf(item as Json, `${indent}  `)];
    return [`${indent}${key}:`, ...item.map((each: unknown) => `${indent}- ${inline(each)}`)];
  });
}

/** Whether it takes lines of its own: an object with members, or a list of more than short words. */
function isPlain(item: unknown): item is object {
  if (typeof item !== 'object' || item === null) return false;
  if (Array.isArray(item)) return item.some((each) => typeof each === 'object' || String(each).length > 40);
  return Object.keys(item).length > 0;
}

function inline(item: unknown): string {
  if (typeof item === 'string') return item.replaceAll('\n', ' ');
  if (Array.isArray(item)) return item.length === 0 ? 'none' : item.map(inline).join(', ');
  if (typeof item !== 'object' || item === null) return String(item);
  return Object.entries(item).map(([key, each]) => `${key} ${typeof each === 'object' && each !== null ? `(${inline(each)})` : inline(each)}`).join('; ');
}
