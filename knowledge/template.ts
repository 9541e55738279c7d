import { type CelType, type Evaluation, type Expression, isExpression, type Scope } from './expression.ts';

/** Most `${…}` in one text. */
const MAX_HOLES = 16;

/** A text with `${expression}` holes. One hole and nothing else keeps the type of its expression; otherwise it is a string. */
export interface Template {
  readonly type: CelType;
  readonly reads: ReadonlySet<string>;
  evaluate(values: Parameters<Expression['evaluate']>[0]): Evaluation;
}
export interface TemplateError {
  readonly ok: false;
  readonly message: string;
  /** UTF-16 offset in the text. */
  readonly offset: number;
}

type Part = { readonly text: string } | { readonly hole: string; readonly offset: number };

/** Parses and type-checks a template; the refusal's offset is one into `text`. */
export function compileTemplate(text: string, scope: Scope): Template | TemplateError {
  const parts = split(text);
  if (!Array.isArray(parts)) return parts;
  const compiled: (string | Expression)[] = [];
  for (const part of parts) {
    if ('text' in part) {
      compiled.push(part.text);
      continue;
    }
    const expression = scope.compile(part.hole);
    if (!isExpression(expression)) return { ok: false, message: expression.message, offset: part.offset + expression.offset };
    if (parts.length > 1 && expression.type !== 'string' && expression.type !== 'int') {
      return { ok: false, message: `inside a text an expression must give a string or an int, this one gives ${expression.type}`, offset: part.offset };
    }
    compiled.push(expression);
  }
  const [only] = compiled;
  if (compiled.length === 1 && only !== undefined && typeof only !== 'string') return only;
  const reads = new Set(compiled.flatMap((part) => (typeof part === 'string' ? [] : [...part.reads])));
  return {
    type: 'string',
    reads,
    evaluate: (values) => {
      let out = '';
      for (const part of compiled) {
        if (typeof part === 'string') {
          out += part;
          continue;
        }
        const result = part.evaluate(values);
        if (!result.ok) return result;
        // Checked above: inside a text only strings and ints.
        out += typeof result.value === 'object' ? '' : String(result.value);
      }
      return { ok: true, value: out };
    },
  };
}

export function isTemplate(result: Template | TemplateError): result is Template {
  return !('ok' in result);
}

/** Cuts at `${` and its matching `}`; braces inside CEL strings and map literals are skipped. */
function split(text: string): Part[] | TemplateError {
  const parts: Part[] = [];
  let from = 0;
  for (let open = text.indexOf('${'); open >= 0; open = text.indexOf('${', from)) {
    if (open > from) parts.push({ text: text.slice(from, open) });
    const close = closingBrace(text, open + 2);
    if (close < 0) return { ok: false, message: 'this ${ has no closing }', offset: open };
    if (parts.length >= 2 * MAX_HOLES) return { ok: false, message: `more than ${MAX_HOLES} expressions in one text`, offset: open };
    parts.push({ hole: text.slice(open + 2, close), offset: open + 2 });
    from = close + 1;
  }
  if (from < text.length || parts.length === 0) parts.push({ text: text.slice(from) });
  return parts;
}

function closingBrace(text: string, from: number): number {
  let depth = 0;
  let quote = '';
  for (let i = from; i < text.length; i++) {
    const c = text.charAt(i);
    if (quote) {
      if (c === '\\') i++;
      else if (c === quote) quote = '';
    } else if (c === '"' || c === "'") quote = c;
    else if (c === '{') depth++;
    else if (c === '}' && depth-- === 0) return i;
  }
  return -1;
}
