/**
 * Adjectives of countries: stems with the endings of their language. People use them as places: a Swiss archive.
 * en; de (takes e, en, er, es, em); fr (masculine, feminine); it (stem, takes o a i e); es (stem or pair); nl (takes e).
 */
const ADJECTIVES: Readonly<Record<string, readonly [en: string, de: string, fr: string, it: string, es: string, nl: string]>> = {
  CH: ['Swiss', 'schweizerisch Schweizer', 'suisse', 'svizzer+', 'suizo suiza', 'Zwitsers Zwitser'],
  DE: ['German', 'deutsch', 'allemand', 'tedesc+ tedesche tedeschi', 'alemán alemana', 'Duits'],
  FR: ['French', 'französisch', 'français', 'francese francesi', 'francés francesa', 'Frans'],
  IT: ['Italian', 'italienisch', 'italien italienne', 'italian+', 'italiano italiana', 'Italiaans'],
  ES: ['Spanish', 'spanisch', 'espagnol', 'spagnol+', 'español española', 'Spaans'],
  NL: ['Dutch', 'niederländisch holländisch', 'néerlandais hollandais', 'olandese olandesi', 'holandés holandesa neerlandés neerlandesa', 'Nederlands Hollands'],
  BE: ['Belgian', 'belgisch', 'belge', 'belga belgi belghe', 'belga', 'Belgisch'],
  LU: ['Luxembourgish', 'luxemburgisch', 'luxembourgeois', 'lussemburghese', 'luxemburgués luxemburguesa', 'Luxemburgs'],
  AT: ['Austrian', 'österreichisch', 'autrichien autrichienne', 'austriac+', 'austríaco austríaca', 'Oostenrijks'],
  LI: ['Liechtenstein', 'liechtensteinisch', 'liechtensteinois', 'liechtensteinese', 'liechtensteiniano', 'Liechtensteins'],
  GB: ['British English Scottish Welsh', 'britisch englisch schottisch', 'britannique anglais écossais', 'britannic+ inglese scozzese', 'británico británica inglés inglesa escocés escocesa', 'Brits Engels Schots'],
  IE: ['Irish', 'irisch', 'irlandais', 'irlandese irlandesi', 'irlandés irlandesa', 'Iers'],
  US: ['American', 'amerikanisch', 'américain', 'american+ statunitense', 'americano americana estadounidense', 'Amerikaans'],
  SE: ['Swedish', 'schwedisch', 'suédois', 'svedese svedesi', 'sueco sueca', 'Zweeds'],
  NO: ['Norwegian', 'norwegisch', 'norvégien norvégienne', 'norvegese norvegesi', 'noruego noruega', 'Noors'],
  DK: ['Danish', 'dänisch', 'danois', 'danese danesi', 'danés danesa', 'Deens'],
  FI: ['Finnish', 'finnisch', 'finlandais finnois', 'finlandese finlandesi', 'finlandés finlandesa finés finesa', 'Fins'],
  IS: ['Icelandic', 'isländisch', 'islandais', 'islandese islandesi', 'islandés islandesa', 'IJslands'],
  PL: ['Polish', 'polnisch', 'polonais', 'polacc+ polacche polacchi', 'polaco polaca', 'Pools'],
  PT: ['Portuguese', 'portugiesisch', 'portugais', 'portoghese portoghesi', 'portugués portuguesa', 'Portugees Portugese'],
  CZ: ['Czech', 'tschechisch', 'tchèque', 'cec+', 'checo checa', 'Tsjechisch'],
  SK: ['Slovak Slovakian', 'slowakisch', 'slovaque', 'slovacc+', 'eslovaco eslovaca', 'Slowaaks'],
  SI: ['Slovenian Slovene', 'slowenisch', 'slovène', 'sloven+', 'esloveno eslovena', 'Sloveens'],
  HU: ['Hungarian', 'ungarisch', 'hongrois', 'ungherese ungheresi', 'húngaro húngara', 'Hongaars'],
  RO: ['Romanian', 'rumänisch', 'roumain', 'rumen+ romen+', 'rumano rumana', 'Roemeens'],
  BG: ['Bulgarian', 'bulgarisch', 'bulgare', 'bulgar+', 'búlgaro búlgara', 'Bulgaars'],
  HR: ['Croatian', 'kroatisch', 'croate', 'croat+', 'croata', 'Kroatisch'],
  GR: ['Greek', 'griechisch', 'grec grecque', 'grec+ greche', 'griego griega', 'Grieks'],
  CY: ['Cypriot', 'zyprisch zypriotisch', 'chypriote', 'cipriota', 'chipriota', 'Cypriotisch'],
  MT: ['Maltese', 'maltesisch', 'maltais', 'maltese maltesi', 'maltés maltesa', 'Maltees'],
  EE: ['Estonian', 'estnisch', 'estonien estonienne', 'estone estoni', 'estonio estonia', 'Ests Estlands'],
  LV: ['Latvian', 'lettisch', 'letton lettonne', 'lettone lettoni', 'letón letona', 'Lets Letlands'],
  LT: ['Lithuanian', 'litauisch', 'lituanien lituanienne', 'lituan+', 'lituano lituana', 'Litouws'],
  RU: ['Russian', 'russisch', 'russe', 'russ+', 'ruso rusa', 'Russisch'],
  UA: ['Ukrainian', 'ukrainisch', 'ukrainien ukrainienne', 'ucrain+', 'ucraniano ucraniana', 'Oekraïens'],
  TR: ['Turkish', 'türkisch', 'turc turque', 'turc+', 'turco turca', 'Turks'],
  CN: ['Chinese', 'chinesisch', 'chinois', 'cinese cinesi', 'chino china', 'Chinees Chinese'],
  JP: ['Japanese', 'japanisch', 'japonais', 'giapponese giapponesi', 'japonés japonesa', 'Japans'],
  CA: ['Canadian', 'kanadisch', 'canadien canadienne', 'canadese canadesi', 'canadiense', 'Canadees'],
  AU: ['Australian', 'australisch', 'australien australienne', 'australian+', 'australiano australiana', 'Australisch'],
  IN: ['Indian', 'indisch', 'indien indienne', 'indian+', 'indio india', 'Indiaas'],
};

const GERMAN = ['', 'e', 'en', 'er', 'es', 'em'];

function inflected([en, de, fr, it, es, nl]: (typeof ADJECTIVES)[string]): string[] {
  const german = de.split(' ').flatMap((stem) => (stem.endsWith('er') ? [stem] : GERMAN.map((ending) => stem + ending)));
  const french = fr.split(' ').flatMap((word) => [word, `${word}e`, `${word}s`, `${word}es`]);
  const italian = it.split(' ').flatMap((word) => (word.endsWith('+') ? ['o', 'a', 'i', 'e'].map((ending) => word.slice(0, -1) + ending) : [word]));
  const spanish = es.split(' ').flatMap((word) => [word, `${word}s`, `${word}es`]);
  const dutch = nl.split(' ').flatMap((word) => [word, `${word}e`]);
  return [...en.split(' '), ...german, ...french, ...italian, ...spanish, ...dutch];
}

/** Every form of every country's adjectives. */
export function demonyms(): [code: string, forms: string[]][] {
  return Object.entries(ADJECTIVES).map(([code, forms]) => [code, inflected(forms)]);
}
