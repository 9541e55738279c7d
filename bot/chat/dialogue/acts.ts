import { normalize } from '../../planner/understand/tokens.ts';
import { plannedIn, type Turn } from '../conversation.ts';
import { ASKING, FILLERS, type PhraseName, PHRASES, PROPOSALS } from './lexicon.ts';

type Words = readonly string[];
/** Longest message that is only a yes or a no, in words. */
const SHORT = 9;

const cut = (text: string): Words => normalize(text).match(/[\p{L}\p{N}]+/gu) ?? [];
/** Longest first, so that `take it back` is not read as `take it`. */
const phrasesOf = (list: string): readonly Words[] => [...new Set(list.split('|'))].map((phrase) => phrase.split(' ')).sort((a, b) => b.length - a.length);
const TABLE = Object.fromEntries(Object.entries(PHRASES).map(([name, list]) => [name, phrasesOf(list)])) as Readonly<Record<PhraseName, readonly Words[]>>;
const FILLER = phrasesOf(FILLERS);
const BEFORE = phrasesOf(`${ASKING}|${FILLERS}|${PHRASES.hello}|${PHRASES.thanks}`);

function matchAt(words: Words, at: number, phrases: readonly Words[]): number {
  return phrases.find((phrase) => phrase.every((word, i) => words[at + i] === word))?.length ?? 0;
}

/** True when the message is made of these phrases, and of words that change nothing. */
export function isOnly(text: string, ...names: readonly PhraseName[]): boolean {
  const words = cut(text);
  if (words.length === 0 || words.length > SHORT) return false;
  const wanted = names.flatMap((name) => TABLE[name]).sort((a, b) => b.length - a.length);
  let said = false;
  for (let at = 0; at < words.length;) {
    const core = matchAt(words, at, wanted);
    said ||= core > 0;
    const step = core || matchAt(words, at, FILLER);
    if (step === 0) return false;
    at += step;
  }
  return said;
}

/** True when a phrase stands anywhere in the message. */
export function says(text: string, name: PhraseName): boolean {
  const words = cut(text);
  return words.some((_, at) => matchAt(words, at, TABLE[name]) > 0);
}

/** True when the message begins with a phrase, after words that change nothing. */
export function begins(text: string, name: PhraseName): boolean {
  const words = cut(text);
  for (let at = 0; at < words.length;) {
    if (matchAt(words, at, TABLE[name]) > 0) return true;
    const step = matchAt(words, at, BEFORE);
    if (step === 0) return false;
    at += step;
  }
  return false;
}

/** How many words a message has. */
export function lengthOf(text: string): number {
  return cut(text).length;
}

const QUESTION = /[?¿？؟]/u;

/** A plain yes to what was asked, in so many words; a yes with a condition is none, nor is a question. Not to propose is a no. */
export function readYesNo(text: string): 'yes' | 'no' | undefined {
  if (QUESTION.test(text)) return undefined;
  if (/\p{L}/u.test(text) && (isOnly(text, 'no') || declines(text))) return 'no';
  return isOnly(text, 'yes', 'propose') ? 'yes' : undefined;
}

/** `never propose that`, `schlag es nicht vor`. */
function declines(text: string): boolean {
  return says(text, 'never') && isOnly(text, 'never', 'propose', 'proposing') && (says(text, 'propose') || says(text, 'proposing'));
}

/** Messages that decide something: they are answered by rules, never by a model. */
export function isDecision({ text, conversation }: Pick<Turn, 'text' | 'conversation'>): boolean {
  const { draft } = conversation;
  if (draft?.variants && (readYesNo(text) !== undefined || isOnly(text, 'keep', 'take') || draft.variants.some(({ label }) => label === text))) return true;
  if (draft && plannedIn(draft) !== undefined && (readYesNo(text) !== undefined || says(text, 'propose') && lengthOf(text) <= SHORT)) return true;
  return isOnly(text, 'forget') || isWithdrawal(text) || maybeWithdrawal(text) || (begins(text, 'retire') && says(text, 'mine') && lengthOf(text) <= SHORT);
}

const OBJECT = phrasesOf(`${PROPOSALS}|${PHRASES.mine}|${FILLERS}|${PHRASES.hello}|ok|okay|yes|ja|oui|si`);
/** As much of the id of a contract as tells it from others. */
const ID = /^(?=[a-f]*\d)[0-9a-f]{6,64}$/;

/** Verbs of two parts as one: `zieh den Vorschlag zurück`, `trek het voorstel in`. */
function whole(text: string): string {
  return cut(text).join(' ').replace(/\b(?:zieh|ziehe|zieht|nimm)\b(.+)\bzuruck\b/, 'zuruckziehen$1').replace(/\btrekt?\b(.+)\bin$/, 'intrekken$1').replace(/ +/g, ' ').trim();
}

/** Made of these verbs, names, ids, and words around them; a no is none of those: `no retirar`, `non ritirare`. */
function isMadeOf(text: string, verbs: readonly Words[], known: readonly string[]): boolean {
  const words = whole(text).split(' ');
  const names = known.map(cut).filter((name) => name.length > 0);
  const phrases = [...verbs, ...names, ...OBJECT].sort((a, b) => b.length - a.length);
  for (let at = 0; at < words.length;) {
    const step = matchAt(words, at, phrases) || (ID.test(words[at] ?? '') ? 1 : 0);
    if (step === 0) return false;
    at += step;
  }
  return words.length <= SHORT && words.some((_, at) => matchAt(words, at, verbs) > 0);
}

/**
 * True when nothing else is said than that a proposal is to be withdrawn: `withdraw it`, `zieh den Vorschlag zurück`, `withdraw
 * 1a2b3c`. `known`: names and kinds of contracts, which may stand in it where the verb is clear.
 */
export function isWithdrawal(text: string, known: readonly string[] = []): boolean {
  if (QUESTION.test(text)) return false;
  return isMadeOf(text, [...TABLE.withdraw, ...TABLE.retire], []) || isMadeOf(text, TABLE.withdraw, known);
}

/** True when something is to be withdrawn, but something else is said as well, or the verb means more: that takes a question. */
export function maybeWithdrawal(text: string, known: readonly string[] = []): boolean {
  return begins(whole(text), 'withdraw') || isMadeOf(text, TABLE.retire, known);
}

/** True when the message has what looks like the id of a contract. */
export function namesContract(text: string): boolean {
  return cut(text).some((word) => ID.test(word));
}
