import { OTHERS } from './people.ts';
import type { Range, Request } from './tokens.ts';

const BORDER = /^[,;.!?:]$/;
const NEGATION = new Set('not no don doesn won shouldn never nicht kein keine keinen nie pas non jamais aucun no sin nunca niet geen nooit senza'.split(' '));
const COMPARED = new Set('than als que de di dan more less fewer mehr weniger plus moins piu meno mas menos meer minder'.split(' '));

/** `I don't want 5 TB`, `not for 10 users`: what stands before the value in its clause denies it; `not more than 5` does not. */
export function isRejected(request: Request, { from }: Range): boolean {
  for (let at = from - 1; at >= 0 && at >= from - 5; at--) {
    const token = request.tokens[at];
    if (!token || BORDER.test(token.raw) || token.kind === 'number' || (COMPARED.has(token.norm) && at === from - 1 && COMPARED.has(request.tokens[at - 1]?.norm ?? ''))) return false;
    if (/^(?:more|less|fewer|mehr|weniger|plus|moins|piu|meno|mas|menos|meer|minder)$/.test(token.norm)) return false;
    if (NEGATION.has(token.norm)) return true;
  }
  return false;
}

const BEFORE_NOW = new Set('currently presently previously formerly until used had have today existing already seit bisher momentan derzeit aktuell fruher bislang hatten haben nutzen bereits heute vorher actuellement jusqu avions avait avons aujourd deja utilisions depuis attualmente finora avevamo abbiamo oggi gia prima usiamo actualmente hasta teniamos tenemos hoy ya antes usamos contratamos hace momenteel hadden hebben vandaag eerder nu gebruiken vroeger'.split(' '));

/** `currently we have 2 TB`, `il y a 3 ans nous avions 5 To`: what is or was, where something else is wanted. */
export function isBackground(request: Request, { from }: Range): boolean {
  if (isAside(request, from)) return true;
  for (let at = from - 1; at >= 0 && at >= from - 12; at--) {
    const token = request.tokens[at];
    if (!token || token.kind === 'number' || /^[;.!?]$/.test(token.raw)) return false;
    if (BEFORE_NOW.has(token.norm)) return true;
  }
  return false;
}

/** Inside brackets: `we (three partners, two assistants)`. */
function isAside(request: Request, from: number): boolean {
  for (let at = from - 1; at >= 0 && at >= from - 12; at--) {
    const raw = request.tokens[at]?.raw;
    if (raw === ')') return false;
    if (raw === '(') return true;
  }
  return false;
}

/** `my daughter of 8 years`, `j'ai 45 ans`: an age. */
export function isAge(request: Request, { from }: Range): boolean {
  const norm = (at: number): string => request.tokens[at]?.norm ?? '';
  if (['ai', 'ho', 'tengo', 'tiene', 'bin', 'ben', 'ist', 'turned', 'turn', 'turns', 'aged'].includes(norm(from - 1))) return true;
  return ['of', 'von', 'de', 'di', 'van'].includes(norm(from - 1)) && OTHERS.has(norm(from - 2));
}
