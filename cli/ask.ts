import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import type { Plan } from '../bot/planner/plan.ts';
import { type BotContext, principalOf, type ToolRefusal } from '../bot/context.ts';
import { archiveAccess, type ArchiveAccess, deploymentAccess, type DeploymentAccess, deploymentStatus, isRunning } from '../bot/tools/deployments.ts';
import { approveContract, proposeContract, withdrawContract } from '../bot/tools/propose.ts';
import { reviewPlan } from '../bot/tools/review.ts';
import { findSame, planRequest, type Understanding, understandText } from '../bot/tools/request.ts';
import type { DeploymentId } from '../contract/contract.ts';
import { votersOf } from '../contract/policy.ts';
import { counted } from '../contract/units.ts';
import { policiesOf } from '../ledger/state/views.ts';
import type { Keystore } from '../signer/keystore.ts';
import { paint } from './output.ts';
import type { Progress } from './progress.ts';
import { confirm, type Terminal } from './prompt.ts';
import { Refusal } from './refusal.ts';
import { renderExplanation } from './render/explanation.ts';
import { renderPlan } from './render/plan.ts';

/** Longest wait for the nodes to run what was signed. */
const RUNNING_TIMEOUT_MS = 120_000;
const PROBE_TIMEOUT_MS = 2000;
const PROBE_EVERY_MS = 200;

