import { z } from 'zod';
import type { Payload } from '../../contract/entry.ts';
import { contractId } from '../../contract/contract.ts';
import type { PrincipalId } from '../../contract/principal.ts';
import { failureOf } from '../ledger/http-source.ts';
import type { Reviewed } from '../ledger/review.ts';
import type { Session } from '../keys/session.ts';
import type { SealedKey } from '../keys/vault.ts';
import { Refused } from '../refusal.ts';
import type { Choice } from '../view/decision.ts';

const TIMEOUT_MS = 30_000;
const Accepted = z.object({ ok: z.literal(true), seq: z.int().min(0), time: z.string().max(40) });

/** Signs a decision with the unlocked key and hands it to the ledger, unless `requireStill` throws by then; returns its place there. @throws Refused. */
export async function vote(of: { readonly session: Session; readonly key: SealedKey; readonly by: PrincipalId; readonly reviewed: Reviewed; readonly choice: Choice; readonly requireStill: () => void }): Promise<number> {
  const { session, key, by, reviewed: { header, digest }, choice: { decision, role, words }, requireStill } = of;
  const contract = contractId(header);
  const said = { grid: header.grid, by, contract, role };
  const approval: Payload<'contract.approved'> = { ...said, explanation: digest, statement: words, signBefore: header.validity.signBefore };
  const rejection: Payload<'contract.rejected'> = { ...said, reason: words };
  const envelope = decision === 'approve' ? await session.sign(key.key, 'contract.approved', approval) : await session.sign(key.key, 'contract.rejected', rejection);
  requireStill();
  let response: Response;
  try {
    response = await fetch('/sign/vote', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(envelope), credentials: 'omit', redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch {
    throw new Refused('unreachable', 'the bot does not answer: your signature may or may not have reached the ledger', 'load the page again and look who has signed; signing once more does no harm');
  }
  if (!response.ok) throw await failureOf(response);
  return Accepted.parse(await response.json()).seq;
}
