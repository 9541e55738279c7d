import { formatBytes } from '../../../contract/units.ts';
import { INDEFINITE, WISHES } from '../../planner/understand/intent-words.ts';
import { Request } from '../../planner/understand/tokens.ts';
import { understandText, type Understanding } from '../../tools/request.ts';
import type { ToolContext } from '../../tools/tool.ts';
import { candidates } from '../../../ledger/state/views.ts';
import { type Answerer, type Draft, plannedIn, type Reply } from '../conversation.ts';
import { printable } from '../printable.ts';
import { begins, isOnly, isWithdrawal, lengthOf, maybeWithdrawal, namesContract, readYesNo, says } from './acts.ts';
import { chooseVariant, compareChange, compareCheaper } from './compare.ts';
import { askWithdrawal, beginUpdate, knownNames, listMine, meant, showStanding, subjectOf, titleOf, verify, withdraw, withdrawWord } from './contracts.ts';
import { compileBlueprint } from '../../../knowledge/compile.ts';
import { blueprintOf, changeDraft, currencyOf, proposeDraft, showDraft, signHow, without } from './drafting.ts';
import { readChange } from './follow-up.ts';
import { answer, type Here } from './here.ts';
import { languageOf } from './language.ts';
import { shortId } from './plan-text.ts';
import { refusalLines } from './refusals.ts';
import { explainAll, explainPart, explainWhy, type Subject } from './why.ts';
import { sayIn } from './words/messages.ts';

/** The offline answerer: rules and the blueprints' own words, no model. It never signs, and proposes only what was shown and agreed to. */
export function createDialogue(context: ToolContext): Answerer {
  return {
    reply: async (turn) => {
      const language = languageOf(turn.conversation, turn.text);
      const here: Here = { context, turn, text: turn.text, language, say: sayIn(language) };
      try {
        return await respond(here);
      } catch (error) {
        if (!turn.signal.aborted) throw error;
        return answer(here, here.say('stopped'));
      }
    },
  };
}

/** Longest question about what is there already, in words; more is a request that has such words in it. */
const QUESTION = 14;
/** Longest answer to what was asked that may also be a request of its own, in words. */
const ANSWER = 3;
const MAX_EXAMPLES = 4;
const MAX_OFFERED = 20;

async function respond(here: Here): Promise<Reply> {
  const { draft } = here.turn.conversation;
  return (await small(here)) ?? (draft ? inDraft(here, draft) : atRest(here));
}

/** What is answered alike at any time: courtesies, help, lists. The draft stays. */
async function small(here: Here): Promise<Reply | undefined> {
  const { text, say } = here;
  if (lengthOf(text) === 0 || isOnly(text, 'hello')) return answer(here, [say('hello'), ...examples(here)]);
  if (isOnly(text, 'thanks')) return answer(here, say('thanks'));
  if (isOnly(text, 'help') || (begins(text, 'help') && lengthOf(text) <= 6)) return answer(here, [say('help'), ...examples(here)]);
  if (lengthOf(text) > QUESTION) return undefined;
  if (begins(text, 'offer')) return answer(here, [say('offer'), ...offered(here)]);
  if (begins(text, 'places')) return answer(here, [say('places'), ...nodesByPlace(here)]);
  if (begins(text, 'list')) return listMine(here);
  return undefined;
}

async function inDraft(here: Here, draft: Draft): Promise<Reply> {
  const { text, say } = here;
  if (isOnly(text, 'forget')) return answer(here, say('forgotten'), { draft: undefined });
  const chosen = draft.variants && chooseVariant(here, draft);
  if (chosen) return chosen;
  const yesNo = draft.asked === undefined ? readYesNo(text) : undefined;
  if (yesNo === 'yes') return draft.plan === undefined ? showDraft(here, draft) : proposeDraft(here, draft);
  if (yesNo === 'no') return answer(here, say('unlike'), { draft: without(draft) });
  // `propose it?` asks; what is asked is under the plan.
  if (draft.asked === undefined && isOnly(text, 'yes', 'propose')) return showDraft(here, draft);
  const plan = plannedIn(draft);
  const blueprint = blueprintOf(here, draft.blueprint);
  if (!blueprint) return answer(here, say('no_plan'), { draft: undefined });
  if (lengthOf(text) <= QUESTION) {
    if (begins(text, 'status') || begins(text, 'waiting') || begins(text, 'follow')) return (await aboutContracts(here)) ?? answer(here, say('not_understood'));
    if (begins(text, 'contents') && plan !== undefined) return answer(here, await explainAll(here, { plan }));
    if (isWithdrawal(text) && !namesContract(text) && draft.update === undefined) return answer(here, say('forgotten'), { draft: undefined });
    if (isWithdrawal(text, knownNames(here))) return (await aboutContracts(here)) ?? answer(here, say('not_understood'));
    if (begins(text, 'show')) return showDraft(here, draft);
    if (begins(text, 'signers') && plan !== undefined) return answer(here, await explainPart(here, { plan }, 'who'));
    if (says(text, 'unasked') && plan !== undefined) return answer(here, await explainPart(here, { plan }, 'unasked'));
    if (begins(text, 'why')) return answer(here, explainDraft(here, draft) ?? say('why_nothing'));
    if (says(text, 'cheaper')) return draft.update === undefined ? compareCheaper(here, draft, blueprint) : answer(here, say('compare_first'));
    if (begins(text, 'whatif') && draft.update === undefined && (plan !== undefined || draft.variants)) return compareChange(here, draft, blueprint);
  }
  return followUp(here, draft, blueprint);
}

