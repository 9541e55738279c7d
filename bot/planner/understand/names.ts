import { type Range, type Request, normalize } from './tokens.ts';

export interface NameReading extends Range {
  readonly name: string;
}

/** Words that announce a name. */
const TRIGGERS = new Set(['called', 'named', 'name', 'namens', 'namen', 'genannt', 'heisst', 'heissen', 'nomme', 'nommee', 'appele', 'appelee', 'nom', 'chiamato', 'chiamata', 'nome', 'llamado', 'llamada', 'nombre', 'genaamd', 'genoemd', 'naam', 'titled', 'labelled']);
const FILLERS = new Set([':', '=', '"', '“', '”', '„', '«', '»', "'", '‘', '’', '`', 'it', 'is', 'be', 'ist', 'est', 'es', 'as']);
const NO_NAMES = new Set(['of', 'for', 'the', 'in', 'with', 'and', 'server', 'servers', 'service', 'von', 'de', 'di', 'van', 'del', 'der', 'des', 'mit', 'et', 'und']);
const VALUE = /[\p{L}\p{N}][\p{L}\p{N}._-]{0,99}/uy;
/** Longest DNS label. */
const MAX_LABEL = 63;

/** The name that a request gives to what it asks for, as it was written. */
export function readName(request: Request): NameReading | undefined {
  for (let at = 0; at < request.tokens.length; at++) {
    if (!TRIGGERS.has(request.free(at)?.norm ?? '')) continue;
    let value = at + 1;
    while (FILLERS.has(request.free(value)?.norm ?? '')) value++;
    const token = request.free(value);
    if (!token || token.kind === 'symbol' || NO_NAMES.has(token.norm)) continue;
    VALUE.lastIndex = token.start;
    const name = VALUE.exec(request.text)?.[0].replace(/[._-]+$/, '');
    if (!name) continue;
    const end = token.start + name.length;
    let to = value + 1;
    while ((request.tokens[to]?.start ?? Infinity) < end) to++;
    const range = { from: value, to };
    request.take({ from: at, to });
    return { ...range, name };
  }
  return undefined;
}

/** The nearest DNS label to a name that is none. */
export function suggestLabel(name: string): string {
  return normalize(name).replace(/[^a-z0-9-]+/g, '-').replace(/^-+|-+$/g, '').slice(0, MAX_LABEL).replace(/-+$/, '') || 'my-archive';
}
