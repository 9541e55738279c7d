import { principalOf } from '../../bot/context.ts';
import { acceptExecution } from '../../bot/tools/accept.ts';
import { findContract, listContracts, readContract, verifyContract } from '../../bot/tools/contracts.ts';
import { deploymentStatus } from '../../bot/tools/deployments.ts';
import { approveContract, cancelContract, type Decision, proposeContract, rejectContract, rolesOf, withdrawContract } from '../../bot/tools/propose.ts';
import { explainAgain, type Review, reviewContract, reviewPlan } from '../../bot/tools/review.ts';
import { planUpdate } from '../../bot/tools/update.ts';
import type { ContractId } from '../../contract/contract.ts';
import { voters } from '../../contract/policy.ts';
import { formatMoney } from '../../contract/units.ts';
import { isAccepted } from '../../ledger/state/acceptance.ts';
import { noticeOf, waitingFor } from '../../ledger/state/views.ts';
import type { Keystore } from '../../signer/keystore.ts';
import { accept } from '../ask.ts';
import { connectBot } from '../connect.ts';
import type { Outcome } from '../output.ts';
import { parseParams } from '../params.ts';
import { askFirst } from '../prompt.ts';
import { Refusal } from '../refusal.ts';
import { printable } from '../render/printable.ts';
import { renderExplanation } from '../render/explanation.ts';
import { stateDir } from '../state-dir.ts';
import { openPartyKeystore } from '../up/grid-keys.ts';

export interface ContractFlags {
  readonly state?: string;
  readonly role?: string;
  /** Name of the key to sign with. */
  readonly as?: string;
  readonly statement?: string;
  readonly reason?: string;
  readonly param?: readonly string[];
  readonly yes?: boolean;
}
type Bot = Awaited<ReturnType<typeof connectBot>>['context'];

async function withBot(flags: ContractFlags, run: (context: Bot) => Promise<Outcome>): Promise<Outcome> {
  const { context, close } = await connectBot(stateDir(flags.state));
  try {
    return await run(context);
  } finally {
    await close();
  }
}

export function contractList(flags: ContractFlags): Promise<Outcome> {
  return withBot(flags, (context) => {
    const contracts = listContracts(context);
    const text = contracts.map((c) => `${c.contract.slice(7, 19)}  ${c.status.padEnd(10)}  of ${c.deployment.slice(7, 15)} v${c.version}  ${formatMoney(BigInt(c.price.month), c.price.currency).padStart(16)}/month  ${printable(`${c.title}${c.waitingFor.length > 0 ? `  waiting for ${c.waitingFor.join(', ')}` : ''}`)}`).join('\n');
    return Promise.resolve({ json: { ok: true, contracts }, text: text || 'no contracts yet: ask for something' });
  });
}

export function contractShow(id: string, flags: ContractFlags): Promise<Outcome> {
  return withBot(flags, async (context) => {
    const { contract } = accept(findContract(context, id));
    const { header, body } = accept(await readContract(context, contract));
    const state = context.follower.state();
    const record = state.contracts[contract];
    const deployment = state.deployments[header.deployment];
    const workloads = record?.status === 'active' ? deploymentStatus(state, header.deployment) : [];
    const waiting = record?.status === 'proposed' ? waitingFor(state, contract) : [];
    const acceptance = header.acceptance && { met: deployment !== undefined && isAccepted(deployment), by: deployment?.acceptance?.votes.map((v) => v.role) ?? [] };
    const notice = noticeOf(state, header.blueprint);
    const text = [
      `${printable(header.title)}  (${record?.status ?? '?'})`,
      ...(notice === undefined ? [] : [`  ${printable(notice)}`]),
      `  contract    ${contract}${header.version > 1 ? `  version ${header.version}` : ''}`,
      `  deployment  ${header.deployment}`,
      `  price       ${formatMoney(BigInt(header.price.month), header.price.currency)} a month until ${header.validity.notAfter}`,
      `  signed by   ${record?.votes.filter((v) => v.decision === 'approve').map((v) => v.role).join(', ') || 'nobody yet'}`,
      ...(waiting.length > 0 ? [`  waiting for ${waiting.join(', ')}`] : []),
      ...(acceptance ? [`  accepted    ${acceptance.met ? 'yes' : 'not yet'}${acceptance.by.length > 0 ? `, by ${acceptance.by.join(', ')}` : ''}`] : []),
      ...workloads.map((w) => `  ${w.workload.padEnd(12)} ${w.phase.padEnd(10)} ${w.label} (${w.city}, ${w.country}) epoch ${w.epoch}  ${printable(w.reason)}`),
    ].join('\n');
    return { json: { ok: true, contract, status: record?.status, header, body, votes: record?.votes, waitingFor: waiting, ...(acceptance && { acceptance }), workloads }, text };
  });
}

