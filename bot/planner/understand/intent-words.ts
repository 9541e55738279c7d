import { normalize } from './tokens.ts';

function words(text: string): ReadonlySet<string> {
  return new Set(normalize(text).trim().split(/\s+/));
}

/** Words that open what is wished: what follows them is the thing. */
export const WISHES = words(`
  launch running want wants wanted need needs needed like love give gimme get gets getting have has create make makes build provision order deploy launch start run runs spin set put bring buy rent lease request require requires looking after seeking host publish please wish could provide open reserve add book
  brauche brauchen braucht brauchst brauchten brauchte brauch gib gebt geben mochte mochten will wollen hatte hatten gern gerne bitte erstelle erstellt erstellen mach macht machen richte einrichten starte starten lass lege anlegen suche suchen wunsche bestelle bestellen bereitstellen stell stelle hostet hosten soll sollen besorg mieten benotige benotigen
  lancer veux voudrais voudrait voulons voudrions faut faudrait besoin donne donnez cree creez creer mets mettez fais faites lance lancez deploie deployez deployer cherche cherchons souhaite souhaitons souhaiterais aimerais aimerions installe installez preparez prepare louer publiez publie avoir
  lancio lanciate lanciare lancia voglio vorrei vogliamo vorremmo serve servono servirebbe occorre dammi dateci datemi crea creami create creare metti mettete fai fate fammi lancia avvia prepara cerco cerchiamo bisogno desidero mi pubblica pubblicate avere attiva
  necesita necesitan requiere requieren richiede richiedono necessite exige vereist benotigt
  lanza lanzar corre corred quiero queremos quisiera quisieramos necesito necesitamos dame dadme denos crea creame crear monta montame pon poned ponme haz hazme lanza despliega desplegad prepara busco buscamos gustaria deseo hace falta levanta arranca publica sube alquilar tener
  wil willen wilde zou graag geef maak maken zoek zoeken nodig heb hebben doe regel start draai draaien zet zetten bestel huren wens opzetten aanmaken regelen hebben`);

/** `for`, `with`, `of`: what follows describes what stands before. */
export const SUBORDINATORS = words(`
  for with of from that which who whose in on onto into at about against behind beside under over inside alongside using via by where holding containing including like between among
  fur mit von vom aus zu zum zur deren dessen wo worauf worin auf im in bei unter uber samt inklusive wegen damit neben zwischen
  pour avec de du des d dans sur chez dont qui que sous derriere via contenant entre
  per con di del della dello dei delle degli d da dal dalla nel nella su sul sulla cui dove sotto tra fra
  para con de del en sobre que cuyo donde bajo tras entre
  voor met van uit in op bij aan onder waarop waarin waar achter tussen`);
