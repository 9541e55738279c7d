import type { Language } from '../dialogue/language.ts';

/** What is said around a model's words. Ours: never composed by the model, and true by the ledger. */
export interface Wording {
  readonly nothing: string;
  readonly unconfirmed: string;
  readonly stillOpen: (plan: string) => string;
  readonly proposed: (title: string, waiting: string) => string;
  readonly running: (title: string, done: number, of: number) => string;
  readonly other: (title: string, status: string) => string;
  /** `why` in English, for whoever set the model up. */
  readonly fallback: (why: string) => string;
  readonly stopped: (why: string) => string;
  /** After the person has ended the turn. */
  readonly ended: string;
}

export const WORDING: Readonly<Record<Language, Wording>> = {
  en: {
    nothing: 'On the ledger: nothing from this conversation.',
    unconfirmed: 'On the ledger: nothing of this plan. It is proposed only when you say yes.',
    stillOpen: (plan) => `On the ledger: nothing of this plan. A yes shows it again first: ${plan}.`,
    proposed: (title, waiting) => `On the ledger: “${title}” is proposed, not in force; waiting for ${waiting}.`,
    running: (title, done, of) => `On the ledger: “${title}” is in force; ${done} of ${of} workloads run.`,
    other: (title, status) => `On the ledger: “${title}” is ${status}.`,
    fallback: (why) => `The language model did not answer (${why}); I answer without it.`,
    stopped: (why) => `The language model was stopped here (${why}).`,
    ended: 'Stopped. Nothing was changed.',
  },
  de: {
    nothing: 'Im Ledger: nichts aus diesem Gespräch.',
    unconfirmed: 'Im Ledger: nichts von diesem Plan. Vorgeschlagen wird er erst, wenn Sie ja sagen.',
    stillOpen: (plan) => `Im Ledger: nichts von diesem Plan. Ein Ja zeigt ihn zuerst noch einmal: ${plan}.`,
    proposed: (title, waiting) => `Im Ledger: „${title}“ ist vorgeschlagen, nicht in Kraft; es fehlt ${waiting}.`,
    running: (title, done, of) => `Im Ledger: „${title}“ ist in Kraft; ${done} von ${of} Workloads laufen.`,
    other: (title, status) => `Im Ledger: „${title}“ hat den Stand ${status}.`,
    fallback: (why) => `Das Sprachmodell hat nicht geantwortet (${why}); ich antworte ohne es.`,
    stopped: (why) => `Das Sprachmodell wurde hier angehalten (${why}).`,
    ended: 'Angehalten. Es wurde nichts geändert.',
  },
  fr: {
    nothing: 'Sur le registre : rien de cette conversation.',
    unconfirmed: 'Sur le registre : rien de ce plan. Il n’est proposé que si vous dites oui.',
    stillOpen: (plan) => `Sur le registre : rien de ce plan. Un oui le montre d’abord encore une fois : ${plan}.`,
    proposed: (title, waiting) => `Sur le registre : « ${title} » est proposé, pas en vigueur ; il manque ${waiting}.`,
    running: (title, done, of) => `Sur le registre : « ${title} » est en vigueur ; ${done} charges sur ${of} tournent.`,
    other: (title, status) => `Sur le registre : « ${title} » est ${status}.`,
    fallback: (why) => `Le modèle de langue n’a pas répondu (${why}) ; je réponds sans lui.`,
    stopped: (why) => `Le modèle de langue a été arrêté ici (${why}).`,
    ended: 'Arrêté. Rien n’a été changé.',
  },
  it: {
    nothing: 'Sul registro: niente da questa conversazione.',
    unconfirmed: 'Sul registro: niente di questo piano. Viene proposto solo se dice sì.',
    stillOpen: (plan) => `Sul registro: niente di questo piano. Un sì lo mostra prima ancora una volta: ${plan}.`,
    proposed: (title, waiting) => `Sul registro: «${title}» è proposto, non in vigore; manca ${waiting}.`,
    running: (title, done, of) => `Sul registro: «${title}» è in vigore; ${done} carichi su ${of} girano.`,
    other: (title, status) => `Sul registro: «${title}» è ${status}.`,
    fallback: (why) => `Il modello linguistico non ha risposto (${why}); rispondo senza.`,
    stopped: (why) => `Il modello linguistico è stato fermato qui (${why}).`,
    ended: 'Fermato. Non è cambiato nulla.',
  },
  es: {
    nothing: 'En el registro: nada de esta conversación.',
    unconfirmed: 'En el registro: nada de este plan. Solo se propone si usted dice que sí.',
    stillOpen: (plan) => `En el registro: nada de este plan. Un sí lo muestra primero otra vez: ${plan}.`,
    proposed: (title, waiting) => `En el registro: «${title}» está propuesto, no en vigor; falta ${waiting}.`,
    running: (title, done, of) => `En el registro: «${title}» está en vigor; funcionan ${done} de ${of} cargas.`,
    other: (title, status) => `En el registro: «${title}» está ${status}.`,
    fallback: (why) => `El modelo de lenguaje no respondió (${why}); respondo sin él.`,
    stopped: (why) => `El modelo de lenguaje se detuvo aquí (${why}).`,
    ended: 'Detenido. No ha cambiado nada.',
  },
  nl: {
    nothing: 'In het register: niets uit dit gesprek.',
    unconfirmed: 'In het register: niets van dit plan. Het wordt pas voorgesteld als u ja zegt.',
    stillOpen: (plan) => `In het register: niets van dit plan. Een ja toont het eerst nog eens: ${plan}.`,
    proposed: (title, waiting) => `In het register: “${title}” is voorgesteld, niet van kracht; wacht op ${waiting}.`,
    running: (title, done, of) => `In het register: “${title}” is van kracht; ${done} van ${of} workloads draaien.`,
    other: (title, status) => `In het register: “${title}” is ${status}.`,
    fallback: (why) => `Het taalmodel heeft niet geantwoord (${why}); ik antwoord zonder.`,
    stopped: (why) => `Het taalmodel is hier gestopt (${why}).`,
    ended: 'Gestopt. Er is niets veranderd.',
  },
};
