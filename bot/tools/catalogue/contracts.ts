import { z } from 'zod';
import { Digest } from '../../../contract/digest.ts';
import { counted, formatMoney } from '../../../contract/units.ts';
import { quorumOf, waitingFor } from '../../../ledger/state/views.ts';
import { findContract, listContracts, verifyContract } from '../contracts.ts';
import { deploymentStatus, isRunning } from '../deployments.ts';
import { page, paged, pageOf } from '../paging.ts';
import { reviewContract } from '../review.ts';
import { defineTool, type ToolContext } from '../tool.ts';
import { ContractRef, ExplanationShape, mutable } from './requests.ts';

const Status = z.enum(['proposed', 'active', 'rejected', 'withdrawn', 'lapsed', 'overtaken', 'cancelled', 'expired', 'superseded']);
const Row = z.object({ contract: Digest, deployment: Digest, version: z.int(), title: z.string(), status: z.string(), mine: z.boolean(), waitingFor: z.array(z.string()), price: z.string(), signBefore: z.string(), ends: z.string() });

export const listContractsTool = defineTool({
  name: 'list_contracts',
  title: 'List contracts',
  description: 'Contracts on this grid, newest first: title, status, who has not signed yet, price, end. `mine` restricts it to those of this person.',
  input: z.strictObject({ mine: z.boolean().default(false), status: Status.optional(), ...page }),
  output: z.object({ contracts: z.array(Row), ...paged }),
  surfaces: ['model', 'mcp', 'http', 'chat', 'cli'],
  effect: 'reads',
  run: (context, { mine, status, limit, cursor }) => {
    const all = listContracts(context).reverse().filter((c) => (!mine || c.requester === context.requester.id) && (status === undefined || c.status === status));
    const { items, ...rest } = pageOf(all, { limit, cursor });
    return {
      ok: true,
      contracts: items.map((c) => ({ contract: c.contract, deployment: c.deployment as z.output<typeof Digest>, version: c.version, title: c.title, status: c.status, mine: c.requester === context.requester.id, waitingFor: [...c.waitingFor], price: `${formatMoney(BigInt(c.price.month), c.price.currency)} a month`, signBefore: c.signBefore, ends: c.notAfter })),
      ...rest,
    };
  },
});

const Workload = z.object({ workload: z.string(), type: z.string(), node: z.string(), city: z.string(), country: z.string(), phase: z.string(), reason: z.string() });
const Standing = z.object({
  contract: Digest, deployment: Digest, version: z.int(), title: z.string(), status: z.string(), mine: z.boolean(),
  signed: z.array(z.object({ role: z.string(), name: z.string(), decision: z.string() })), waitingFor: z.array(z.string()),
  price: z.string(), signBefore: z.string(), ends: z.string(),
  running: z.boolean(), workloads: z.array(Workload).describe('Where each lies and what its node last said; empty before it is in force.'), endpoint: z.string().optional(), signUrl: z.string().optional(),
});

function standing(context: ToolContext, contract: z.output<typeof Digest>): z.output<typeof Standing> | undefined {
  const state = context.follower.state();
  const record = state.contracts[contract];
  if (!record) return undefined;
  const { header, status, votes } = record;
  const deployment = state.deployments[header.deployment];
  const current = deployment?.contract === contract;
  const workloads = current ? deploymentStatus(state, header.deployment) : [];
  const endpoint = current ? Object.values(deployment.reports).find((r) => r.endpoint !== undefined)?.endpoint : undefined;
  const signUrl = status === 'proposed' ? context.signUrl?.(contract) : undefined;
  return {
    contract, deployment: header.deployment, version: header.version, title: header.title, status, mine: header.requester === context.requester.id,
    signed: votes.map((vote) => ({ role: vote.role, name: state.principals[vote.principal]?.name ?? vote.principal, decision: vote.decision })),
    waitingFor: status === 'proposed' && quorumOf(state, contract) ? waitingFor(state, contract) : [],
    price: `${formatMoney(BigInt(header.price.month), header.price.currency)} a month`, signBefore: header.validity.signBefore, ends: header.validity.notAfter,
    running: isRunning(workloads),
    workloads: workloads.map((w) => ({ workload: w.workload, type: w.type, node: w.label, city: w.city, country: w.country, phase: w.phase, reason: w.reason })),
    ...(endpoint !== undefined && { endpoint }), ...(signUrl !== undefined && { signUrl }),
  };
}

