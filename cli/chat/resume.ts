import { Refusal } from '../refusal.ts';

/** The conversation to go on with: the one whose id begins so, or the last one; undefined when there is none yet. `kept`: newest first. */
export function chooseConversation(kept: readonly { readonly id: string }[], reference: string | undefined): string | undefined {
  if (reference === undefined) return kept[0]?.id;
  const found = kept.filter(({ id }) => reference !== '' && id.startsWith(reference.toLowerCase()));
  if (found.length > 1) throw new Refusal({ code: 'conversation_ambiguous', message: `${found.length} conversations begin with ${reference}`, hint: 'give more digits; `3bot chat --list` shows them' });
  const [one] = found;
  if (!one) throw new Refusal({ code: 'conversation_unknown', message: `no conversation that is kept begins with ${JSON.stringify(reference.slice(0, 40))}`, hint: '`3bot chat --list` shows those that are kept' });
  return one.id;
}
