import { Parameter } from './parameter.ts';

/** Parameters that every blueprint takes; it cannot declare them again. Words in English, German, French, Italian, Spanish and Dutch. */
export const BUILTIN_PARAMETERS: Readonly<Record<string, Parameter>> = {
  countries: Parameter.parse({
    type: 'countries',
    description: 'Countries where everything must lie; empty means anywhere.',
    default: [],
    hints: { implicit: true, nouns: ['country', 'location', 'region', 'Land', 'Länder', 'Standort', 'pays', 'lieu', 'paese', 'paesi', 'luogo', 'país', 'países', 'lugar', 'landen', 'locatie', 'regio'] },
  }),
  cities: Parameter.parse({
    type: 'cities',
    description: 'Cities where everything must lie; empty means any city of the countries.',
    default: [],
    hints: { implicit: true, nouns: ['city', 'town', 'Stadt', 'Städte', 'ville', 'villes', 'città', 'ciudad', 'ciudades', 'stad', 'steden'] },
  }),
  max_price: Parameter.parse({
    type: 'money',
    description: 'Most that a month may cost.',
    hints: { implicit: true, nouns: ['budget', 'price', 'price limit', 'maximum price', 'cost', 'costs', 'costing', 'spend', 'spending', 'pay', 'ceiling', 'cap', 'afford', 'Preis', 'Kosten', 'Budget', 'Preisgrenze', 'Obergrenze', 'Preisobergrenze', 'Kostenrahmen', 'Kostenlimit', 'zahlen', 'bezahlen', 'ausgeben', 'prix', 'coût', 'coûter', 'plafond', 'payer', 'dépenser', 'enveloppe', 'prezzo', 'costo', 'costare', 'spesa', 'spendere', 'tetto', 'pagare', 'precio', 'coste', 'costar', 'gastar', 'pagar', 'presupuesto', 'tope', 'prijs', 'prijslimiet', 'kosten', 'uitgeven', 'betalen', 'maandprijs', 'Monatspreis', 'Monatsbudget'] },
  }),
  months: Parameter.parse({
    type: 'integer',
    unit: 'months',
    minimum: 1,
    maximum: 120,
    default: 1,
    description: 'Months of 30 days that the contract runs.',
    hints: {
      implicit: true,
      nouns: ['contract', 'term', 'duration', 'contract length', 'rental', 'lease', 'run', 'runs', 'running', 'rent', 'subscription', 'commitment', 'Laufzeit', 'Vertrag', 'Vertragslaufzeit', 'Vertragsdauer', 'Mietdauer', 'mieten', 'Dauer', 'Abo', 'durée', 'contrat', 'engagement', 'location', 'louer', 'abonnement', 'durata', 'contratto', 'affitto', 'affittare', 'noleggio', 'noleggiare', 'abbonamento', 'duración', 'contrato', 'alquiler', 'alquilar', 'vigencia', 'suscripción', 'looptijd', 'contractduur', 'huur', 'huren', 'huurperiode', 'duur'],
    },
  }),
};
