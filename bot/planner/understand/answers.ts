import { Label } from '../../../contract/units.ts';
import { ImageReference } from '../../../contract/workload.ts';
import { itemAt, readAnswerList } from './labels.ts';
import { mentionsOf, ofType, type Reading } from './reading.ts';
import type { Range, Request } from './tokens.ts';
import { isDenied } from './vocabulary.ts';

const YES = /^(?:yes|yep|yeah|sure|ok|okay|true|please|ja|klar|gern|gerne|jawohl|oui|si|certo|vale|claro|graag|natuurlijk|d)$/;
const NO = /^(?:no|nope|not|never|false|nein|nicht|non|pas|nee|niet|geen)$/;
/** Words around a bare answer: `it should be nginx please`. */
const AROUND = /^(?:it|its|is|s|should|be|the|a|an|call|name|named|called|make|take|use|with|please|then|ok|okay|well|just|let|lets|say|i|want|would|like|and|for|to|from|das|ist|soll|sein|nimm|bitte|nenn|es|mit|dann|einfach|ein|eine|einen|der|die|den|aus|und|ce|c|est|sera|prends|appelle|le|la|avec|alors|un|une|depuis|et|sia|usa|chiamalo|con|il|lo|una|da|e|que|sea|llamalo|usa|el|los|de|y|het|noem|doe|maar|graag|met|van|een|en|s|il|vous|plait|por|favor|per|favore|alstublieft|merci|thanks|danke|grazie|gracias)$/;

/** A bare answer to what was just asked: the value is what remains of the text when its politeness is taken off. */
export function readAnswer(reading: Reading, asked: string): void {
  const { request, lexicon, out } = reading;
  const parameter = lexicon.parameters[asked];
  const core = coreOf(request);
  if (!parameter || !core) return;
  const text = request.span(core).text;
  switch (parameter.type) {
    case 'name':
    case 'label': {
      const item = itemAt(request, core.from);
      const label = item && item.to === core.to ? item.label : text.toLowerCase();
      if (Label.safeParse(label).success) out.set(asked, label, core);
      return;
    }
    case 'labels': {
      const list = readAnswerList(request, core.from);
      if (list) out.set(asked, [...new Set(list.labels)].sort(), list);
      return;
    }
    case 'image':
      if (ImageReference.safeParse(text).success) out.set(asked, text, core);
      return;
    case 'location':
      if (/^\S+$/.test(text)) out.set(asked, text, core);
      return;
    case 'command':
    case 'text':
      out.set(asked, text, core);
      return;
    case 'boolean': {
      const word = request.tokens.find(({ norm }) => YES.test(norm) || NO.test(norm));
      const at = word ? request.tokens.indexOf(word) : -1;
      if (word) out.set(asked, YES.test(word.norm), { from: at, to: at + 1 });
      return;
    }
    case 'integers': {
      const numbers = request.tokens.flatMap((token, at) => (token.kind === 'number' && request.free(at) && /^\d{1,9}$/.test(token.raw) ? [Number(token.raw)] : []));
      if (numbers.length > 0) out.set(asked, [...new Set(numbers)].sort((a, b) => a - b), core);
      return;
    }
    case 'bytes':
    case 'integer':
    case 'money':
    case 'choice':
    case 'pairs':
    case 'flows':
    case 'countries':
    case 'cities':
      // Their readers found everything already.
      return;
  }
}

/** The text without quotes, full stop and the words of politeness around it. */
function coreOf(request: Request): Range | undefined {
  const outer = (at: number): boolean => {
    const token = request.tokens[at];
    return token !== undefined && (/^[.,;:!?"'“”„«»`’‘=…]$/.test(token.raw) || AROUND.test(token.norm));
  };
  let [from, to] = [0, request.tokens.length];
  while (from < to && outer(from)) from++;
  while (to > from && outer(to - 1)) to--;
  return to > from ? { from, to } : undefined;
}

const ANYWHERE = ['anywhere', 'wherever', 'any country', 'any city', 'any place', 'any location', 'egal wo', 'irgendwo', 'uberall', 'wo auch immer', 'n importe ou', 'ou que ce soit', 'partout', 'ovunque', 'dovunque', 'in qualsiasi posto', 'donde sea', 'en cualquier sitio', 'en cualquier lugar', 'en cualquier parte', 'waar dan ook', 'maakt niet uit waar', 'overal'].map((words) => words.split(' '));
const DROP = /^(?:drop|remove|forget|delete|skip|clear|unset|lass|streich|streiche|vergiss|entferne|weglassen|enleve|enlevez|oublie|supprime|retire|togli|dimentica|rimuovi|quita|olvida|elimina|verwijder|vergeet|weg|laat|schrap)$/;

/** Known parameters that a follow-up takes back: `without a name`, `no budget limit`, `anywhere`. */
export function readRemovals(reading: Reading): string[] {
  const { request, lexicon, out } = reading;
  const removed: string[] = [];
  for (const [name, parameter] of Object.entries(lexicon.parameters)) {
    if (out.values.has(name) || parameter.type === 'boolean') continue;
    if (mentionsOf(reading, name).some(({ from }) => isDenied(request, from, 3) || isDropped(request, from))) removed.push(name);
  }
  const words = request.tokens.filter(({ kind }) => kind === 'word').map(({ norm }) => norm);
  if (ANYWHERE.some((phrase) => words.some((_, at) => phrase.every((word, i) => words[at + i] === word)))) {
    for (const type of ['countries', 'cities'] as const) for (const [name] of ofType(lexicon, type)) if (!out.values.has(name) && !removed.includes(name)) removed.push(name);
  }
  return removed;
}

function isDropped(request: Request, from: number): boolean {
  for (let at = from - 1; at >= 0 && at >= from - 3; at--) {
    const token = request.tokens[at];
    if (!token || /^[,;.!?]$/.test(token.raw)) return false;
    if (DROP.test(token.norm)) return true;
  }
  return false;
}
