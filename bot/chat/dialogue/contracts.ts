import { z } from 'zod';
import type { ContractId } from '../../../contract/contract.ts';
import { followContractTool, listContractsTool, showContractTool, verifyContractTool } from '../../tools/catalogue/contracts.ts';
import { withdrawTool } from '../../tools/catalogue/requests.ts';
import { findContract, readContract } from '../../tools/contracts.ts';
import { occurrences } from '../../planner/understand/vocabulary.ts';
import { normalize, Request } from '../../planner/understand/tokens.ts';
import type { Reply } from '../conversation.ts';
import { printable } from '../printable.ts';
import { blueprintOf, showDraft, signHow } from './drafting.ts';
import { readChange } from './follow-up.ts';
import { answer, call, type Here } from './here.ts';
import { shortId } from './plan-text.ts';
import { refusalLines } from './refusals.ts';
import { MESSAGES, type MessageName } from './words/messages.ts';
import type { Subject } from './why.ts';

const Row = z.object({ contract: z.string(), title: z.string(), status: z.string(), waitingFor: z.array(z.string()), price: z.string(), ends: z.string() });
const Standing = z.object({
  contract: z.string(), title: z.string(), status: z.string(), signed: z.array(z.object({ role: z.string(), name: z.string(), decision: z.string() })), waitingFor: z.array(z.string()), signBefore: z.string(),
  running: z.boolean(), workloads: z.array(z.object({ workload: z.string(), node: z.string(), city: z.string(), country: z.string(), phase: z.string(), reason: z.string() })), endpoint: z.string().optional(), signUrl: z.string().optional(),
});
type Standing = z.infer<typeof Standing>;

const FOLLOW_SECONDS = 600;
const MAX_LATE = 6;
const MAX_CHOICES = 8;

export async function listMine(here: Here): Promise<Reply> {
  const { say } = here;
  const listed = await call(here, listContractsTool, { mine: true }, z.object({ contracts: z.array(Row), total: z.int() }));
  if (!listed.ok) return answer(here, refusalLines(here, listed));
  if (listed.contracts.length === 0) return answer(here, say('none'));
  const rows = listed.contracts.map((c) => `  ${shortId(c.contract)}  ${statusWord(here, c.status).padEnd(14)} ${printable(c.title)}, ${say('a_month', { amount: c.price.replace(/ a month$/, '') })}`);
  const left = listed.total - rows.length;
  return answer(here, [say('list'), ...rows, ...(left > 0 ? [`  ${say('more', { count: left })}`] : [])]);
}

export function statusWord({ say, language }: Here, status: string): string {
  const name = `status_${status}`;
  return Object.hasOwn(MESSAGES[language], name) ? say(name as MessageName) : status;
}

/** How one contract stands; with `follow` only when it runs, has ended, or nobody waits any more. */
export async function showStanding(here: Here, contract: string, follow = false): Promise<Reply> {
  const { say } = here;
  if (follow) here.turn.onProgress(say('following', { title: titleOf(here, contract) }));
  const standing = follow ? await call(here, followContractTool, { contract, seconds: FOLLOW_SECONDS }, Standing) : await call(here, showContractTool, { contract }, Standing);
  return standing.ok ? answer(here, standingLines(here, standing), { contract: standing.contract }) : answer(here, refusalLines(here, standing));
}