export const showContractTool = defineTool({
  name: 'show_contract',
  title: 'Show a contract',
  description: 'One contract: status, who has signed and who has not, and, once it is in force, where every workload runs and what its node last said.',
  input: z.strictObject({ contract: ContractRef }),
  output: Standing,
  surfaces: ['model', 'mcp', 'http', 'chat', 'cli'],
  effect: 'reads',
  run: (context, { contract }) => {
    const found = findContract(context, contract);
    if (!found.ok) return found;
    const shown = standing(context, found.contract);
    return shown ? { ok: true, ...shown } : { ok: false, code: 'contract_unknown', message: `no contract ${found.contract} on this grid`, hint: 'see `list_contracts`' };
  },
});

const MAX_WAIT_SECONDS = 600;
export const followContractTool = defineTool({
  name: 'follow_contract',
  title: 'Follow a contract until it runs',
  description: 'Waits until a contract runs (or has ended, or the time is up) and says on the way what it is waiting for: signatures first, then nodes. Cancelling only ends the waiting.',
  input: z.strictObject({ contract: ContractRef, seconds: z.int().min(0).max(MAX_WAIT_SECONDS).default(60).describe('Longest wait.') }),
  output: Standing,
  surfaces: ['model', 'mcp', 'http', 'chat', 'cli'],
  effect: 'reads',
  waits: true,
  run: async (context, { contract, seconds }, { signal, progress }) => {
    const found = findContract(context, contract);
    if (!found.ok) return found;
    const { follower } = context;
    let told = '';
    const tell = (): void => {
      const now = standing(context, found.contract);
      if (!now) return;
      const runs = now.workloads.filter((w) => w.phase === 'running').length;
      const late = now.workloads.find((w) => w.phase !== 'running');
      const message = now.status === 'proposed' ? `waiting for the signature of ${now.waitingFor.join(', ')}` : now.status !== 'active' ? `the contract is ${now.status}` : `${runs} of ${counted(now.workloads.length, 'workload runs', 'workloads run')}${late ? `; ${late.workload} on ${late.node}: ${late.phase}, ${late.reason}` : ''}`;
      if (message === told) return;
      told = message;
      progress(message, now.status === 'active' ? runs : 0, now.status === 'active' ? now.workloads.length : undefined);
    };
    tell();
    const stop = follower.onChange(tell);
    try {
      if (seconds > 0) await follower.waitFor(() => { const now = standing(context, found.contract); return !now || now.running || (now.status !== 'proposed' && now.status !== 'active') ? true : undefined; }, { timeoutMs: seconds * 1000, signal });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'timeout')) throw error;
    } finally {
      stop();
    }
    const shown = standing(context, found.contract);
    return shown ? { ok: true, ...shown } : { ok: false, code: 'contract_unknown', message: `no contract ${found.contract} on this grid`, hint: 'see `list_contracts`' };
  },
});

export const explainContractTool = defineTool({
  name: 'explain_contract',
  title: 'Explain a contract',
  description: 'A contract on the ledger in people\'s words, after recompiling it to its id: what, where, cost, who, what may happen without asking, and what changes against the version before.',
  input: z.strictObject({ contract: ContractRef }),
  output: z.object({ explanation: ExplanationShape, digest: Digest.describe('What an approval names as seen.') }),
  surfaces: ['model', 'mcp', 'http', 'chat', 'cli'],
  effect: 'reads',
  run: async (context, { contract }) => {
    const found = findContract(context, contract);
    if (!found.ok) return found;
    const review = await reviewContract(context, found.contract);
    return review.ok ? { ok: true, explanation: mutable({ ...review.explanation }), digest: review.digest } : review;
  },
});

export const verifyContractTool = defineTool({
  name: 'verify_contract',
  title: 'Verify a contract',
  description: 'Recompiles a contract to the same bytes from blueprint, parameters and ledger state, and checks every later move of its workloads against what was signed.',
  input: z.strictObject({ contract: ContractRef }),
  output: z.object({ contract: Digest, recompiled: z.literal(true), moves: z.int() }),
  surfaces: ['model', 'mcp', 'http', 'chat', 'cli'],
  effect: 'reads',
  run: async (context, { contract }) => {
    const found = findContract(context, contract);
    return found.ok ? verifyContract(context, found.contract) : found;
  },
});

