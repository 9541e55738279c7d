import { printable } from '../../printable.ts';
import type { Language } from '../language.ts';
import { de } from './de.ts';
import { en, type MessageName, type Messages } from './en.ts';
import { es } from './es.ts';
import { fr } from './fr.ts';
import { it } from './it.ts';
import { nl } from './nl.ts';

export type { MessageName } from './en.ts';

export const MESSAGES: Readonly<Record<Language, Messages>> = { en, de, fr, it, es, nl };

/** Says something in one language; `{count#node|nodes}` is the word for that number of them. What is put into its `{places}` may be others' words and is made harmless. */
export type Say = (name: MessageName, values?: Readonly<Record<string, string | number>>) => string;

export function sayIn(language: Language): Say {
  const messages = MESSAGES[language];
  return (name, values = {}) => messages[name].replace(/\{([a-z]+)(?:#([^|{}]*)\|([^|{}]*))?\}/g, (place, key: string, one?: string, many?: string) => {
    if (!Object.hasOwn(values, key)) return place;
    if (one !== undefined && many !== undefined) return Number(values[key]) === 1 ? one : many;
    return printable(String(values[key]));
  });
}
