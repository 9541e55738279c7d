import type { ToolRefusal } from '../../context.ts';
import { printable } from '../printable.ts';
import type { Here } from './here.ts';
import type { MessageName } from './words/messages.ts';

/** Codes of planner, tools and ledger, and how each begins in the person's language. */
const LEADS: Readonly<Record<string, MessageName>> = {
  unsafe_request: 'refused_unsafe_request', not_understood: 'refused_not_understood', unknown_place: 'refused_unknown_place', invalid_value: 'refused_invalid_value', ambiguous: 'refused_ambiguous',
  over_budget: 'refused_over_budget', no_capacity: 'refused_no_capacity', no_nodes_in_place: 'refused_no_nodes_in_place', no_engine: 'refused_not_offered', not_offered: 'refused_not_offered',
  check_failed: 'refused_check_failed', unknown_parameter: 'refused_invalid_value', input_invalid: 'refused_invalid_value', name_taken: 'refused_name_taken', no_credit: 'refused_no_credit', not_permitted: 'refused_not_permitted',
  place_fixed: 'refused_fixed', layout_fixed: 'refused_fixed', nothing_changes: 'refused_nothing_changes', ledger_unavailable: 'refused_ledger', ledger_unreachable: 'refused_ledger', ledger_forked: 'refused_ledger', ledger_withholding: 'refused_ledger',
};

/** What cannot be done, why (in the words of whoever refused), and what to do. */
export function refusalLines({ say }: Here, { code, message, hint }: ToolRefusal): string[] {
  return [say(LEADS[code] ?? 'refused_other'), `  ${printable(message)} (${printable(code)})`, ...(hint === undefined || hint === '' ? [] : [`  ${printable(hint)}`])];
}
