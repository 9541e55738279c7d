import { z } from 'zod';
import { isSecretPair } from '../../../knowledge/secret.ts';
import { type Draft, plannedIn } from '../conversation.ts';

/** Stands for a value that the person gave and the model need not know; in a call it means that value again. */
const KEPT = '(kept)';

const Values = z.record(z.string(), z.json());
const Call = z.looseObject({ parameters: Values });
const Comparing = z.looseObject({ variants: z.array(z.looseObject({ change: Values })) });
type Values = z.infer<typeof Values>;

/** The draft as a model is told of it: the plan that is talked about, and names of settings without their values. */
export function maskedDraft(draft: Draft): object {
  const { earlier: _earlier, ...rest } = draft;
  const plan = plannedIn(draft);
  return { ...rest, parameters: each(draft.parameters, () => KEPT), ...(plan !== undefined && { plan }) };
}

/** What was said before, without the values of settings (`KEY=value`) and of what looks like a secret. */
export function maskedText(text: string): string {
  return text.replace(/\b([A-Za-z]\w*)(\s?=\s?)("[^"]*"|'[^']*'|[^\s,;]+)/gu, (all, key: string, sign: string, value: string) => ((sign === '=' && /^[A-Z][A-Z\d_]+$/.test(key)) || isSecretPair(key, value) ? `${key}${sign}${KEPT}` : all));
}

/** A call with the values again that it was not told. */
export function unmaskedCall(input: unknown, draft: Draft | undefined): unknown {
  const call = Call.safeParse(input);
  if (!call.success || !draft) return input;
  const restore = (values: Values): Values => each(values, (value, name, key) => (value === KEPT ? pairsOf(draft.parameters[name])?.[key] ?? value : value));
  const comparing = Comparing.safeParse(input);
  return { ...call.data, parameters: restore(call.data.parameters), ...(comparing.success && { variants: comparing.data.variants.map((variant) => ({ ...variant, change: restore(variant.change) })) }) };
}

function pairsOf(value: unknown): Values | undefined {
  return Values.safeParse(value).data;
}

function each(values: Values, change: (value: Values[string], name: string, key: string) => Values[string]): Values {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => {
    const pairs = pairsOf(value);
    return [name, pairs ? Object.fromEntries(Object.entries(pairs).map(([key, one]) => [key, change(one, name, key)])) : value];
  }));
}
