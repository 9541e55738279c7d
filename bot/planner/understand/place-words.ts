import { normalize } from './tokens.ts';

function words(text: string): ReadonlySet<string> {
  return new Set(normalize(text).trim().split(/\s+/));
}

/** After these a place can stand. `a` is one of them in Romance languages only. */
export const PREPOSITIONS = words('in within inside im innerhalb ins aus nach auf en au aux dans chez nel nella nei negli nelle nell all alla ad binnen at from to near around across throughout uit op sur su sul sull sulla desde depuis per quer');
/** After these a word that is no place may be a place we do not know. */
export const STRICT = words('in within inside en dans nel nella nell all binnen innerhalb');
export const ARTICLES = words('the der die das den dem des la le les los las el il lo gli i het de l un una une');
export const JOINS = words('and or und oder et ou e o y u en of sowie as well plus nor noch ni ne né');
/** What may stand between a negation or an exception and its place. */
export const LINKS = words(`
  in within inside im ins innerhalb aus en au aux dans nel nella nei negli nell all alla binnen at from a the der die das den dem des la le les los las el il lo gli i het de l d di du del dello della dei degli delle van von vom zu for of than that dal dalla dai dalle dagli dall che que qu
  be being lie lies stored store hosted host located kept keep based sit sits placed run runs live lives put stay go be it they them data anything anywhere somewhere
  liegen liegt sein ist stehen gespeichert gehostet betrieben darf soll sollen werden etre soit est heberge hebergee stocke stockee situe
  essere sia sta stia stare trovarsi ospitato salvato estar este esta sea ubicado alojado guardado quede staan zijn zit liggen opgeslagen gehost mag
  bitte please per favore
  country countries land lander laender pays paese paesi pais paises landen`);
/** Everywhere but: they take the places after them out. */
export const EXCEPTIONS = words(`
  except excepting excluding exclude excludes minus bar barring avoid avoiding exception other apart save
  ausser ausgenommen ausnahme exklusive abgesehen ohne vermeide vermeiden ausschliessen
  sauf hormis excepte exceptee exception exclusion excluant exclure eviter evitant
  tranne salvo eccetto escluso esclusa esclusi escluse escludendo fuorche eccezione infuori evitare
  excepto exceptuando excepcion menos quitando evitando evitar excluyendo excluido
  behalve uitgezonderd uitzondering exclusief vermijd
  without sans senza sin zonder`);
/** Beyond the borders of: the same, unless it is denied (`not outside the EU`). */
export const OUTSIDE = words('outside beyond ausserhalb hors dehors fuori fuera buiten leave leaves leaving exit verlassen verlasst quitter quitte lasciare lascia salir salga uscire esca verlaten verlaat');
export const NEGATIONS = words('not no non never neither nor nicht kein keine keinen keinem keiner nie niemals weder noch pas jamais ni ne niet geen nooit nunca mai nowhere nirgends nirgendwo nulle nergens ninguna ningun nessun nessuna aucun aucune nothing nichts nada niente rien');
/** After a place they take it out: `Luxembourg excepted`. */
export const EXCLUDED_AFTER = words('excluded excepted aside exempted ausgenommen ausgeschlossen exklusive exclu exclue exclus exclues excepte exceptee excepto escluso esclusa esclusi escluse eccettuato eccettuata eccettuati excluido excluida excluidos excluidas exceptuado exceptuada uitgezonderd uitgesloten');
/** Things that lie somewhere: an adjective beside them is a place (`on Swedish soil`). */
export const GROUND = words(`
  somewhere anywhere someplace irgendwo ergens soil ground territory datacenter datacenters datacentre datacentres data server servers hosting hosted host region location locations site sites provider providers cloud jurisdiction facility facilities infrastructure nodes machines
  boden rechenzentrum rechenzentren standort standorte standorten gebiet hoheitsgebiet anbieter anbietern hoster infrastruktur knoten territorium
  sol territoire centre centres hebergement heberge hebergee hebergeur hebergeurs serveur serveurs noeuds
  suolo territorio centro centri ospitato ospitata fornitore nodi suelo centros servidor servidores alojado alojada alojamiento proveedor nodos
  bodem grondgebied grond rekencentrum rekencentra datacentrum datacentra aanbieder gehost gehoste`);
/** People and money: an adjective beside them is no place (`20 German users`). */
export const NOT_GROUND = words(`
  user users people person persons customers clients employees colleagues team teams seats staff agents members language version text
  benutzer nutzer leute kunden mitarbeiter personen anwender mitglieder sprache utilisateur utilisateurs personnes clients employes collaborateurs equipe langue
  utenti persone clienti dipendenti colleghi squadra lingua usuario usuarios personas clientes empleados equipo idioma gebruikers gebruiker mensen klanten medewerkers collega leden taal
  franc francs franken pound pounds pond dollar dollars krone kronen kroner`);
