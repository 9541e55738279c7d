import type { Blueprint } from '../../../knowledge/blueprint.ts';
import { isDenied, type Occurrence, occurrences } from './vocabulary.ts';
import type { Request } from './tokens.ts';

export type Intent =
  | { readonly ok: true; readonly blueprint: Blueprint; readonly nouns: readonly Occurrence[] }
  | { readonly ok: false; readonly code: 'not_understood' | 'ambiguous'; readonly message: string; readonly hint: string };

/** Words for ending or looking instead of asking for something new; they count at the start of a request. */
const OTHER_WISHES = new Set(['delete', 'remove', 'cancel', 'destroy', 'stop', 'list', 'show', 'why', 'who', 'when', 'losche', 'loesche', 'entferne', 'stoppe', 'zeige', 'warum', 'supprime', 'supprimer', 'efface', 'liste', 'montre', 'pourquoi', 'cancella', 'elimina', 'mostra', 'perche', 'borra', 'muestra', 'verwijder', 'toon', 'waarom']);
const OPENING = 3;
const EXACT = 3;
const NEAR = 2;
const VERB = 1;

/** The blueprint whose words a request says: longer and exact ones count more. */
export function readIntent(request: Request, blueprints: readonly Blueprint[]): Intent {
  const scored = blueprints.map((blueprint) => {
    const nouns = occurrences(request, [...blueprint.intents.nouns, blueprint.blueprint]).filter((noun) => !isDenied(request, noun.from, 1));
    const best = Math.max(0, ...nouns.map(({ term, exact }) => (exact ? EXACT : NEAR) + term.length - 1));
    const verbs = best > 0 && occurrences(request, blueprint.intents.verbs).length > 0 ? VERB : 0;
    return { blueprint, nouns, score: best === 0 ? 0 : best + verbs };
  });
  const top = Math.max(0, ...scored.map(({ score }) => score));
  const [first, second] = scored.filter(({ score }) => score === top);
  const examples = blueprints.slice(0, 3).flatMap(({ intents }) => intents.examples.slice(0, 1));
  if (!first || top === 0) return { ok: false, code: 'not_understood', message: 'I do not know what you want to run', hint: `say it for example so: ${examples.join('; ')}` };
  if (second) return { ok: false, code: 'ambiguous', message: `this could be ${first.blueprint.blueprint} or ${second.blueprint.blueprint}`, hint: 'name one of them' };
  const opening = request.tokens.slice(0, OPENING).find((token) => OTHER_WISHES.has(token.norm));
  if (opening) return { ok: false, code: 'not_understood', message: `I plan new things; I cannot ${opening.raw.slice(0, 20)} here`, hint: 'to look: 3bot contract list; to end one that is yours: 3bot contract cancel ID' };
  return { ok: true, blueprint: first.blueprint, nouns: first.nouns };
}
