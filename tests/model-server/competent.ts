import { z } from 'zod';
import { begins, isOnly, says } from '../../bot/chat/dialogue/acts.ts';
import { type Answer, type ChatRequest, contentOf } from './protocol.ts';

const Parameters = z.record(z.string(), z.json());
const Draft = z.looseObject({ blueprint: z.string(), parameters: Parameters, plan: z.string().optional(), update: z.string().optional(), asked: z.string().optional() });
const State = z.looseObject({ blueprints: z.array(z.string()), draft: Draft.optional(), contract: z.string().optional() });
type State = z.infer<typeof State>;
const Result = z.looseObject({ tool: z.string(), data: z.looseObject({ ok: z.boolean(), code: z.string().optional(), message: z.string().optional(), hint: z.string().optional() }) });
const Row = z.looseObject({ contract: z.string(), title: z.string(), status: z.string() });

interface Seen {
  readonly state: State;
  /** What the person says now. */
  readonly text: string;
  /** Calls of this turn and what became of them, in order. */
  readonly done: readonly { readonly name: string; readonly input: Record<string, unknown>; readonly data: z.infer<typeof Result>['data'] }[];
}

/**
 * Answers as a competent model would, by simple rules and through nothing but the protocol: it reads the state and the
 * person's words in the last message, calls tools, and says something short about what they gave.
 */
export function competentAnswer(request: ChatRequest): Answer {
  const seen = read(request);
  const last = seen.done.at(-1);
  if (!last) return first(seen);
  const { data, name } = last;
  if (name === 'understand') return afterUnderstanding(seen, last);
  if (name === 'list_contracts' && data.ok) return afterListing(seen, data);
  // What was taken for the bare answer to a question was none.
  if (name === 'plan' && data.code === 'invalid_value' && seen.done.length === 1 && seen.state.draft?.asked !== undefined) return call('understand', { text: seen.text });
  if (!data.ok) return { text: [data.message, data.hint].filter((part) => part !== undefined).join('. ') };
  return { text: SHORT[name] ?? 'That is what I found.' };
}

const SHORT: Readonly<Record<string, string>> = {
  plan: 'This is what it would be.',
  compare_plans: 'These are the variants.',
  explain_plan: 'This is what the plan means.',
  show_contract: 'This is how it stands.',
  follow_contract: 'This is how it stands now.',
};

function read({ messages }: ChatRequest): Seen {
  const at = messages.findLastIndex((message) => message.role === 'user');
  const [, json = '{}', text = ''] = /^State of this conversation, data: (.*)\n\nThe person says:\n([^]*)$/.exec(at < 0 ? '' : contentOf(messages[at]!)) ?? [];
  const after = messages.slice(at + 1);
  const calls = after.flatMap((message) => message.tool_calls ?? []);
  const done = after.filter((message) => message.role === 'tool').map((message) => {
    const call = calls.find(({ id }) => id === message.tool_call_id);
    return { name: call?.function.name ?? '', input: JSON.parse(call?.function.arguments ?? '{}') as Record<string, unknown>, data: Result.parse(JSON.parse(contentOf(message))).data };
  });
  return { state: State.parse(JSON.parse(json)), text, done };
}

function call(name: string, input: object): Answer {
  return { calls: [{ name, arguments: input }] };
}

function first(seen: Seen): Answer {
  const { state: { draft, contract }, text } = seen;
  if (isOnly(text, 'hello') || isOnly(text, 'thanks') || begins(text, 'help')) return { text: 'Say what you need, for example an archive of 1 PB in Switzerland.' };
  if (says(text, 'list')) return call('list_contracts', { mine: true });
  if (begins(text, 'status') || begins(text, 'waiting') || begins(text, 'follow')) return contract === undefined ? call('list_contracts', { mine: true }) : call(begins(text, 'follow') ? 'follow_contract' : 'show_contract', { contract, ...(begins(text, 'follow') && { seconds: 5 }) });
  if (begins(text, 'offer')) return call('search_blueprints', {});
  if (begins(text, 'places')) return call('list_nodes', {});
  if (draft?.plan !== undefined && (begins(text, 'why') || begins(text, 'signers') || says(text, 'unasked'))) return call('explain_plan', { plan: draft.plan });
  if (draft && says(text, 'cheaper')) return call('compare_plans', { blueprint: draft.blueprint, parameters: draft.parameters, variants: [{ label: 'in Germany', change: { countries: ['DE'] } }, { label: 'anywhere', change: { countries: [] } }] });
  // To change what runs, one has to know what does.
  if (!draft && says(text, 'change') && says(text, 'mine')) return { calls: [{ name: 'list_contracts', arguments: { mine: true, status: 'active' } }, { name: 'understand', arguments: { text } }] };
  if (draft?.parameters['max_price'] !== undefined && WITHOUT.test(text)) return planAgain(draft, Object.fromEntries(Object.entries(draft.parameters).filter(([name]) => name !== 'max_price')));
  if (draft && begins(text, 'show')) return planAgain(draft, draft.parameters);
  if (draft?.asked !== undefined && text.trim().split(/\s+/).length <= 3) return planAgain(draft, { ...draft.parameters, [draft.asked]: text.trim() });
  return call('understand', { text });
}

const WITHOUT = /^(?:\W*)(?:without|no|ohne|sans|senza|sin|zonder)\b/i;

function planAgain(draft: z.infer<typeof Draft>, parameters: object): Answer {
  return call('plan', { ...(draft.update === undefined ? { blueprint: draft.blueprint } : { update: draft.update }), parameters });
}

function afterUnderstanding({ state: { draft }, text, done }: Seen, { data, input }: Seen['done'][number]): Answer {
  const understood = z.object({ blueprint: z.string(), parameters: Parameters, missing: z.array(z.string()) }).safeParse(data).data;
  const listed = done.find(({ name }) => name === 'list_contracts');
  const running = listed && z.looseObject({ contracts: z.array(Row) }).safeParse(listed.data).data?.contracts[0];
  if (understood && running) return call('plan', { update: running.contract, parameters: understood.parameters });
  // By itself it says what is wanted: something new. After the name of what is talked about, it changes that.
  const again = input['text'] !== text;
  if (understood && draft && again) return Object.keys(understood.parameters).length === 0 ? { text: 'I did not find what is to be different.' } : says(text, 'whatif')
    ? call('compare_plans', { blueprint: draft.blueprint, parameters: draft.parameters, variants: [{ label: text.slice(0, 80), change: understood.parameters }] })
    : planAgain(draft, { ...draft.parameters, ...understood.parameters });
  if (understood) return call('plan', { blueprint: understood.blueprint, parameters: understood.parameters });
  if (draft && !again) return call('understand', { text: `${draft.blueprint.replaceAll('-', ' ')}: ${text}` });
  return { text: [data.message, data.hint].filter((part) => part !== undefined).join('. ') || 'Please say it in other words.' };
}

function afterListing({ text }: Seen, data: unknown): Answer {
  const { contracts } = z.looseObject({ contracts: z.array(Row) }).parse(data);
  const [only] = contracts;
  if (only && begins(text, 'status')) return call('show_contract', { contract: only.contract });
  return { text: contracts.length === 0 ? 'You have no contracts.' : contracts.map(({ title, status }) => `${title}: ${status}`).join('\n') };
}
