import type { Program } from '../../../knowledge/program.ts';
import type { Language } from './language.ts';
import { readNumber } from './numbers.ts';
import { normalize, type Range, type Request } from './tokens.ts';

export interface PhraseReading extends Range {
  readonly parameter: string;
  /** Undefined when the numbers are too large to reckon with. */
  readonly value: bigint | undefined;
}

/** Finds a blueprint's own forms of words (`16 of 20 shards`, `4+2`) and what they say about its parameters; where the thing is known (`loose`), the last word may be missing at the end. */
export function readPhrases(request: Request, phrases: Program['phrases'], { language, loose }: { language: Language; loose: boolean }): PhraseReading[] {
  const found: PhraseReading[] = [];
  for (const { say, set } of phrases) {
    const pattern = say.split(/\s+/).filter((step) => step !== '');
    for (let from = 0; from < request.tokens.length; from++) {
      const match = matchPattern(request, pattern, from, { language, loose });
      if (!match) continue;
      for (const [parameter, expression] of set) {
        const result = expression.evaluate(match.bound);
        found.push({ parameter, value: result.ok && typeof result.value === 'bigint' ? result.value : undefined, from, to: match.to });
      }
      request.take({ from, to: match.to });
      from = match.to - 1;
    }
  }
  return found;
}

function matchPattern(request: Request, pattern: readonly string[], from: number, { language, loose }: { language: Language; loose: boolean }): { bound: Record<string, bigint>; to: number } | undefined {
  const bound: Record<string, bigint> = {};
  let at = from;
  for (const step of pattern) {
    const place = /^\{([a-z])\}$/.exec(step)?.[1];
    if (place !== undefined) {
      const number = readNumber(request, at, language);
      if (!number || number.article || number.negative || number.denominator !== 1n) return undefined;
      bound[place] = number.numerator;
      at = number.to;
      continue;
    }
    const optional = step.endsWith('?');
    const words = (optional ? step.slice(0, -1) : step).split('|');
    const token = request.free(at)?.kind === 'symbol' && at === request.tokens.length - 1 && loose && !words.includes(request.free(at)?.raw ?? '') ? undefined : request.free(at);
    if (token && words.some((word) => normalize(word) === token.norm)) at++;
    else if (!optional && !(loose && !token && step === pattern.at(-1))) return undefined;
  }
  return { bound, to: at };
}
