import { Refusal } from './refusal.ts';

/** `--param name=value`, repeated, as one record; a later one wins. */
export function parseParams(params: readonly string[]): Record<string, string> {
  return Object.fromEntries(params.map((param) => {
    const at = param.indexOf('=');
    if (at < 1) throw new Refusal({ code: 'invalid_parameter', message: `expected --param name=value, got ${JSON.stringify(param)}`, hint: 'see `3bot understand` for the names of the parameters' });
    return [param.slice(0, at), param.slice(at + 1)];
  }));
}