/** What makes `from X` the home of who writes instead of a place for what is asked. */
export const GREETINGS = words('greetings greeting hello hi hey cheers regards writing calling grusse gruss grusse gruesse hallo servus schreibe schreiben salutations salut bonjour bonsoir ecris ecrivons coucou saluti ciao scrivo scriviamo salve saludos hola escribo escribimos groeten groetjes hoi schrijf vrienden friends');
/** Tails with which a place stays a place behind a hyphen: `EU-weit`, `Zurich-based`. */
export const TAILS = words('weit wide only based hosted raum region regio basiert gehostet land lander gebiet standort');

/** Months, weekdays, and what follows `in` without being a place. */
export const ORDINARY = words(`
  january february march april may june july august september october november december monday tuesday wednesday thursday friday saturday sunday
  januar februar marz mai juni juli oktober dezember montag dienstag mittwoch donnerstag freitag samstag sonntag
  janvier fevrier mars avril juin juillet aout septembre octobre novembre decembre lundi mardi mercredi jeudi vendredi samedi dimanche
  gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre dicembre lunedi martedi mercoledi giovedi venerdi sabato domenica
  enero febrero abril mayo junio julio septiembre octubre noviembre diciembre lunes martes miercoles jueves viernes sabado domingo
  januari februari maart augustus maandag dinsdag woensdag donderdag vrijdag zaterdag zondag christmas weihnachten noel natale navidad kerst easter ostern paques pasqua
  docker kubernetes excel python java javascript typescript rust golang sql json csv xml yaml office teams slack aws azure google linux windows unix bash git github gitlab postgres postgresql mysql redis internet web online
  betrieb produktion hohe grosse summe form echtzeit zukunft ordnung kurze ruhe zusammenarbeit verbindung bezug anspruch rente urlaub eile gedanken wirklichkeit wahrheit zeiten zeit teilen stucken massen mengen scheiben schichten raten frage kraft bearbeitung ausfertigung absprache rucksprache eigenregie regie stellung gang schuss hand handen sicht verwahrung obhut etappen schritten kopie kopien grenzen vollem voller ganze teilzeit vollzeit windeseile klammern anbetracht planung arbeit vorbereitung reserve
  euro euros eur chf usd dollars prozent gb tb pb mb ram gbs frieden liebe ordnung`);
/** What follows `in` without being a place when nothing is written with a capital. */
export const ORDINARY_SMALL = words(`
  a an the my our your their its his her this that these those one two three four five six seven eight nine ten any all each every both many several multiple different separate some which what me us them there here no not other another
  case order total future cloud general addition advance place parallel time particular full short production prod use need mind terms line accordance compliance bulk house secret person size volume cash public private store stock storage space memory
  shards parts pieces copies nodes data months days years weeks minutes hours seconds month year day night country countries cities city region regions state states place places datacenter datacenters chunks english german french italian spanish dutch which
  practice theory fact doubt trouble charge control effect force half itself life love sync sequence series spite summary turn view touch transit rest motion plain clear detail details depth response return reply exchange batches stages phases steps staging development dev test testing
  sales marketing finance accounting legal hr support management engineering logistics purchasing procurement administration research ventas vendite vente ventes verkoop compras acquisti comptabilite contabilidad contabilita boekhouding soporte inkoop
  mode user sequential read write append between front back up down out on off at by from to with for of office school hospital business work progress action development operation position office shop kitchen basement attic garden container containers database cluster archive s3 bucket object objects website app image replicas
  zwei drei mehreren einem einer meinem meiner unserem unserer diesem dieser bezug
  tout toute attente ligne deux trois plus moyenne production charge ordre effet fait cas cours route secours attente service
  totale caso corso mese anno due tre linea produzione generale media pratica ordine
  total caso linea general dos tres mas produccion marcha cuanto orden espera seguida modo
  geval totaal twee drie eigen gebruik productie opdracht volgorde gebruikersmodus orde bedrijf ieder elk`);
/** Places that everybody knows and nobody can deploy to. */
export const NOWHERE = words(`
  atlantis atlantide atlantida mordor narnia gondor rohan hogwarts poudlard zweinstein mittelerde wakanda neverland nimmerland nooitgedachtland gotham eldorado utopia westeros essos moon mond lune luna maan mars marte venus jupiter saturn saturne
  auenland schlaraffenland luilekkerland entenhausen duckstad paperopoli patopolis lilliput tatooine asgard valhalla camelot rivendell bruchtal lummerland phantasien macondo ruritania zamunda latveria naboo krypton arrakis hyrule azeroth tamriel skyrim avalon xanadu lemuria wonderland wunderland oz space weltall`);
