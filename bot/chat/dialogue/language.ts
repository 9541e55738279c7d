import { normalize } from '../../planner/understand/tokens.ts';
import { type Language, languagesOf } from '../../planner/understand/language.ts';
import type { Conversation } from '../conversation.ts';

export type { Language } from '../../planner/understand/language.ts';

/** Words that tell the language of a short message. One that several languages have stands in each of them. */
const TELLING: Readonly<Record<Language, string>> = {
  en: 'the a an give me my i need want with without of for and or please yes what why who where when how is are it make call called show list thanks thank hello hi forget cheaper does can you must sign instead actually running want years no not to from would like running waiting',
  de: 'ich ein eine einen einem mit ohne der die das den und oder bitte ja was warum wieso wer wo wann wie ist sind es mach mache nenne zeig zeige danke hallo guten vergiss gunstiger billiger brauche mochte gib mir mein meine meinem muss unterschreiben stattdessen doch lauft nein nicht kein keine fur von aus im zuruck woher kommt jahre tage schlage vor lieber',
  fr: 'je un une des du le la les avec sans et ou pour donne moi veux besoin voudrais oui quoi pourquoi qui comment est sont il elle fais appelle montre merci bonjour salut oublie moins cher mon ma mes doit signer plutot non pas en au d l c s y qu quels quelles laisse tomber',
  it: 'un una il lo la gli le con senza e o per dammi voglio vorrei mi serve si cosa perche chi dove quando come sono fallo chiamalo mostra mostrami grazie ciao buongiorno dimentica economico meno caro mio mia miei deve firmare invece no non di del della in nella lascia perdere ho bisogno',
  es: 'un una el la los las con sin y o para dame quiero necesito si que por quien donde cuando como es son hazlo llamalo muestra muestrame gracias hola buenos olvidalo barato mas mi mis debe firmar mejor no del de en mejor espera',
  nl: 'een het de met zonder en of voor geef mij ik wil heb nodig graag ja wat waarom wie waar wanneer hoe is zijn maak noem toon laat bedankt dank hallo vergeet goedkoper mijn moet tekenen ondertekenen liever toch nee niet geen van in maar zien draait jaar dagen waarop doe',
};
const LANGUAGES = Object.keys(TELLING) as Language[];
const SETS = new Map(LANGUAGES.map((language) => [language, new Set(TELLING[language].split(' '))]));

/** The language that a person speaks: it changes only when what they say now tells clearly of another. */
export function languageOf(conversation: Pick<Conversation, 'messages'>, text: string): Language {
  const said = [...conversation.messages.filter(({ from }) => from === 'person').map((message) => message.text), text];
  return said.reduce<Language | undefined>((before, message) => spoken(message, before), undefined) ?? 'en';
}

/** How much plainer than the conversation's language another must be; one word of it may be a name or a term. */
const PLAINLY = 1.5;
/** And how plain the first message: what several languages share tells little. */
const LIKELY = 0.5;

function spoken(text: string, before: Language | undefined): Language | undefined {
  const scores = scoresOf(text);
  const [best, second] = LANGUAGES.map((language) => ({ language, score: scores[language] })).sort((a, b) => b.score - a.score);
  if (!best || best.score <= (second?.score ?? 0)) return before ?? tied(scores, best?.score ?? 0);
  if (before === undefined) return best.score >= LIKELY ? best.language : undefined;
  return best.score >= scores[before] + PLAINLY ? best.language : before;
}

/** Of languages that are as likely, English; without it the first, when what was said tells of them at all. */
function tied(scores: Readonly<Record<Language, number>>, score: number): Language | undefined {
  return score < LIKELY || scores.en === score ? undefined : LANGUAGES.find((language) => scores[language] === score);
}

/** What each word tells, one that several languages have being shared among them. */
function scoresOf(text: string): Record<Language, number> {
  const scores: Record<Language, number> = { en: 0, de: 0, fr: 0, it: 0, es: 0, nl: 0 };
  // `DE` and `IT` are countries, unless somebody writes all in capitals.
  const said = /\p{Ll}/u.test(text) ? text.replace(/(?<!\p{L})\p{Lu}{2}(?!\p{L})/gu, ' ') : text;
  // The letters of an id such as `4e0a1d` are no words.
  for (const word of normalize(said).match(/(?<![\p{L}\p{N}])\p{L}+(?![\p{L}\p{N}])/gu) ?? []) {
    const languages = new Set([...languagesOf(word), ...LANGUAGES.filter((language) => SETS.get(language)?.has(word))]);
    for (const language of languages) scores[language] += 1 / languages.size;
  }
  return scores;
}