/** A correction of the draft, an answer to what was asked, or a change of mind. */
async function followUp(here: Here, draft: Draft, blueprint: NonNullable<ReturnType<typeof blueprintOf>>): Promise<Reply> {
  const { text, say, context } = here;
  const change = readChange(here, blueprint, { asked: draft.asked, given: draft.parameters });
  const understood = understandText(context, text);
  if (!change.ok && change.code === 'unsafe_request') return answer(here, [...refusalLines(here, change), say('never_sign')]);
  if (understood.ok && isNew(here, understood, { draft, changes: change.ok })) return showDraft(here, { blueprint: understood.blueprint, parameters: { ...understood.parameters } });
  if (change.ok) return changeDraft(here, draft, change);
  if (change.code !== 'not_understood') return answer(here, refusalLines(here, change), { draft: without(draft) });
  if (draft.asked === undefined) return answer(here, [say('not_understood_draft'), say('unlike')]);
  return showDraft(here, draft, [say('not_understood_draft'), say('answer_asked')]);
}

/**
 * Whether a message asks for something else than the draft: another kind, or the same kind anew. What names another kind is
 * never read as a change of this one, since a yes would then buy the wrong thing; but a word or two may answer what was asked.
 */
function isNew({ text }: Here, understood: Understanding, { draft, changes }: { readonly draft: Draft; readonly changes: boolean }): boolean {
  if (changes && draft.asked !== undefined && lengthOf(text) <= ANSWER) return false;
  if (understood.blueprint !== draft.blueprint) return true;
  const anew = says(text, 'another') || wishes(text);
  if (draft.update === undefined) return understood.missing.length === 0 && anew && !begins(text, 'change');
  return !says(text, 'mine') && (anew || understood.parameters['name'] !== undefined);
}

/** A wish for a thing that is not yet known: `give me …`, `an archive of …`. */
function wishes(text: string): boolean {
  const [first, ...rest] = new Request(text).tokens.filter(({ kind }) => kind === 'word').map(({ norm }) => norm);
  return first !== undefined && (INDEFINITE.has(first) || WISHES.has(first) || rest.slice(0, 2).some((word) => WISHES.has(word)));
}

function explainDraft(here: Here, draft: Draft): string[] | undefined {
  const { context } = here;
  const shown = plannedIn(draft);
  const plan = shown === undefined ? undefined : context.plans.get(shown);
  const blueprint = blueprintOf(here, draft.blueprint);
  if (!blueprint) return undefined;
  const given = new Set(Object.keys(draft.parameters));
  if (plan) return explainWhy(here, { header: plan.header, body: plan.body, blueprint, given });
  // What cannot be placed can still be explained, as far as the blueprint makes it.
  const currency = currencyOf(here) ?? '';
  const compiled = compileBlueprint(blueprint, draft.parameters, currency === '' ? {} : { currency });
  if (!compiled.ok) return undefined;
  const subject: Subject = { header: { price: { currency, month: '0' }, assignments: [], constraints: compiled.constraints }, body: { parameters: compiled.parameters, workloads: [...compiled.workloads] }, blueprint, given };
  return explainWhy(here, subject);
}

