import { type Body, checkBody, type ContractId, type Header } from '../../contract/contract.ts';
import { parseBlueprint } from '../../knowledge/blueprint.ts';
import { ALREADY_VERIFIED, leafBytes, openEntry } from '../../ledger/leaf.ts';
import { Frontier, leafHash } from '../../ledger/merkle.ts';
import { applyEntry, emptyState } from '../../ledger/state/machine.ts';
import { waitingFor } from '../../ledger/state/views.ts';
import { recompile } from '../planner/verify.ts';
import type { BotContext, ToolRefusal } from '../context.ts';

type Reader = Pick<BotContext, 'follower'>;

const DISTRUST = 'do not sign it, and do not trust what runs under it';

export interface ContractSummary {
  readonly contract: ContractId;
  readonly deployment: string;
  readonly version: number;
  readonly title: string;
  readonly status: string;
  readonly requester: string;
  readonly waitingFor: readonly string[];
  readonly price: Header['price'];
  readonly signBefore: string;
  readonly notAfter: string;
}

export function listContracts({ follower }: Reader): ContractSummary[] {
  const state = follower.state();
  return Object.entries(state.contracts).map(([id, { header, status }]) => ({
    contract: id as ContractId,
    deployment: header.deployment,
    version: header.version,
    title: header.title,
    status,
    requester: header.requester,
    waitingFor: status === 'proposed' ? waitingFor(state, id as ContractId) : [],
    price: header.price,
    signBefore: header.validity.signBefore,
    notAfter: header.validity.notAfter,
  }));
}

/** An id is given by its beginning: so many hex digits at least, since something is signed or ended by it. */
const ID = /^(?:sha256:)?([0-9a-f]{6,64})$/;

/** The contract whose id begins so, or the version in force of the deployment whose id does; refused when none or several are. */
export function findContract({ follower }: Reader, text: string): { ok: true; contract: ContractId } | ToolRefusal {
  const digits = ID.exec(text)?.[1];
  if (digits === undefined) return { ok: false, code: 'id_invalid', message: `${JSON.stringify(text.slice(0, 80))} is not the beginning of an id`, hint: 'give at least 6 hex digits, as `3bot contract list` shows them' };
  const { contracts, deployments, firstOf } = follower.state();
  const prefix = `sha256:${digits}`;
  const byId = (Object.keys(contracts) as ContractId[]).filter((id) => id.startsWith(prefix));
  const byDeployment = (Object.keys(firstOf) as (keyof typeof firstOf)[]).filter((id) => id.startsWith(prefix)).flatMap((id) => deployments[id]?.contract ?? firstOf[id] ?? []);
  const found = [...new Set([...byId, ...byDeployment])];
  const [contract] = found;
  if (contract && found.length === 1) return { ok: true, contract };
  if (found.length === 0) return { ok: false, code: 'contract_unknown', message: `no contract or deployment on this grid begins with ${text}`, hint: 'see `3bot contract list`' };
  return { ok: false, code: 'contract_ambiguous', message: `${found.length} contracts begin with ${text}: ${found.slice(0, 8).map((id) => id.slice(7, 19)).join(', ')}`, hint: 'give more digits' };
}

/** Header and body, the body held against its digest. */
export async function readContract({ follower }: Reader, contract: ContractId): Promise<{ ok: true; header: Header; body: Body } | ToolRefusal> {
  const record = follower.state().contracts[contract];
  if (!record) return { ok: false, code: 'contract_unknown', message: `no contract ${contract} on this grid`, hint: 'see `3bot contract list`' };
  const checked = checkBody(record.header, await follower.getBlob(record.header.bodyDigest));
  return checked.ok ? { ok: true, header: record.header, body: checked.body } : { ...checked, hint: DISTRUST };
}

export interface Verified { readonly ok: true; readonly contract: ContractId; readonly recompiled: true; readonly moves: number }

/** Recompiles a contract to its id from its own derivation, then checks every later move against the rule. */
export async function verifyContract(context: Reader, contract: ContractId): Promise<Verified | ToolRefusal> {
  const read = await readContract(context, contract);
  if (!read.ok) return read;
  const { follower } = context;
  const { header, body } = read;
  const { size } = header.derivation.ledger;
  const source = await follower.getBlob(header.blueprint.digest);
  const parsed = parseBlueprint(source);
  if (!parsed.ok) return { ok: false, code: 'digest_mismatch', message: 'the blueprint it names cannot be parsed', hint: DISTRUST };
  const verdict = recompile({ header, body }, { state: follower.stateAt(size), ledger: { size, root: rootAt(context, size) }, blueprint: { parsed: parsed.blueprint, digest: header.blueprint.digest } });
  if (!verdict.ok) return { ...verdict, hint: DISTRUST };
  const moves = checkMoves(context, header);
  return moves.ok ? { ok: true, contract, recompiled: true, moves: moves.count } : moves;
}

/** Replays the log: the state machine computes each move anew, at the log's own time, and refuses any other answer. */
function checkMoves({ follower }: Reader, header: Header): { ok: true; count: number } | ToolRefusal {
  const state = emptyState();
  let count = 0;
  for (const leaf of follower.entries(0, follower.size())) {
    const opened = openEntry(leaf.envelope, ALREADY_VERIFIED);
    if (!opened.ok) return { ok: false, code: 'ledger_invalid', message: `entry ${leaf.seq} cannot be read: ${opened.message}`, hint: DISTRUST };
    const { entry } = opened.opened;
    const moves = entry.kind === 'assignment.moved' && entry.payload.deployment === header.deployment;
    const applied = applyEntry(state, opened.opened, leaf.time);
    if (!applied.ok) return { ok: false, code: moves ? 'move_mismatch' : 'ledger_invalid', message: `entry ${leaf.seq} is not acceptable: ${applied.message}`, hint: DISTRUST };
    if (moves) count += 1;
  }
  return { ok: true, count };
}

/** Root over the first `size` entries of the verified copy. */
function rootAt({ follower }: Reader, size: number): string {
  const frontier = new Frontier();
  for (const leaf of follower.entries(0, size)) frontier.append(leafHash(leafBytes(leaf)));
  return Buffer.from(frontier.root()).toString('hex');
}