export function contractVerify(id: string, flags: ContractFlags): Promise<Outcome> {
  return withBot(flags, async (context) => {
    const { contract } = accept(findContract(context, id));
    const verified = accept(await verifyContract(context, contract));
    // Who signed something else than this explanation was shown other words than these: said, since only they know why.
    const { digest } = accept(await explainAgain(context, contract));
    const approvals = (context.follower.state().contracts[contract]?.votes ?? []).filter((v) => v.decision === 'approve');
    const others = approvals.filter((v) => v.explanation !== digest).map((v) => v.role);
    const shown = others.length === 0 ? `ok  ${approvals.length} approvals, each of this explanation` : `see ${others.join(', ')} approved another explanation than this program makes`;
    return { json: { ...verified, explanation: digest, otherExplanations: others }, text: `ok  recompiled to ${contract}\nok  ${verified.moves} moves, each the rule's own answer\n${shown}` };
  });
}

/** In people's words, from the contract alone, and only when it recompiles to its id. */
export function contractExplain(id: string, flags: ContractFlags): Promise<Outcome> {
  return withBot(flags, async (context) => {
    const { contract } = accept(findContract(context, id));
    const { explanation, digest } = accept(await reviewContract(context, contract));
    return { json: { ok: true, explanation, digest }, text: `${renderExplanation(explanation, context.follower.state())}\nrecompiled to the same contract; explanation ${digest}` };
  });
}

/** Signs with the demonstration stakeholder's key of that role, which lies on this machine. */
async function decisionOf(context: Bot, id: string, flags: ContractFlags, isAsked?: (as: Decision['as'], role: string) => boolean): Promise<Omit<Decision, 'statement' | 'explanation'>> {
  const { contract } = accept(findContract(context, id));
  if (flags.role === undefined) throw new Refusal({ code: 'role_needed', message: 'a decision is made in a role', hint: 'add --role it-expert, legal or budget' });
  const { role } = flags;
  const header = context.follower.state().contracts[contract]?.header;
  const asked = (as: Decision['as']): boolean => (isAsked ? isAsked(as, role) : header !== undefined && rolesOf(context, header, as).includes(role));
  const keys = await openPartyKeystore(stateDir(flags.state), 'stakeholders');
  const as = flags.as === undefined ? await keyFor(context, keys, role, asked) : await identityOf(context, keys, flags.as);
  if (!asked(as)) throw new Refusal({ code: 'not_permitted', message: `nobody asked for a decision by the key ${flags.as ?? role} as ${role}`, hint: 'see `3bot contract show` for who is asked' });
  return { contract, role, as };
}

async function identityOf(context: Bot, keys: Keystore, name: string): Promise<Decision['as']> {
  const signer = await keys.signing(name);
  const id = principalOf(context, signer);
  if (!id) throw new Refusal({ code: 'principal_unknown', message: `the key ${name} (${signer.key}) speaks for nobody on this ledger`, hint: 'it may be retired or revoked: see `3bot key list --ledger`; another key is chosen with --as NAME' });
  return { id, signer };
}

/** The key that is called like the role, or else the one here that belongs to somebody who is asked in it. */
async function keyFor(context: Bot, keys: Keystore, role: string, asked: (as: Decision['as']) => boolean): Promise<Decision['as']> {
  const names = (await keys.list()).flatMap((name) => (name.endsWith('.signing') ? [name.slice(0, -'.signing'.length)] : []));
  for (const name of [...names.filter((n) => n === role), ...names.filter((n) => n !== role)]) {
    const signer = await keys.signing(name);
    const id = principalOf(context, signer);
    if (id && asked({ id, signer })) return { id, signer };
  }
  return identityOf(context, keys, role);
}

/** Shows what is decided on, then asks; with --yes it only shows. What is shown goes to standard error, beside the answer. */
async function confirmShown(context: Bot, { explanation }: Review, question: string, flags: ContractFlags): Promise<void> {
  process.stderr.write(`${renderExplanation(explanation, context.follower.state())}\n`);
  if (!flags.yes) await askFirst(question);
}

/** Nobody is asked about what is decided already. */
function requireStatus(context: Bot, contract: ContractId, status: 'proposed' | 'active'): void {
  const now = context.follower.state().contracts[contract]?.status;
  if (now !== status) throw new Refusal({ code: 'contract_not_open', message: `the contract is ${now ?? 'unknown'}`, hint: 'see `3bot contract list`: only a proposal is signed, only what runs is ended' });
}

