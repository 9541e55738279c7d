/** Who or what has a name and an age without being asked for. */
export const OTHERS: ReadonlySet<string> = new Set(
  `i me my he she we they you boss chief colleague friend husband wife son daughter child kid cat dog hamster horse dentist neighbour neighbor customer client partner brother sister mother father intern nephew niece teacher company firm band team
  ich mein meine meiner chef chefin kollege kollegin freund freundin mann frau sohn tochter kind katze hund nachbar nachbarin kunde kundin partner partnerin bruder schwester mutter vater firma verein herr
  je mon ma chef patron patronne collegue ami amie mari femme fils fille enfant chat chien voisin voisine client cliente partenaire frere soeur mere pere entreprise societe
  mio mia capo collega amico amica marito moglie figlio figlia bambino gatto gatta cane vicino vicina cliente socio fratello sorella madre padre azienda ditta
  mi jefe jefa colega amigo amiga marido mujer hijo hija nino gato gata perro perra vecino vecina cliente socio hermano hermana madre padre empresa
  ik mijn baas collega vriend vriendin man vrouw zoon dochter kind kat poes hond buurman buurvrouw klant broer zus moeder vader bedrijf`.trim().split(/\s+/),
);