function standingLines(here: Here, s: Standing): string[] {
  const { say } = here;
  const head = `${printable(s.title)} (${shortId(s.contract)}): ${statusWord(here, s.status)}`;
  const signed = s.signed.length === 0 ? [] : [say('signed', { who: s.signed.map(({ role, decision }) => (decision === 'approve' ? role : `${role} (${decision})`)).join(', ') })];
  if (s.status === 'proposed') return [head, say('waits', { who: s.waitingFor.join(', '), before: s.signBefore }), ...signed, signHow(here, s.contract, s.signUrl)];
  if (s.status !== 'active') return [head, ...signed, say('not_over', { status: statusWord(here, s.status) })];
  const late = s.workloads.filter(({ phase }) => phase !== 'running');
  const running = s.workloads.length - late.length;
  return [
    head,
    s.running ? say('all_running', { count: s.workloads.length }) : say('some_running', { running, count: s.workloads.length }),
    ...late.slice(0, MAX_LATE).map(({ workload, node, city, country, phase, reason }) => `  ${say('late', { workload, node, city, country, phase, reason })}`),
    ...(late.length > MAX_LATE ? [`  ${say('more', { count: late.length - MAX_LATE })}`] : []),
    ...(s.endpoint === undefined ? [] : [say('endpoint', { endpoint: s.endpoint })]),
  ];
}

export async function withdraw(here: Here, contract: string): Promise<Reply> {
  const { say, context } = here;
  const record = context.follower.state().contracts[contract as ContractId];
  const title = titleOf(here, contract);
  if (record && record.status !== 'proposed') return answer(here, [say('not_open', { title, status: statusWord(here, record.status) }), ...(record.status === 'active' ? [say('end_how', { id: shortId(contract) })] : [])], { contract });
  const result = await call(here, withdrawTool, { contract }, z.object({ contract: z.string() }));
  return result.ok ? answer(here, say('withdrawn', { title }), { contract }) : answer(here, refusalLines(here, result), { contract });
}

/** Something like a withdrawal was said: withdrawn is what is then chosen, by number or by id. */
export function askWithdrawal(here: Here, contract: string): Reply {
  const command = `${withdrawWord(here)} ${shortId(contract)}`;
  return answer(here, here.say('withdraw_which', { title: titleOf(here, contract), command }), { contract, choices: [command] });
}

/** Names and kinds by which contracts are called. */
export function knownNames({ context }: Here): string[] {
  const mine = Object.values(context.follower.state().contracts).filter(({ header }) => header.requester === context.requester.id);
  return [...mine.flatMap(({ header }) => [...header.names]), ...context.library.flatMap(({ blueprint }) => [blueprint.blueprint, ...blueprint.intents.nouns])];
}

export async function verify(here: Here, contract: string): Promise<Reply> {
  const verified = await call(here, verifyContractTool, { contract }, z.object({ moves: z.int() }));
  return answer(here, verified.ok ? here.say('verified', { title: titleOf(here, contract), moves: verified.moves }) : refusalLines(here, verified), { contract });
}

/** Begins a change of what runs; refused when the message names none, or the contract is only proposed. */
export async function beginUpdate(here: Here, contract: string): Promise<Reply> {
  const { say, context } = here;
  const record = context.follower.state().contracts[contract as ContractId];
  const blueprint = record && blueprintOf(here, record.header.blueprint.name);
  const title = titleOf(here, contract);
  if (record?.status === 'proposed') return answer(here, say('change_proposal', { title }), { contract, choices: [`${withdrawWord(here)} ${shortId(contract)}`] });
  if (!blueprint || record.status !== 'active') return answer(here, say('nothing_open'), { contract });
  const change = readChange(here, blueprint);
  if (!change.ok) return answer(here, refusalLines(here, change), { contract });
  if (Object.keys(change.parameters).length === 0) return answer(here, say('change_what', { title }), { contract, draft: { blueprint: blueprint.blueprint, parameters: {}, update: contract } });
  return showDraft(here, { blueprint: blueprint.blueprint, parameters: { ...change.parameters }, update: contract }, [say('update_of', { title })]);
}

export function withdrawWord({ language }: Here): string {
  return { en: 'withdraw', de: 'ziehe zurück', fr: 'retire', it: 'ritira', es: 'retira', nl: 'trek in' }[language];
}

/** What a question about a contract on the ledger is answered from. */
export async function subjectOf(here: Here, contract: string): Promise<Subject | undefined> {
  const read = await readContract(here.context, contract as ContractId);
  const blueprint = read.ok ? blueprintOf(here, read.header.blueprint.name) : undefined;
  return read.ok && blueprint ? { header: read.header, body: read.body, blueprint, given: new Set(Object.keys(read.body.parameters)) } : undefined;
}