/** Nothing is being put together: something new, or a question about what there is. */
async function atRest(here: Here): Promise<Reply> {
  const { text, say } = here;
  if (isOnly(text, 'forget')) return answer(here, say('nothing_to_forget'));
  const short = lengthOf(text) <= QUESTION;
  const reply = short ? await aboutContracts(here) : undefined;
  if (reply) return reply;
  const understood = understandText(here.context, text);
  if (!understood.ok && understood.code === 'unsafe_request') return answer(here, [...refusalLines(here, understood), say('never_sign')]);
  const ofMine = says(text, 'mine') && says(text, 'change');
  if (ofMine || (begins(text, 'change') && here.turn.conversation.contract !== undefined)) {
    const which = meant(here, '');
    if (which.ok && isOpen(here, which.contract)) return beginUpdate(here, which.contract);
    // Of several none is guessed, and nothing new is made in its place.
    if (!which.ok && ofMine && (which.reply.choices?.length ?? 0) > 0) return which.reply;
  }
  if (understood.ok) return showDraft(here, { blueprint: understood.blueprint, parameters: { ...understood.parameters } });
  if (readYesNo(text) === 'yes') return answer(here, say('no_plan'));
  return answer(here, refusalLines(here, understood));
}

function isOpen({ context }: Here, contract: string): boolean {
  const status = context.follower.state().contracts[contract as never]?.status;
  return status === 'active' || status === 'proposed';
}

/** Questions and commands about contracts of this person; undefined when the message is none. */
async function aboutContracts(here: Here): Promise<Reply | undefined> {
  const { text, say, turn: { conversation: { contract } } } = here;
  const of = async (verb: string, then: (id: string) => Promise<Reply> | Reply): Promise<Reply> => {
    const which = meant(here, verb);
    return which.ok ? then(which.contract) : which.reply;
  };
  const first = text.trim().split(/\s+/)[0] ?? '';
  const known = knownNames(here);
  // While something is put together, a kind may mean that: only an id does not.
  if (isWithdrawal(text, here.turn.conversation.draft ? [] : known)) return of(withdrawWord(here), (id) => withdraw(here, id));
  if (maybeWithdrawal(text, known)) return of(withdrawWord(here), (id) => askWithdrawal(here, id));
  if (begins(text, 'contents')) return of('explain', async (id) => answer(here, await explainAll(here, { contract: id }), { contract: id }));
  if (begins(text, 'verify')) return of(first, (id) => verify(here, id));
  if (begins(text, 'follow')) return of(first, (id) => showStanding(here, id, true));
  if (begins(text, 'waiting') || begins(text, 'status')) return of('status', (id) => showStanding(here, id));
  if (begins(text, 'signers')) return of('who signs', async (id) => answer(here, [...await explainPart(here, { contract: id }, 'who'), signHow(here, shortId(id), here.context.signUrl?.(id))], { contract: id }));
  if (says(text, 'unasked')) return of('unasked', async (id) => answer(here, await explainPart(here, { contract: id }, 'unasked'), { contract: id }));
  if (begins(text, 'ending') && (says(text, 'mine') || contract !== undefined)) return of(first, (id) => answer(here, [titleOf(here, id), say('end_how', { id: shortId(id) })], { contract: id }));
  if (begins(text, 'why') && contract !== undefined) return of('why', async (id) => {
    const subject = await subjectOf(here, id);
    return answer(here, subject ? explainWhy(here, subject) : say('why_nothing'));
  });
  if (begins(text, 'why')) return answer(here, say('why_nothing'));
  if (says(text, 'cheaper') && lengthOf(text) <= 6) return answer(here, say('compare_first'));
  return undefined;
}

/** One example of each of the first blueprints, in their own words. */
function examples({ context }: Here): string[] {
  return context.library.slice(0, MAX_EXAMPLES).flatMap(({ blueprint }) => blueprint.intents.examples.slice(0, 1)).map((example) => `  ${printable(example)}`);
}

function offered({ context }: Here): string[] {
  const rows = context.library.slice(0, MAX_OFFERED).map(({ blueprint }) => `  ${blueprint.blueprint.padEnd(18)} ${printable(blueprint.title)}: ${printable(blueprint.intents.examples[0] ?? '')}`);
  return rows;
}

function nodesByPlace({ context }: Here): string[] {
  const places = new Map<string, { count: number; free: bigint }>();
  for (const { location, free } of candidates(context.follower.state())) {
    const name = `${location.country}  ${location.city}`;
    const known = places.get(name) ?? { count: 0, free: 0n };
    places.set(name, { count: known.count + 1, free: known.free + BigInt(free.disk) });
  }
  return [...places].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, { count, free }]) => `  ${printable(name)}: ${count} (${formatBytes(free)})`);
}
