import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { digestOf, type Digest } from '../../contract/digest.ts';
import type { Payload } from '../../contract/entry.ts';
import { type Envelope, type EntrySigner, sealEnvelope } from '../../contract/envelope.ts';
import { DidKey, type PrincipalId } from '../../contract/principal.ts';
import type { LibraryEntry } from '../../knowledge/library.ts';
import { replaceFile } from '../../signer/durable.ts';
import type { GridFile } from './grid-file.ts';
import { type GridKeys, STAKEHOLDERS } from './grid-keys.ts';

export interface Genesis {
  readonly grid: Digest;
  readonly operator: PrincipalId;
  readonly requester: PrincipalId;
  readonly stakeholders: Readonly<Record<string, PrincipalId>>;
  /** The first entries of the log, in order. Submitting them again changes nothing. */
  readonly envelopes: readonly Envelope[];
}

/**
 * The first entries of a grid: its constitution, the local author, the demonstration people and organisation, the
 * shipped blueprints, the credit. Nonces and the keys that everybody begins with are kept in `file` before anything is
 * submitted: a start that was cut off continues with the same grid, and so does one after somebody changed their key.
 */
export async function genesisOf(options: { file: string; spec: GridFile; keys: GridKeys; library: readonly LibraryEntry[] }): Promise<Genesis> {
  const { spec, keys } = options;
  const { nonce, first } = await keptBeginning(options.file, { author: keys.author, operator: keys.operator, organisation: keys.organisation, requester: keys.requester, ...keys.stakeholders });
  const gridPayload: Payload<'grid.created'> = {
    name: spec.grid,
    nonce: nonce('grid'),
    ledger: keys.ledger.key,
    authors: [first('author')],
    attestors: [first('operator')],
    issuers: [first('operator')],
    organisations: [first('organisation')],
    currency: spec.currency,
    leaseSeconds: spec.lease_seconds,
    proposalSeconds: spec.proposal_seconds,
  };
  const grid = digestOf(gridPayload);
  const envelopes: Envelope[] = [sealEnvelope('grid.created', gridPayload, keys.ledger)];
  const create = (party: string, signer: EntrySigner, kind: Payload<'principal.created'>['kind'], name: string): PrincipalId => {
    const payload: Payload<'principal.created'> = { grid, kind, name, keys: [first(party)], nonce: nonce(name) };
    // Who has another key by now is on the ledger already.
    if (signer.key === first(party)) envelopes.push(sealEnvelope('principal.created', payload, signer));
    return digestOf(payload);
  };
  const operator = create('operator', keys.operator, 'organisation', 'local operator');
  const author = create('author', keys.author, 'author', 'local author');
  const organisation = create('organisation', keys.organisation, 'organisation', 'demonstration');
  const requester = create('requester', keys.requester, 'person', 'you');
  const stakeholders = Object.fromEntries(STAKEHOLDERS.map((role) => [role, create(role, keys.stakeholders[role], 'person', `demonstration ${role}`)]));
  const say = <T extends object>(kind: string, signer: EntrySigner, by: PrincipalId, payload: T): void => {
    envelopes.push(sealEnvelope(kind, { grid, by, ...payload }, signer));
  };
  const roles = { requester: [requester], ...Object.fromEntries(Object.entries(stakeholders).map(([role, id]) => [role, [id]])) };
  say('organisation.changed', keys.organisation, organisation, { revision: 1, roles });
  for (const { blueprint, digest } of options.library) {
    say('blueprint.published', keys.author, author, { name: blueprint.blueprint, version: blueprint.version, digest, policy: blueprint.policy, ...(blueprint.acceptance && { acceptance: blueprint.acceptance }) });
  }
  say('credit.transferred', keys.operator, operator, { to: requester, amount: spec.credit, nonce: nonce('credit') });
  return { grid, operator, requester, stakeholders, envelopes };
}

const Kept = z.strictObject({ seed: z.string().regex(/^[0-9a-f]{64}$/), first: z.record(z.string(), DidKey).exactOptional() });

/** What the first start chose: the nonces, and the key of every party. */
async function keptBeginning(file: string, parties: Readonly<Record<string, EntrySigner>>): Promise<{ nonce: (name: string) => string; first: (party: string) => DidKey }> {
  let kept: z.infer<typeof Kept> | undefined;
  try {
    kept = Kept.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  const seed = kept?.seed ?? randomBytes(32).toString('hex');
  const keys = kept?.first ?? Object.fromEntries(Object.entries(parties).map(([party, { key }]) => [party, key]));
  if (!kept?.first) await replaceFile(file, JSON.stringify({ seed, first: keys }));
  return {
    nonce: (name) => digestOf([seed, name]).slice('sha256:'.length, 'sha256:'.length + 32),
    first: (party) => {
      const key = keys[party];
      if (key === undefined) throw new Error(`${file} does not name the first key of ${party}`);
      return key;
    },
  };
}
