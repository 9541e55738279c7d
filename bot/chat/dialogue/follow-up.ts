import type { Json } from '../../../contract/canonical.ts';
import { type Blueprint, parametersOf } from '../../../knowledge/blueprint.ts';
import { canonicalValue } from '../../../knowledge/parameter.ts';
import { candidates } from '../../../ledger/state/views.ts';
import type { ToolRefusal } from '../../context.ts';
import { type FollowUp, understandFor } from '../../planner/understand/understand.ts';
import { isOnly, lengthOf, readYesNo } from './acts.ts';
import type { Here } from './here.ts';

/** What a message changes in a draft. */
export interface Change {
  readonly ok: true;
  readonly parameters: Readonly<Record<string, Json>>;
  /** Parameters that are not wanted any more. */
  readonly removed: readonly string[];
}

/** Longest answer, in words, that is taken as it is for what was asked. */
const BARE = 12;

/** Reads a message against a blueprint that is known already. `asked` is the parameter that a bare answer belongs to, `given` what was said before. */
export function readChange({ context, text }: Here, blueprint: Blueprint, { asked, given = {} }: { readonly asked?: string | undefined; readonly given?: Readonly<Record<string, Json>> } = {}): Change | ToolRefusal {
  const state = context.follower.state();
  const currency = state.grid?.payload.currency;
  const cities = [...new Map(candidates(state).map((c) => [c.location.city, c.location])).values()];
  const read = understandFor(text, blueprint, { cities, given, ...(currency !== undefined && { currency }), ...(asked !== undefined && { asked }) });
  if (read.ok && (asked === undefined || Object.hasOwn(read.parameters, asked))) return settle(blueprint, { removed: read.removed, parameters: answering(read, asked) }, given);
  // What was refused as unsafe is no value either, however it is meant.
  const bare = asked === undefined || (!read.ok && read.error.code === 'unsafe_request') ? undefined : readBare(blueprint, asked, { text, currency });
  if (bare) return bare;
  return read.ok ? settle(blueprint, read, given) : { ok: false, ...read.error };
}

/** Without what was read from the very words of the answer: `python train.py` is a command, and no image as well. */
function answering({ parameters, spans }: Pick<FollowUp, 'parameters' | 'spans'>, asked: string | undefined): Change['parameters'] {
  const own = asked === undefined ? undefined : spans[asked];
  if (!own) return parameters;
  return Object.fromEntries(Object.entries(parameters).filter(([name]) => { const span = spans[name]; return name === asked || !span || span.end <= own.start || span.start >= own.end; }));
}

/** A place that is named anew takes the place of the one before: a country does away with cities, a city with countries. */
function settle(blueprint: Blueprint, { parameters, removed }: Omit<Change, 'ok'>, given: Readonly<Record<string, Json>>): Change {
  const ofType = (type: string): string[] => Object.entries(parametersOf(blueprint)).filter(([, parameter]) => parameter.type === type).map(([name]) => name);
  const [countries, cities] = [ofType('countries'), ofType('cities')];
  const said = (names: readonly string[]): boolean => names.some((name) => Object.hasOwn(parameters, name));
  const replaced = said(countries) && !said(cities) ? cities : said(cities) && !said(countries) ? countries : [];
  return { ok: true, parameters, removed: [...new Set([...removed, ...replaced.filter((name) => Object.hasOwn(given, name))])] };
}

/** A bare answer to a question: the value itself, as people write it. */
function readBare(blueprint: Blueprint, asked: string, { text, currency }: { readonly text: string; readonly currency: string | undefined }): Change | undefined {
  const parameter = parametersOf(blueprint)[asked];
  const said = text.trim().replace(/^["'“„«`](.*)["'”“»`]$/su, '$1').trim();
  if (!parameter || said === '' || lengthOf(said) > BARE) return undefined;
  const yesNo = readYesNo(text);
  // Free text takes anything: a yes or no is none of it.
  if (parameter.type !== 'boolean' && (yesNo !== undefined || isOnly(text, 'yes', 'propose', 'no'))) return undefined;
  const raw = parameter.type === 'boolean' ? yesNo === 'yes' : parameter.type === 'integer' ? said.replace(/[.!]$/, '') : parameter.type === 'name' || parameter.type === 'label' ? said.toLowerCase() : said;
  if (parameter.type === 'boolean' && yesNo === undefined) return undefined;
  const value = canonicalValue(parameter, raw, currency);
  return value.ok ? { ok: true, parameters: { [asked]: value.value }, removed: [] } : undefined;
}
