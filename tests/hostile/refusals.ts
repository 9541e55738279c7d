import type { RefusalCode } from '../../ledger/state/refusal.ts';

/** What the parsers answer, and what the state machine answers to the inputs of these tests; anything else is news. */
const OF_THE_FORM = ['envelope_invalid', 'signature_invalid', 'entry_invalid', 'not_this_ledger', 'busy'] as const;
const OF_THE_STATE: readonly RefusalCode[] = [
  'grid_missing', 'grid_exists', 'grid_mismatch', 'principal_unknown', 'principal_exists', 'key_mismatch', 'key_ended', 'key_taken', 'key_unknown', 'key_in_use', 'not_permitted', 'stale_revision',
  'node_unknown', 'node_not_alive', 'node_fenced', 'location_not_allowed', 'blueprint_exists', 'blueprint_unknown', 'blueprint_untrusted', 'blueprint_taken', 'blueprint_version', 'blueprint_yanked', 'contract_exists', 'contract_unknown', 'contract_expired',
  'contract_not_open', 'contract_invalid', 'base_changed', 'policy_mismatch', 'price_mismatch', 'no_capacity', 'no_credit', 'name_taken', 'placement_invalid', 'already_voted', 'change_unknown',
  'not_running', 'execution_changed', 'lease_held', 'move_mismatch', 'move_not_allowed', 'epoch_mismatch', 'secret_exists', 'too_many', 'too_many_lost', 'transfer_repeated',
];
const KNOWN: ReadonlySet<string> = new Set([...OF_THE_FORM, ...OF_THE_STATE]);

/** Bounds of protocol.ts, which an honest client holds against every answer. */
const MAX_MESSAGE = 4096;
const MAX_HINT = 1024;

/** Why an answer is no clear refusal; undefined when it is one. */
export function unclear(answer: unknown): string | undefined {
  if (typeof answer !== 'object' || answer === null) return 'not an object';
  const { ok, code, message, hint } = answer as Record<string, unknown>;
  if (ok !== false) return 'not a refusal';
  if (typeof code !== 'string' || !KNOWN.has(code)) return `code ${String(code)} is not a known one`;
  if (typeof message !== 'string' || message === '') return `${code} without a message`;
  if (message.length > MAX_MESSAGE) return `${code} with a message of ${message.length} characters`;
  if (typeof hint !== 'string' || hint === '' || hint.length > MAX_HINT) return `${code} without a hint`;
  if (tellsInside(message) || tellsInside(hint)) return `${code} tells of the inside: ${message.slice(0, 300)}`;
  return undefined;
}

/** A stack, a path of this machine or of its modules. */
export function tellsInside(text: string): boolean {
  return /\n\s+at |node_modules|node:internal|file:\/\/|\.[cm]?[jt]s:\d+/.test(text);
}
