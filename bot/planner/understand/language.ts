import type { Token } from './tokens.ts';

export type Language = 'en' | 'de' | 'fr' | 'it' | 'es' | 'nl';
const LANGUAGES = ['en', 'de', 'fr', 'it', 'es', 'nl'] as const;

/** Words that tell the language, without accents; a word may stand for several. */
const TELLING: Readonly<Record<Language, string>> = {
  en: `the give gimme me an a of with for need needs want wants and or please plz my our we us you your i it its is are be can could would should will create make set up run put keep kept called named years year days day months month weeks hours users people seats each per every at most than no not but in on to from by this that these
    somewhere something anywhere least more less under over between within without only just host hosted store storage looking like get have has hello hi hey thanks thank cheers disk copies workers worker cores core memory website network job some any all there here sorry actually instead except which what where when who how
    one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty hundred thousand half quarter dozen couple million both either neither nor also about around up down out off into onto drive port replicas branch feature static site page host publish deploy launch start build spin rent buy archive backup immutable retention
    command dataset members reach may connect laptop office shop team staff customer customers management sales price cost euros cheaper tops max min monthly yearly quarterly`,
  de: `ich ein eine einen einem einer eines mit der die das den dem des und oder brauche brauchen brauchte braucht bitte von vom wir uns unser unsere unseren unserer fur fuer im in am an auf aus zu zum zur gib gebt mir mochte mochten hatte hatten gern gerne jahre jahr jahren tage tagen monat monate monaten monatlich jahrlich woche wochen stunden nutzer benutzer leute personen mitarbeiter ist sind sein soll sollen wird werden
    kann konnen konnt konnte nicht kein keine keinen nur aber sowie je jeweils pro mindestens hochstens maximal zwischen uber unter ohne ausser speicher kerne kernen kern arbeitsspeicher festplatte platte netz netzwerk hallo moin servus danke namens genannt heisst heissen laufzeit ihr euch du sie es lass starte stell stelle wollen will als auch noch einmal mal irgendwo weniger mehr bis ab nach bei
    eins zwei drei vier funf sechs sieben acht neun zehn elf zwolf zwanzig dreissig hundert tausend halbe halber halbes viertel dutzend paar million datenbank webseite anwendung knoten kopien archiv sicherung schlussel kunden verwaltung befehl daten bild abbild grosse kosten preis euro quelle veroffentlichen bereitstellen fuhre ausfuhren aufbewahren unveranderlich zweig rechenjob teilnehmer mitglieder`,
  fr: `je j il elle on un une des du de la le les l d avec et ou pour donne donnez moi nous veux voudrais voudrait voulons faut faudrait besoin en au aux dans sur par ans an annee jour jours mois semaine semaines heures euros chacun chacune chaque que qui est sont sera soit ne pas plus moins sans sauf hors notre nos mon ma mes vos votre ce cette ces y
    merci bonjour bonsoir salut coucou svp stp plait conteneur reseau disque virtuel donnees base hebergement heberge hebergee utilisateurs personnes memoire coeurs coeur nom nomme nommee appele appelee appelle pendant durant maximum minimum stockage archivage archive sauvegarde cluster grappe tache lancer lance lancez executez execute executer pardon non enfin quelque part tout toute tous
    deux trois quatre cinq sept huit neuf dix onze douze vingt trente quarante cinquante cent mille demi demie quart douzaine million cle valeur sequentiel copies repliques noeuds travail statique application appli client clients gestion relation logiciel outil image commande prive bureau atelier atteindre joindre imposible impossible supression suppression cher mensuel mensuels mensuelle ouvrir deployer publier publiez mettre ligne`,
  it: `un uno una di il lo la le i gli con per dammi dateci voglio vorrei vorremmo mi ci serve servono servirebbe occorre e o della del dello dei delle degli nel nella nell all alla al ai da dal dalla in su sul sulla anni anno giorni giorno mese mesi settimane ore euro ho abbiamo bisogno che sia non senza tranne piu meno massimo minimo ogni ciascuno ciascuna nostro nostra nostri mio mia
    grazie ciao buongiorno buonasera salve rete sito disco dati utenti persone memoria nome chiamato chiamata archiviazione archivio spazio virtuale copie tra fra lavoro esegui eseguite anzi scusa scusate perfavore favore si tutto tutti solo entro oltre spesa dove quale
    due tre quattro cinque sei sette otto nove dieci undici dodici venti trenta quaranta cinquanta cento mille mezzo mezza quarto dozzina paio milione chiave chiavi valore sequenziali repliche istanze nodi statico applicazione clienti gestione gestionale immagine comando privata privato ufficio magazzino raggiungere puo porta immutabile conservare pubblica pubblicate mettete mettetemi metti avvia online ospitato ospitata azienda ferma`,
  es: `un una unos unas de el la los las con para por dame quiero quisiera queremos necesito necesitamos y o u del al en que se me nos os anos ano dias dia mes meses semanas horas euros nuestra nuestro nuestras nuestros mi mis su sus sin excepto salvo menos mas maximo maxima minimo cada es sea esta este son no si muy
    gracias hola buenas buenos favor porfavor porfa red sitio disco datos usuarios personas memoria nombre llamado llamada llame almacenamiento almacen copia copias virtual entre trabajo ejecuta ejecutar perdon mejor nucleos nucleo gigas giga teras durante desde hasta donde algo todo toda solo solamente tope presupuesto
    dos tres cuatro cinco seis siete ocho nueve diez once doce veinte treinta cuarenta cincuenta cien ciento mil medio media cuarto docena par millon clave claves valor secuencial replicas instancias nodos estatica estatico aplicacion clientes gestion imagen comando privada privado oficina llegar puede puerto inmutable guardar publica publicar sube monta montame pon ponme despliega alojado alojada peninsula suelo`,
  nl: `een van het de met voor geef mij me ik wij we wil willen heb hebben nodig graag en of jaar jaren dagen dag maand maanden mnd week weken uur onze ons mijn jullie uw u is zijn moet moeten kan kunnen mag niet geen maar wel ook nog in op aan bij tot uit over per elk elke hooguit hoogstens maximaal minstens minimaal tussen zonder behalve buiten
    bedankt hallo hoi goedemorgen dank netwerk schijf geheugen geheugn gebruikers mensen personen medewerkers opslag naam genaamd noem looptijd draai draaien zet zoek zoeken tegen doe virtuele kopieen als naar die dat nee even ergens binnen meer minder dan
    twee drie vier vijf zes zeven acht negen tien elf twaalf twintig dertig veertig vijftig honderd duizend half halve kwart anderhalf anderhalve dozijn paar miljoen databank gegevens sleutel sleutels waarde volgorde sequentiele instanties knooppunten statische toepassing webapplicatie klanten klantbeheer beheer afbeelding opdracht rekentaak taak eenmalig eenmalige prive leden kantoor winkel bereiken poort poorten onveranderlijk bewaren bewaard archief publiceer uitrollen neer`,
};
/** Endings and letters that hardly any other of the six has. */
const FORMS: readonly (readonly [form: RegExp, language: Language])[] = [
  [/(?:ung|ungen|keit|heit|schaft|lich|liche|lichen|speicher|bank)$/, 'de'], [/[äöß]/, 'de'],
  [/(?:zione|zioni|mento|menti|ità|ggio|gli|cchi)$/, 'it'],
  [/(?:ción|ciones|miento|mientos|idad|ñ[oa]s?)$/, 'es'], [/[ñ¿¡]/, 'es'],
  [/(?:eaux?|eur|eurs|ée|ées|age|ages|aire|aires|ement)$/, 'fr'], [/[çœ]|è|ê|û|î/, 'fr'],
  [/(?:ij[a-z]*|[a-z]*ij|opslag|lijk|lijke|heid|atie|aties|isch|ische)$/, 'nl'], [/(?:aa|oo|uu|ee)[bdfgklmnprst]$/, 'nl'],
  [/(?:ing|ings|tion|tions|ness|ould|ght)$/, 'en'],
];
/** What a form counts beside a word that is only in one list. */
const FORM = 0.4;

const LANGUAGES_OF: ReadonlyMap<string, readonly Language[]> = (() => {
  const map = new Map<string, Language[]>();
  for (const language of LANGUAGES) for (const word of new Set(TELLING[language].trim().split(/\s+/))) map.set(word, [...(map.get(word) ?? []), language]);
  return map;
})();

/** Languages of which a word, as `normalize` writes it, is typical. */
export function languagesOf(word: string): readonly Language[] {
  return LANGUAGES_OF.get(word) ?? [];
}

/** Most likely language of a request, a word shared by several counting less; English when nothing tells. */
export function guessLanguage(tokens: readonly Token[]): Language {
  const scores: Record<Language, number> = { en: 0, de: 0, fr: 0, it: 0, es: 0, nl: 0 };
  for (const { norm, raw, kind } of tokens) {
    if (kind === 'number') continue;
    const languages = LANGUAGES_OF.get(norm);
    if (languages) for (const language of languages) scores[language] += 1 / languages.length;
    else {
      const small = raw.toLowerCase();
      for (const [form, language] of FORMS) if (form.test(small)) scores[language] += FORM;
    }
  }
  return LANGUAGES.reduce((best, language) => (scores[language] > scores[best] ? language : best), 'en');
}
