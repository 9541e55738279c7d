import path from 'node:path';
import type { BotContext, Identity } from '../../bot/context.ts';
import { openBot } from '../../bot/open.ts';
import { approveContract, cancelContract, proposeContract } from '../../bot/tools/propose.ts';
import { planRequest } from '../../bot/tools/request.ts';
import { stateDir } from '../../cli/state-dir.ts';
import { type GridKeys, keystorePaths, openGridKeys } from '../../cli/up/grid-keys.ts';
import { type ContractId, contractId, type Header } from '../../contract/contract.ts';
import { Digest, digestOf } from '../../contract/digest.ts';
import type { Kind } from '../../contract/entry.ts';
import { type Envelope, sealEnvelope } from '../../contract/envelope.ts';
import { addResources, NO_RESOURCES } from '../../contract/units.ts';
import type { Plan } from '../../bot/planner/plan.ts';
import type { SubmitResult } from '../../ledger/ports.ts';
import { currentAssignments } from '../../ledger/state/views.ts';
import type { LedgerState } from '../../ledger/state/state.ts';
import type { Grid } from './grid.fixture.ts';
import { commandOf, treeOf } from './processes.ts';

/** The entry-th answer of the ledger, or the error of a whole request. */
export type Answer = SubmitResult;

/** Everybody who speaks on a demonstration grid, with their real keys, and the ledger's own HTTP API. */
export interface Parties {
  readonly grid: Digest;
  /** File of the gateway's CA. */
  readonly ca: string;
  readonly bot: BotContext;
  readonly keys: GridKeys;
  readonly stakeholders: Readonly<Record<'it-expert' | 'legal' | 'budget', Identity>>;
  /** POSTs envelopes to the ledger as they are. */
  post(...envelopes: Envelope[]): Promise<Answer[]>;
  /** Signs an entry in somebody's name and POSTs it. */
  say(kind: Kind, as: Identity, payload: object): Promise<Answer>;
  plan(parameters: Record<string, string | number | readonly string[]>): Plan;
  propose(plan: { header: Header; body: Plan['body'] }): Promise<ContractId>;
  approve(contract: ContractId, ...roles: ('it-expert' | 'legal' | 'budget')[]): Promise<void>;
  cancel(contract: ContractId): Promise<void>;
  close(): Promise<void>;
}

export const ROLES = ['it-expert', 'legal', 'budget'] as const;

/** Opens the keystores of a grid's state folder and follows its ledger with an own, verified copy in memory. */
export async function openParties(grid: Grid): Promise<Parties> {
  const state = stateDir(grid.state);
  const url = grid.ready.ledger;
  const id = Digest.parse(((await (await fetch(`${url}/v1/grid`)).json()) as { grid: string }).grid);
  const bot = await openBot({ ledger: url, grid: id, keystore: keystorePaths(state, 'bot'), signal: AbortSignal.timeout(3_600_000) });
  const keys = await openGridKeys(state);
  const stakeholders = Object.fromEntries(await Promise.all(ROLES.map(async (role) => {
    const signer = keys.stakeholders[role];
    const principal = await bot.follower.waitFor((s) => s.keyOwners[signer.key]);
    return [role, { id: Digest.parse(principal), signer }];
  }))) as Parties['stakeholders'];
  const post = async (...envelopes: Envelope[]): Promise<Answer[]> => {
    const response = await fetch(`${url}/v1/entries`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ envelopes }) });
    return ((await response.json()) as { results: Answer[] }).results;
  };
  const accepted = <T extends { readonly ok: boolean }>(result: T): T => {
    if (!result.ok) throw new Error(`refused: ${JSON.stringify(result)}`);
    return result;
  };
  return {
    grid: id, ca: grid.ready.ca, bot, keys, stakeholders, post,
    say: async (kind, as, payload) => {
      const [answer] = await post(sealEnvelope(kind, { grid: id, by: as.id, ...payload }, as.signer));
      if (!answer) throw new Error('the ledger gave no answer');
      return answer;
    },
    plan: (parameters) => {
      const plan = planRequest(bot, { blueprint: 'archive', parameters: parameters as Parameters<typeof planRequest>[1]['parameters'] });
      if (!plan.ok) throw new Error(`the plan was refused: ${JSON.stringify(plan)}`);
      return plan;
    },
    propose: async ({ header, body }) => {
      const contract = contractId(header);
      accepted(await proposeContract(bot, { contract, header, body }));
      return contract;
    },
    approve: async (contract, ...roles) => {
      for (const role of roles) accepted(await approveContract(bot, { contract, role, as: stakeholders[role], explanation: contract, statement: 'reviewed' }));
    },
    cancel: async (contract) => {
      for (const role of ROLES) accepted(await cancelContract(bot, { contract, role, as: stakeholders[role] }));
      await bot.follower.waitFor((s) => (s.contracts[contract]?.status === 'cancelled' ? true : undefined), { timeoutMs: 30_000 });
    },
    close: () => bot.follower.close(),
  };
}

/** All that a contract takes hold of: equal digests, nothing was started or reserved in between. */
export function meansDigest(state: LedgerState): Digest {
  const reserved = Object.fromEntries(Object.entries(state.nodes).map(([id, { reserved: r }]) => [id, r]));
  return digestOf({ reserved, live: state.live, deployments: Object.keys(state.deployments), names: state.names, balances: state.balances });
}

/** For every node, what the ledger reserves there against the sum over what lies there; empty when all add up. */
export function reservationMistakes(state: LedgerState): string[] {
  const sums = new Map(Object.keys(state.nodes).map((id) => [id, NO_RESOURCES]));
  for (const { header, status } of Object.values(state.contracts)) {
    if (status !== 'proposed' && status !== 'active') continue;
    const deployment = state.deployments[header.deployment];
    const assignments = status === 'active' && deployment ? currentAssignments(state, deployment) : header.assignments;
    for (const { node, resources } of assignments) sums.set(node, addResources(sums.get(node) ?? NO_RESOURCES, resources));
  }
  return [...sums].flatMap(([id, sum]) => {
    const node = state.nodes[id as keyof typeof state.nodes];
    return node && digestOf(node.reserved) === digestOf(sum) ? [] : [`${node?.offer?.label ?? id} reserves ${JSON.stringify(node?.reserved)}, its workloads need ${JSON.stringify(sum)}`];
  });
}

/** Processes of storage engines that run on a grid, whichever node started them. */
export function engineProcesses(grid: Grid): number[] {
  return treeOf(grid.pid).flatMap(({ pid }) => (commandOf(pid).includes(`${path.sep}engines${path.sep}`) ? [pid] : [])).sort((a, b) => a - b);
}

/** Resolves when every node that holds its lease has seen all entries up to now, and looked at them. */
export async function everybodyLooked({ bot: { follower } }: Parties): Promise<void> {
  const { nodes, time } = follower.state();
  const beats = Object.entries(nodes).filter(([, n]) => n.leaseUntil !== null && n.leaseUntil > time).map(([id, n]) => [id, n.beat] as const);
  // A node renews with a copy of the log that it has verified up to its previous renewal.
  for (let round = 0; round < 2; round++) {
    const seen = new Map(round === 0 ? beats : beats.map(([id]) => [id, follower.state().nodes[id as Digest]?.beat ?? 0]));
    await follower.waitFor((s) => ([...seen].every(([id, beat]) => (s.nodes[id as Digest]?.beat ?? 0) > beat) ? true : undefined), { timeoutMs: 60_000 });
  }
}