export function titleOf({ context }: Here, contract: string): string {
  return context.follower.state().contracts[contract as ContractId]?.header.title ?? shortId(contract);
}

export type Meant = { readonly ok: true; readonly contract: string } | { readonly ok: false; readonly reply: Reply };

/** Which contract is meant: by id, name or kind, else the one that was talked about, else the only one there is. */
export function meant(here: Here, verb: string): Meant {
  const { text, say, context, turn } = here;
  const digits = /(?<![\p{L}\p{N}])(?:sha256:)?(?=[a-f]*\d)[0-9a-f]{6,64}(?![\p{L}\p{N}])/u.exec(text)?.[0];
  if (digits !== undefined) {
    const found = findContract(context, digits);
    return found.ok ? found : { ok: false, reply: answer(here, refusalLines(here, found)) };
  }
  const { contracts } = context.follower.state();
  const mine = (Object.keys(contracts) as ContractId[]).reverse().filter((id) => contracts[id]?.header.requester === context.requester.id);
  const live = mine.filter((id) => contracts[id]?.status === 'proposed' || contracts[id]?.status === 'active');
  const { contract: last } = turn.conversation;
  const only = (ids: readonly ContractId[]): Meant | undefined => {
    const [first] = ids;
    if (!first) return undefined;
    const talked = ids.find((id) => id === last);
    if (talked) return { ok: true, contract: talked };
    return ids.length === 1 ? { ok: true, contract: first } : { ok: false, reply: whichOf(here, ids, verb) };
  };
  const named = narrowed(here, mine);
  const byName = named && (only(named.filter((id) => live.includes(id))) ?? only(named));
  if (byName) return byName;
  // A kind was named of which there is none: another one is not meant.
  if (named) return { ok: false, reply: answer(here, say('no_contract')) };
  if (last !== undefined && contracts[last as ContractId]) return { ok: true, contract: last };
  return only(live) ?? only(mine) ?? { ok: false, reply: answer(here, say('none')) };
}

/** Those whose published name or kind the message says; undefined when it says neither. */
function narrowed({ text, context }: Here, ids: readonly ContractId[]): readonly ContractId[] | undefined {
  const { contracts } = context.follower.state();
  const words = new Set(normalize(text).match(/[\p{L}\p{N}-]+/gu) ?? []);
  const called = ids.filter((id) => contracts[id]?.header.names.some((name) => words.has(name)));
  const request = new Request(text);
  const kinds = new Set(context.library.filter(({ blueprint }) => occurrences(request, [blueprint.blueprint.replaceAll('-', ' '), ...blueprint.intents.nouns]).some(({ exact }) => exact)).map(({ blueprint }) => blueprint.blueprint));
  const ofKind = ids.filter((id) => kinds.has(contracts[id]?.header.blueprint.name ?? ''));
  // A default name such as `archive` is a kind as well: then all of the kind are meant.
  const byName = called.filter((id) => !kinds.has(contracts[id]?.header.names.find((name) => words.has(name)) ?? ''));
  if (byName.length > 0) return byName;
  if (called.length > 0 && ofKind.length === 0) return called;
  return kinds.size > 0 ? ofKind : undefined;
}

function whichOf(here: Here, ids: readonly ContractId[], verb: string): Reply {
  const shown = ids.slice(0, MAX_CHOICES);
  const { contracts } = here.context.follower.state();
  const lines = shown.map((id, i) => `  ${i + 1}  ${shortId(id)}  ${printable(contracts[id]?.header.title ?? '')} (${statusWord(here, contracts[id]?.status ?? '')})`);
  return answer(here, [here.say('which_contract'), ...lines], { choices: shown.map((id) => `${verb} ${shortId(id)}`.trim()) });
}