export interface AskOptions {
  readonly context: BotContext;
  /** Keys of the demonstration stakeholders, named by role. */
  readonly stakeholders: Keystore;
  readonly ca: string;
  readonly text: string;
  /** Confirms and signs without asking. */
  readonly yes: boolean;
  /** Who is asked otherwise; undefined where nobody can answer. */
  readonly terminal: Terminal | undefined;
  /** Makes a second one of what is there already. */
  readonly fresh: boolean;
  readonly progress: Progress;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

export type Asked = (ArchiveAccess | DeploymentAccess) & { readonly existing: boolean };

/** One sentence, through to what runs: understand, plan, show, confirm, propose, sign, wait. */
export async function ask(options: AskOptions): Promise<Asked> {
  const { context, text, progress } = options;
  const understood = accept(understandText(context, text));
  if (understood.missing.length > 0) throw new Refusal({ code: 'missing_parameter', message: `the ${understood.blueprint} blueprint also needs: ${understood.missing.join(', ')}`, hint: 'say it in the sentence, for example "give me an archive of 1 PB in CH"' });
  const request = { blueprint: understood.blueprint, parameters: understood.parameters };
  const same = options.fresh ? undefined : await findSame(context, request);
  if (same?.active) {
    progress.note(`you have this already: deployment ${same.plan.header.deployment} (a second one: --new)`);
    return { ...(await waitUntilRunning(options, same.plan.header.deployment)), existing: true };
  }
  const plan = same?.plan ?? accept(planRequest(context, request));
  showPlan(options, plan, understood);
  if (same) progress.note('this is proposed already; going on with its signatures');
  if (options.yes) progress.note('--yes: confirming, and signing as each demonstration stakeholder');
  else if (!(await confirm(options.terminal, same ? 'Go on with it?' : 'Propose this contract?'))) throw new Refusal({ code: 'not_confirmed', message: same ? 'the proposal stays as it was' : 'nothing was proposed' });
  if (!same) {
    progress.update('registering the contract on the ledger');
    accept(await proposeContract(context, plan));
    progress.done(`proposed ${plan.contract}`);
  }
  await collectSignatures(options, plan);
  return { ...(await waitUntilRunning(options, plan.header.deployment)), existing: false };
}

function showPlan({ context, progress, text }: AskOptions, plan: Plan, { parameters, defaults, spans }: Understanding): void {
  progress.note(renderPlan({ plan, state: context.follower.state(), understood: { text, parameters, defaults, spans } }));
}

/** What signing here and waiting take. */
export type Watching = Omit<AskOptions, 'text' | 'fresh'> & {
  /** A no by a stakeholder leaves the proposal open, instead of taking it back. */
  readonly leaveOpen?: boolean;
};

/** Signs as each demonstration stakeholder; a no by any of them takes the proposal back. */
export async function collectSignatures({ context, stakeholders, yes, terminal, progress, leaveOpen = false }: Watching, plan: Omit<Plan, 'ok'>): Promise<void> {
  const review = accept(await reviewPlan(context, plan));
  progress.note(renderExplanation(review.explanation, context.follower.state()));
  for (const { role, principal } of votersOf(policiesOf(context.follower.state(), plan.header))) {
    const open = context.follower.state().contracts[plan.contract];
    if (open?.status !== 'proposed') break;
    if (open.votes.some((vote) => vote.principal === principal)) continue;
    const signer = await stakeholders.signing(role).catch(() => undefined);
    if (!signer || principalOf(context, signer) !== principal) {
      progress.note(`waiting for ${role}: their key is not on this machine`);
      continue;
    }
    if (!yes && !(await confirm(terminal, `Sign as the demonstration ${role}?`))) {
      if (leaveOpen) throw new Refusal({ code: 'not_signed', message: `${role} did not sign; the proposal stays open until ${plan.header.validity.signBefore}` });
      accept(await withdrawContract(context, plan.contract));
      throw new Refusal({ code: 'not_signed', message: `${role} did not sign; the proposal is withdrawn and its reservation given back` });
    }
    const approved = accept(await approveContract(context, { contract: plan.contract, role, as: { id: principal, signer }, explanation: review.digest, statement: `reviewed by the demonstration ${role}: ${plan.header.title}` }));
    progress.done(`signed by ${role}${approved.met ? ', the quorum is met' : paint('dim', `, waiting for ${approved.waitingFor.join(', ')}`)}`);
  }
  const record = context.follower.state().contracts[plan.contract];
  if (record?.status !== 'active') throw new Refusal({ code: 'quorum_missing', message: `the contract is ${record?.status ?? 'unknown'}: not everybody who must sign has signed`, hint: `they sign with \`3bot contract approve ${plan.contract.slice(7, 19)} --role ROLE\` before ${plan.header.validity.signBefore}` });
}

export async function waitUntilRunning({ context, ca, progress, signal }: Watching, deployment: DeploymentId): Promise<ArchiveAccess | DeploymentAccess> {
  const show = (): void => {
    const status = deploymentStatus(context.follower.state(), deployment);
    const running = status.filter((w) => w.phase === 'running').length;
    const waiting = status.find((w) => w.phase !== 'running');
    progress.update(`${running} of ${counted(status.length, 'workload runs', 'workloads run')}${waiting ? ` · ${waiting.workload} on ${waiting.label}: ${waiting.phase}, ${waiting.reason}` : ''}`);
  };
  show();
  const stopShowing = context.follower.onChange(show);
  try {
    await context.follower.waitFor((state) => (isRunning(deploymentStatus(state, deployment)) ? true : undefined), { timeoutMs: RUNNING_TIMEOUT_MS, signal });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'timeout')) throw error;
    const late = deploymentStatus(context.follower.state(), deployment).filter((w) => w.phase !== 'running').map((w) => `${w.workload} on ${w.label}: ${w.phase}, ${w.reason}`);
    throw new Refusal({ code: 'not_running_in_time', message: `after ${RUNNING_TIMEOUT_MS / 1000} s not everything runs:\n${late.join('\n')}`, hint: `the contract stands; \`3bot contract show ${deployment.slice(7, 19)}\` tells how it goes on` });
  } finally {
    stopShowing();
  }
  const runs = counted(deploymentStatus(context.follower.state(), deployment).length, 'workload runs', 'workloads run');
  const archive = await archiveAccess(context, deployment);
  if (!archive.ok && archive.code === 'not_an_archive') {
    progress.done(runs);
    return accept(await deploymentAccess(context, deployment));
  }
  const access = accept(archive);
  await answers(access.endpoint, await readFile(ca, 'utf8'), signal);
  progress.done(`${runs}, and ${access.endpoint} answers`);
  return access;
}

/** Resolves when the endpoint answers as S3 does to a stranger: 403. */
async function answers(endpoint: string, ca: string, signal?: AbortSignal): Promise<void> {
  const deadline = performance.now() + RUNNING_TIMEOUT_MS;
  while (performance.now() < deadline) {
    signal?.throwIfAborted();
    const status = await new Promise<number | undefined>((resolve) => {
      const probe = request(endpoint, { ca, method: 'GET', timeout: PROBE_TIMEOUT_MS }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      probe.on('error', () => { resolve(undefined); });
      probe.on('timeout', () => probe.destroy());
      probe.end();
    });
    if (status === 403) return;
    await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS));
  }
  throw new Refusal({ code: 'not_answering', message: `${endpoint} does not answer`, hint: 'see `3bot doctor`' });
}

/** Turns an expected no into the command's end. */
export function accept<R extends { readonly ok: true } | ToolRefusal>(result: R): Extract<R, { readonly ok: true }> {
  if (!result.ok) throw new Refusal(result);
  return result as Extract<R, { readonly ok: true }>;
}
