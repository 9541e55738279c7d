import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { digestOf, type Digest } from '../../contract/digest.ts';
import type { Payload } from '../../contract/entry.ts';
import { type Envelope, type EntrySigner, sealEnvelope } from '../../contract/envelope.ts';
import type { PrincipalId } from '../../contract/principal.ts';
import type { LibraryEntry } from '../../knowledge/library.ts';
import { writeAtomic } from '../write-atomic.ts';
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
 * shipped blueprints, the credit. Nonces are kept in `file` before anything is submitted, so that a start that was cut
 * off continues with the same grid.
 */
export async function genesisOf(options: { file: string; spec: GridFile; keys: GridKeys; library: readonly LibraryEntry[] }): Promise<Genesis> {
  const { spec, keys } = options;
  const nonce = await keptNonces(options.file);
  const gridPayload: Payload<'grid.created'> = {
    name: spec.grid,
    nonce: nonce('grid'),
    ledger: keys.ledger.key,
    authors: [keys.author.key],
    attestors: [keys.operator.key],
    issuers: [keys.operator.key],
    organisations: [keys.organisation.key],
    currency: spec.currency,
    leaseSeconds: spec.lease_seconds,
    proposalSeconds: spec.proposal_seconds,
  };
  const grid = digestOf(gridPayload);
  const envelopes: Envelope[] = [sealEnvelope('grid.created', gridPayload, keys.ledger)];
  const create = (signer: EntrySigner, kind: Payload<'principal.created'>['kind'], name: string): PrincipalId => {
    const payload: Payload<'principal.created'> = { grid, kind, name, keys: [signer.key], nonce: nonce(name) };
    envelopes.push(sealEnvelope('principal.created', payload, signer));
    return digestOf(payload);
  };
  const operator = create(keys.operator, 'organisation', 'local operator');
  const author = create(keys.author, 'author', 'local author');
  const organisation = create(keys.organisation, 'organisation', 'demonstration');
  const requester = create(keys.requester, 'person', 'you');
  const stakeholders = Object.fromEntries(STAKEHOLDERS.map((role) => [role, create(keys.stakeholders[role], 'person', `demonstration ${role}`)]));
  const say = <T extends object>(kind: string, signer: EntrySigner, by: PrincipalId, payload: T): void => {
    envelopes.push(sealEnvelope(kind, { grid, by, ...payload }, signer));
  };
  const roles = { requester: [requester], ...Object.fromEntries(Object.entries(stakeholders).map(([role, id]) => [role, [id]])) };
  say('organisation.changed', keys.organisation, organisation, { revision: 1, roles });
  for (const { blueprint, digest } of options.library) {
    say('blueprint.published', keys.author, author, { name: blueprint.blueprint, version: blueprint.version, digest, policy: blueprint.policy });
  }
  say('credit.transferred', keys.operator, operator, { to: requester, amount: spec.credit, nonce: nonce('credit') });
  return { grid, operator, requester, stakeholders, envelopes };
}

async function keptNonces(file: string): Promise<(name: string) => string> {
  let seed: string;
  try {
    seed = (JSON.parse(await readFile(file, 'utf8')) as { seed: string }).seed;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    seed = randomBytes(32).toString('hex');
    await writeAtomic(file, JSON.stringify({ seed }));
  }
  return (name) => digestOf([seed, name]).slice('sha256:'.length, 'sha256:'.length + 32);
}