/** What you see is what you sign: the approval carries the digest of what was shown. */
export function contractApprove(id: string, flags: ContractFlags): Promise<Outcome> {
  return withBot(flags, async (context) => {
    const decision = await decisionOf(context, id, flags);
    requireStatus(context, decision.contract, 'proposed');
    const review = accept(await reviewContract(context, decision.contract));
    const header = context.follower.state().contracts[decision.contract]?.header;
    const notice = header && noticeOf(context.follower.state(), header.blueprint);
    if (notice !== undefined) process.stderr.write(`${printable(notice)}\n`);
    await confirmShown(context, review, `Sign this as ${decision.role}?`, flags);
    const approved = accept(await approveContract(context, { ...decision, explanation: review.digest, statement: flags.statement ?? 'recompiled to the same contract, read and agreed' }));
    return { json: { ...approved, contract: decision.contract, explanation: review.digest }, text: approved.met ? `signed; the quorum is met: watch it with \`3bot contract show ${decision.contract.slice(7, 19)}\`` : `signed; waiting for ${approved.waitingFor.join(', ')}` };
  });
}

export function contractReject(id: string, flags: ContractFlags): Promise<Outcome> {
  return withBot(flags, async (context) => {
    const decision = await decisionOf(context, id, flags);
    if (flags.reason === undefined) throw new Refusal({ code: 'reason_needed', message: 'a rejection says why', hint: 'add --reason "…"' });
    const { ended } = accept(await rejectContract(context, { ...decision, reason: flags.reason }));
    return { json: { ok: true, contract: decision.contract, ended }, text: ended ? 'rejected; the quorum cannot be reached any more, and its reservation is free again' : 'rejected; others can still make the quorum' };
  });
}

/** Accepts how a contract is executed, for those whom it names. */
export function contractAccept(id: string, flags: ContractFlags): Promise<Outcome> {
  return withBot(flags, async (context) => {
    const acceptance = (contract: ContractId) => context.follower.state().contracts[contract]?.header.acceptance;
    const { contract } = accept(findContract(context, id));
    const policy = acceptance(contract);
    if (!policy) throw new Refusal({ code: 'not_asked', message: 'this contract asks nobody to accept its execution' });
    const decision = await decisionOf(context, id, flags, (as, role) => voters(policy).some((v) => v.principal === as.id && v.role === role));
    const header = context.follower.state().contracts[contract]?.header;
    const rows = header ? deploymentStatus(context.follower.state(), header.deployment) : [];
    const shown = rows.map((w) => `  ${w.workload.padEnd(12)} ${w.phase.padEnd(10)} ${printable(`${w.label} (${w.city}, ${w.country})`)} epoch ${w.epoch}  ${w.measured ?? ''}`);
    process.stderr.write(`${shown.join('\n')}\n`);
    if (!flags.yes) await askFirst(`Accept this execution as ${decision.role}?`);
    const accepted = accept(await acceptExecution(context, { ...decision, statement: flags.statement ?? 'seen running, and accepted' }));
    return { json: { ...accepted, contract: decision.contract }, text: accepted.met ? 'accepted; everybody who must has accepted' : `accepted; waiting for ${accepted.waitingFor.join(', ')}` };
  });
}

/** Plans the next version of what runs, shows the difference, and proposes it to those who signed. */
export function contractUpdate(id: string, flags: ContractFlags): Promise<Outcome> {
  return withBot(flags, async (context) => {
    const { contract } = accept(findContract(context, id));
    const parameters = parseParams(flags.param ?? []);
    if (Object.keys(parameters).length === 0) throw new Refusal({ code: 'nothing_asked', message: 'an update says what is to differ', hint: 'add --param capacity=2PB, for example' });
    const plan = accept(await planUpdate(context, { contract, parameters }));
    await confirmShown(context, accept(await reviewPlan(context, plan)), 'Propose this update?', flags);
    accept(await proposeContract(context, plan));
    const waiting = waitingFor(context.follower.state(), plan.contract);
    return { json: { ok: true, contract: plan.contract, supersedes: contract, version: plan.header.version, waitingFor: waiting }, text: `proposed ${plan.contract} as version ${plan.header.version}; waiting for ${waiting.join(', ')}\nthey sign with \`3bot contract approve ${plan.contract.slice(7, 19)} --role ROLE\`; until then the present version runs on` };
  });
}

export function contractCancel(id: string, flags: ContractFlags): Promise<Outcome> {
  return withBot(flags, async (context) => {
    const decision = await decisionOf(context, id, flags);
    requireStatus(context, decision.contract, 'active');
    await confirmShown(context, accept(await reviewContract(context, decision.contract)), `Sign the end of this as ${decision.role}?`, flags);
    accept(await cancelContract(context, decision));
    return { json: { ok: true, contract: decision.contract }, text: `cancellation signed as ${decision.role}; it ends when the contract's own quorum has` };
  });
}

export function contractWithdraw(id: string, flags: ContractFlags): Promise<Outcome> {
  return withBot(flags, async (context) => {
    const { contract } = accept(findContract(context, id));
    accept(await withdrawContract(context, contract));
    return { json: { ok: true, contract }, text: 'withdrawn; its reservation is free again' };
  });
}