/** Ends of what belongs together. */
export const PAUSE = /^[,;:.!?()\u2013\u2014"“”„«»]$/;
export const SENTENCE_END = /^[.!?]$/;

export const INDEFINITE = words('a an one another some any ein eine einen einem einer un une des uno una unos unas een');
export const DEFINITE = words('the my our your their his her its this that these those mein meine meinen unser unsere unserem unserer unseres unseren unserm euer der die das den dem des dieser diese dieses seine ihre mon ma mes notre nos votre leur leurs le la les ce cette ces il lo la i gli le mio mia nostro nostra nostri questo questa suo sua el los las mi mis nuestro nuestra nuestros su sus este esta het de mijn onze ons deze dit zijn hun jullie');
/** `as a`, `in a`: what follows is what it shall be. */
export const AS = words('as als come como comme als');
/** What stands there instead of a thing of its own: a server with a database. */
export const EMPTY = words(`
  something thing things stuff somewhere place solution setup system service server servers instance environment machine hosting platform package tool software app program bit lot lots couple pair dozen half quarter set kind sort type piece amount total about managed small big large tiny huge simple basic secure private public fast cheap reliable single new fresh old proper good nice little
  etwas irgendwas ding sache losung system dienst server instanz umgebung maschine plattform paar dutzend software programm werkzeug art stuck menge kleine kleinen kleiner kleines grosse grossen grosser grosses einfache einfachen einfaches sichere neue neuen neues eigene eigenen eigenes gemanagte verwaltete
  quelque chose solution systeme service serveur instance environnement machine plateforme douzaine logiciel outil programme sorte type peu petit petite grand grande simple gros grosse prive privee nouvelle nouveau
  qualcosa soluzione sistema servizio server istanza ambiente macchina piattaforma dozzina software programma strumento tipo piccolo piccola grande semplice nuovo nuova
  algo solucion sistema servicio servidor instancia entorno maquina plataforma docena programa herramienta software tipo pequeno pequena gran grande sencillo nueva nuevo
  iets oplossing systeem dienst server instantie omgeving machine platform dozijn software programma hulpmiddel soort klein kleine grote groot simpele eenvoudige nieuwe eigen`);

/** What is in a thing, and not the thing: `database dumps`. */
export const CONTENTS = words('dumps dump exports snapshots files logs records images pages assets contents visitors entries tables users');

/** Things people also ask for and no blueprint makes: a request for one of them with our words beside it is none of ours. */
export const FOREIGN = words(`
  car cars pc gaming convertible bike bicycle pizza burger coffee flight flights hotel ticket tickets train taxi table weather joke song poem recipe movie film game games console playstation xbox nintendo phone iphone smartphone laptop notebook desktop desktops windows macbook printer monitor keyboard television tv fridge sofa chair desk house apartment holiday haircut doctor
  mail email mails emails mailserver mailbox outlook exchange smtp imap dns domain domains ntp proxy firewall router phone telephone pbx voip fax office word excel powerpoint chatbot chatgpt bitcoin crypto mining blockchain nft loan insurance translation essay homework
  auto autos wagen cabrio fahrrad rad pizza kaffee flug fluge hotel fahrkarte bahnticket tisch wetter witz lied gedicht rezept kino spielkonsole konsole handy telefon smartphone rechner drucker fernseher kuhlschrank wohnung haus urlaub arzt versicherung postfach mailserver arbeitsplatzrechner ubersetzung moto
  voiture velo vol vols hotel billet billets train table meteo blague chanson poeme recette cinema jeu jeux ordinateur telephone imprimante television frigo canape chaise maison appartement vacances medecin messagerie courriel traduction assurance
  macchina auto automobile bicicletta pizza caffe volo voli biglietto biglietti treno tavolo barzelletta canzone poesia ricetta cinema gioco videogiochi telefono cellulare stampante televisore frigorifero divano sedia casa appartamento vacanza medico posta traduzione assicurazione
  coche coches bicicleta vuelo vuelos billete billetes tren mesa chiste cancion poema receta pelicula cine juego juegos videoconsola consola telefono movil ordenador escritorio impresora televisor nevera sofa silla casa piso vacaciones medico correo traduccion seguro
  auto fiets koffie vlucht vluchten kaartje kaartjes trein tafel weer mop lied gedicht recept film bioscoop spel spelcomputer telefoon mobieltje computer bureaublad printer televisie koelkast stoel huis vakantie dokter post mailserver emailserver vertaling verzekering`);

/** Openings that ask to look, to explain or to end, not for something new. */
export const OTHER_WISHES = words(`
  delete remove cancel destroy stop terminate kill list show why who when which explain describe tell restart reboot translate fix repair
  losche loesche losch loschen entferne stoppe stopp beende kundige zeige zeig warum wieso wer wann erklare erklar liste ubersetze ubersetz repariere
  supprime supprimez supprimer efface effacez liste montre montrez pourquoi qui quand explique expliquez arrete arretez annule annulez resilie traduis traduisez repare
  cancella elimina mostra mostrami perche chi quando spiega spiegami elenca ferma annulla termina traduci ripara
  borra elimina muestra muestrame porque quien cuando explica explicame lista deten cancela anula traduce arregla
  verwijder toon waarom wie wanneer wis stop annuleer beeindig vertaal repareer`);
/** Verbs that German and Dutch put at the end: `kannst du mein Archiv löschen`. */
export const ENDING_LAST = words('loschen loeschen entfernen kundigen beenden stoppen verwijderen opzeggen beeindigen wissen');
/** Questions about a thing: `what is a database?` */
export const QUESTIONS: readonly RegExp[] = [
  /^(?:what|whats) (?:is|are|does|do|was|s|'s|’s|kind|exactly|makes)\b(?!.*\b(?:need|want|like|looking)\b)/,
  /^how (?:many|much) \w+ (?:do|does|did|is|are|can|has|have)\b/,
  /^how (?:do|does|did|is|are|old|come)\b/,
  /^was (?:ist|sind|bedeutet|kann|macht)\b(?!.*\b(?:brauche|brauchen|will|mochte)\b)/,
  /^wie (?:funktioniert|geht|ist|wird)\b/,
  /^(?:qu ?['’]? ?est|c ?['’]? ?est quoi|comment (?:fonctionne|marche|ca))\b/,
  /^(?:(?:che )?cos ?['’]? ?e|come funziona|che differenza)\b/,
  /^(?:que (?:es|son|significa)|como funciona)\b/,
  /^(?:wat (?:is|zijn|betekent)|hoe (?:werkt|gaat))\b(?!.*\bnodig\b)/,
];
/** What something costs, where nothing is said of it: a price is part of a plan. */
export const PRICES: readonly RegExp[] = [/^how much (?:does|do|is|are|would|will|for)\b/, /^what(?: s|s|'s)? .*\b(?:costs?|price)\b/, /^(?:was|wie ?viel) (?:kostet|kosten|wurde)\b/, /^(?:combien|ca coute|quel est le prix|c est combien)\b/, /^quanto (?:costa|costano|viene|costerebbe)\b/, /^cuanto (?:cuesta|cuestan|vale|costaria)\b/, /^(?:wat|hoeveel) (?:kost|kosten)\b/];
/** Words that may stand before the verb of a request. */
export const POLITE = words(`
  please can could would will you i we d ll want to like need let me us kindly hey hi hello ok okay so and now then just go ahead also
  bitte kannst konnt konnten du ihr sie ich wir mochte mochten will wollen mal jetzt dann und also
  peux pouvez tu vous je nous veux voudrais s il te plait merci de bonjour
  puoi potete voglio vorrei per favore ciao mi
  puedes podeis puede quiero quisiera por favor hola
  kun kunt kunnen je jullie u ik wij we wil graag alsjeblieft hoi`);
/** `instead of`: the next thing is not wanted. */
export const INSTEAD = words('instead rather statt anstatt anstelle plutot invece lugar vez plaats replacing replace ersetzt remplacer sustituir vervangt');
export const NOT = words('no not without nicht kein keine keinen keinem keiner ohne pas sans aucun aucune non senza nessun nessuna sin ningun ninguna niet geen zonder never');
