import type { Token } from './tokens.ts';

export type Language = 'en' | 'de' | 'fr' | 'it' | 'es' | 'nl';

/** Function words that tell the language; a word may stand for several. */
const TELLING: Readonly<Record<Language, readonly string[]>> = {
  en: ['the', 'give', 'me', 'an', 'of', 'with', 'for', 'need', 'want', 'and', 'please', 'my', 'our', 'create', 'keep', 'called', 'years', 'days'],
  de: ['ich', 'ein', 'eine', 'einen', 'mit', 'der', 'die', 'das', 'und', 'brauche', 'gib', 'mir', 'bitte', 'von', 'wir', 'fur', 'fuer', 'im', 'mochte', 'jahre', 'tage'],
  fr: ['je', 'une', 'un', 'des', 'du', 'avec', 'et', 'pour', 'donne', 'moi', 'veux', 'besoin', 'nous', 'les', 'le', 'la', 'en', 'ans', 'jours'],
  it: ['un', 'una', 'di', 'il', 'con', 'per', 'dammi', 'voglio', 'vorrei', 'mi', 'serve', 'e', 'della', 'anni', 'giorni', 'del', 'nella'],
  es: ['un', 'una', 'de', 'el', 'con', 'para', 'dame', 'quiero', 'necesito', 'y', 'del', 'por', 'los', 'las', 'anos', 'dias', 'en'],
  nl: ['een', 'van', 'het', 'met', 'voor', 'geef', 'mij', 'ik', 'wil', 'heb', 'nodig', 'graag', 'we', 'en', 'jaar', 'dagen'],
};

/** Most likely language of a request; English when nothing tells. Used for number forms only. */
export function guessLanguage(tokens: readonly Token[]): Language {
  let best: Language = 'en';
  let most = 0;
  for (const language of ['en', 'de', 'fr', 'it', 'es', 'nl'] as const) {
    const words = TELLING[language];
    const score = tokens.filter((token) => words.includes(token.norm)).length;
    if (score > most) [best, most] = [language, score];
  }
  return best;
}
