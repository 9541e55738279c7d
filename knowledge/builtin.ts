import { Parameter } from './parameter.ts';

/** Parameters that every blueprint takes; it cannot declare them again. Words in English, German, French, Italian, Spanish and Dutch. */
export const BUILTIN_PARAMETERS: Readonly<Record<string, Parameter>> = {
  countries: Parameter.parse({
    type: 'countries',
    description: 'Countries where everything must lie; empty means anywhere.',
    default: [],
    hints: { implicit: true },
  }),
  cities: Parameter.parse({
    type: 'cities',
    description: 'Cities where everything must lie; empty means any city of the countries.',
    default: [],
    hints: { implicit: true },
  }),
  max_price: Parameter.parse({
    type: 'money',
    description: 'Most that a month may cost.',
    hints: { implicit: true, nouns: ['budget', 'price', 'maximum price', 'cost', 'Preis', 'Kosten', 'prix', 'coût', 'prezzo', 'costo', 'precio', 'presupuesto', 'prijs', 'kosten'] },
  }),
  months: Parameter.parse({
    type: 'integer',
    unit: 'months',
    minimum: 1,
    maximum: 120,
    default: 1,
    description: 'Months that the contract runs.',
    hints: {
      implicit: true,
      nouns: ['contract', 'term', 'duration', 'run', 'runs', 'rent', 'Laufzeit', 'Vertrag', 'durée', 'contrat', 'durata', 'contratto', 'duración', 'contrato', 'looptijd'],
    },
  }),
};
