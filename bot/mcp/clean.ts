import { UNSEEN } from '../../contract/visible.ts';

/** Line breaks and tabs stay. */
const TO_CLEAN = new RegExp(`(?![\\n\\t])[${UNSEEN}]`, 'gu');

/** A text of others, as a client may show it. */
export function cleanText(text: string): string {
  return text.replace(TO_CLEAN, '\u00b7');
}

/** The same for every string inside a JSON value, keys included. */
export function clean<T>(value: T): T;
export function clean(value: unknown): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (Array.isArray(value)) return value.map((item: unknown) => clean(item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [cleanText(key), clean(item as unknown)]));
}
