import type { ContractId } from '../../../contract/contract.ts';
import { formatMoney } from '../../../contract/units.ts';
import { waitingFor } from '../../../ledger/state/views.ts';
import { deploymentStatus } from '../../tools/deployments.ts';
import type { ToolContext } from '../../tools/tool.ts';
import { plannedIn } from '../conversation.ts';
import type { Language } from '../dialogue/language.ts';
import { printable } from '../printable.ts';
import type { TurnRecord } from './record.ts';
import { WORDING } from './wording.ts';

/** Longest title that is repeated here; its author may have made it long. */
const MAX_TITLE = 120;

/**
 * What the ledger says about this conversation, in one line under every answer of a model: whatever the model claims to have
 * done stands beside what is so.
 */
export function statusLine(context: ToolContext, record: Pick<TurnRecord, 'contract' | 'draft' | 'shown'>, language: Language): string {
  const say = WORDING[language];
  const about = record.contract === undefined ? undefined : contractLine(context, record.contract, language);
  if (record.shown) return about === undefined ? say.unconfirmed : `${about}\n${say.unconfirmed}`;
  const plan = record.draft && plannedIn(record.draft);
  const open = plan === undefined ? undefined : context.plans.get(plan);
  if (!open) return about ?? say.nothing;
  const { title, price } = open.header;
  return say.stillOpen(`${printable(title.slice(0, MAX_TITLE))}, ${formatMoney(BigInt(price.month), price.currency)}`) + (about === undefined ? '' : `\n${about}`);
}

function contractLine(context: ToolContext, id: string, language: Language): string | undefined {
  const say = WORDING[language];
  const state = context.follower.state();
  const contract = id as ContractId;
  const record = state.contracts[contract];
  if (!record) return undefined;
  const title = `${printable(record.header.title.slice(0, MAX_TITLE))} (${contract.slice(7, 19)})`;
  if (record.status === 'proposed') return say.proposed(title, waitingFor(state, contract).join(', '));
  if (record.status !== 'active') return say.other(title, record.status);
  const workloads = state.deployments[record.header.deployment]?.contract === contract ? deploymentStatus(state, record.header.deployment) : [];
  return say.running(title, workloads.filter((w) => w.phase === 'running').length, workloads.length);
}
