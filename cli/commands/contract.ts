import { principalOf } from '../../bot/context.ts';
import { findContract, listContracts, readContract, verifyContract } from '../../bot/tools/contracts.ts';
import { deploymentStatus } from '../../bot/tools/deployments.ts';
import { approveContract, cancelContract, type Decision, rolesOf, withdrawContract } from '../../bot/tools/propose.ts';
import { formatMoney } from '../../contract/units.ts';
import { accept } from '../ask.ts';
import { connectBot } from '../connect.ts';
import type { Outcome } from '../output.ts';
import { Refusal } from '../refusal.ts';
import { stateDir } from '../state-dir.ts';
import { openPartyKeystore } from '../up/grid-keys.ts';

export interface ContractFlags { readonly state?: string; readonly role?: string; readonly statement?: string }
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
    const text = contracts.map((c) => `${c.contract.slice(7, 19)}  ${c.status.padEnd(9)}  ${formatMoney(BigInt(c.price.month), c.price.currency).padStart(16)}/month  ${c.title}${c.waitingFor.length > 0 ? `  waiting for ${c.waitingFor.join(', ')}` : ''}`).join('\n');
    return Promise.resolve({ json: { ok: true, contracts }, text: text || 'no contracts yet: ask for something' });
  });
}

export function contractShow(id: string, flags: ContractFlags): Promise<Outcome> {
  return withBot(flags, async (context) => {
    const { contract } = accept(findContract(context, id));
    const { header, body } = accept(await readContract(context, contract));
    const record = context.follower.state().contracts[contract];
    const workloads = record?.status === 'active' ? deploymentStatus(context.follower.state(), header.deployment) : [];
    const text = [
      `${header.title}  (${record?.status ?? '?'})`,
      `  contract    ${contract}`,
      `  deployment  ${header.deployment}`,
      `  price       ${formatMoney(BigInt(header.price.month), header.price.currency)} a month until ${header.validity.notAfter}`,
      `  signed by   ${record?.votes.filter((v) => v.decision === 'approve').map((v) => v.role).join(', ') || 'nobody yet'}`,
      ...workloads.map((w) => `  ${w.workload.padEnd(12)} ${w.phase.padEnd(10)} ${w.label} (${w.city}, ${w.country}) epoch ${w.epoch}  ${w.reason}`),
    ].join('\n');
    return { json: { ok: true, contract, status: record?.status, header, body, votes: record?.votes, workloads }, text };
  });
}

export function contractVerify(id: string, flags: ContractFlags): Promise<Outcome> {
  return withBot(flags, async (context) => {
    const { contract } = accept(findContract(context, id));
    const verified = accept(await verifyContract(context, contract));
    return { json: { ...verified }, text: `ok  recompiled to ${contract}\nok  ${verified.moves} moves, each the rule's own answer` };
  });
}

/** Signs with the demonstration stakeholder's key of that role, which lies on this machine. */
async function decisionOf(context: Bot, id: string, flags: ContractFlags): Promise<Omit<Decision, 'statement'>> {
  const { contract } = accept(findContract(context, id));
  if (flags.role === undefined) throw new Refusal({ code: 'role_needed', message: 'a decision is made in a role', hint: 'add --role it-expert, legal or budget' });
  const signer = await (await openPartyKeystore(stateDir(flags.state), 'stakeholders')).signing(flags.role);
  const principal = principalOf(context, signer);
  const header = context.follower.state().contracts[contract]?.header;
  if (!principal || !header) throw new Refusal({ code: 'principal_unknown', message: 'the ledger knows nobody with this key' });
  const as = { id: principal, signer };
  if (!rolesOf(header, as).includes(flags.role)) throw new Refusal({ code: 'not_permitted', message: `nobody asked for a decision by this key as ${flags.role}` });
  return { contract, role: flags.role, as };
}

export function contractApprove(id: string, flags: ContractFlags): Promise<Outcome> {
  return withBot(flags, async (context) => {
    const decision = await decisionOf(context, id, flags);
    accept(await verifyContract(context, decision.contract));
    const approved = accept(await approveContract(context, { ...decision, statement: flags.statement ?? 'recompiled and reviewed' }));
    return { json: { ...approved, contract: decision.contract }, text: approved.met ? 'signed; the quorum is met' : `signed; waiting for ${approved.waitingFor.join(', ')}` };
  });
}

export function contractCancel(id: string, flags: ContractFlags): Promise<Outcome> {
  return withBot(flags, async (context) => {
    const decision = await decisionOf(context, id, flags);
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
