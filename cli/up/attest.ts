import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { Digest } from '../../contract/digest.ts';
import type { Location } from '../../contract/entry.ts';
import { type EntrySigner, sealEnvelope } from '../../contract/envelope.ts';
import type { PrincipalId } from '../../contract/principal.ts';
import type { Follower } from '../../ledger/follower.ts';

const Identity = z.object({ id: Digest });

export interface AttestOptions {
  readonly follower: Follower;
  readonly grid: Digest;
  readonly operator: { readonly id: PrincipalId; readonly signer: EntrySigner };
  /** Where each process that we started writes who it is, and where the grid file says it stands. */
  readonly processes: readonly { readonly identityFile: string; readonly location: Location }[];
}

/** As the operator of a local grid, says of each process started here where it is; returns how many have it. */
export async function attestLocations({ follower, grid, operator, processes }: AttestOptions): Promise<number> {
  const state = follower.state();
  const envelopes = [];
  let attested = 0;
  for (const { identityFile, location } of processes) {
    const id = await readIdentity(identityFile);
    const node = id && state.nodes[id];
    if (!node) continue;
    if (node.attested?.country === location.country && node.attested.city === location.city) attested += 1;
    else envelopes.push(sealEnvelope('location.attested', { grid, by: operator.id, node: id, location }, operator.signer));
  }
  if (envelopes.length > 0) await follower.submit(envelopes);
  return attested;
}

export async function readIdentity(file: string): Promise<Digest | undefined> {
  try {
    return Identity.parse(JSON.parse(await readFile(file, 'utf8'))).id;
  } catch {
    return undefined;
  }
}
