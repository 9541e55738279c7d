import { z } from 'zod';
import type { DeploymentId } from '../contract/contract.ts';
import { digestOf } from '../contract/digest.ts';
import type { PrincipalId } from '../contract/principal.ts';
import type { Workload } from '../contract/workload.ts';
import type { LedgerState } from '../ledger/state/machine.ts';
import type { SealingKey } from '../signer/keystore.ts';

/** The secrets that an archive front end opens. */
export const DATA_KEY = 'data-key';
export const S3_CREDENTIALS = 's3-credentials';

const DataKey = z.base64().refine((text) => Buffer.from(text, 'base64').length === 32, 'expected 32 bytes');
const Credentials = z.strictObject({ accessKeyId: z.string().min(1).max(128), secretAccessKey: z.string().min(1).max(128) });

export interface ArchiveSecrets {
  /** base64 of 32 bytes. */
  readonly dataKey: string;
  readonly credentials: z.infer<typeof Credentials>;
}

/** The first secret of a workload that is not sealed for this node yet. */
export function missingSecret(state: LedgerState, node: PrincipalId, deployment: DeploymentId, workload: Workload): string | undefined {
  return workload.secrets.find((secret) => state.deployments[deployment]?.secrets[secret]?.[node] === undefined);
}

/** Opens a secret that is sealed for this node. @throws when there is none or it does not open; the error quotes nothing of it. */
export async function openSecret(state: LedgerState, o: { node: PrincipalId; deployment: DeploymentId; secret: string; key: SealingKey }): Promise<Uint8Array> {
  const ciphertext = state.deployments[o.deployment]?.secrets[o.secret]?.[o.node];
  if (ciphertext === undefined) throw new Error(`secret ${o.secret} is not sealed for this node`);
  try {
    return await o.key.unseal(ciphertext);
  } catch {
    throw new Error(`secret ${o.secret} does not open with this node's key`);
  }
}

/** Opens and checks what an archive needs. */
export async function openArchiveSecrets(state: LedgerState, o: { node: PrincipalId; deployment: DeploymentId; key: SealingKey }): Promise<ArchiveSecrets> {
  const text = async (secret: string): Promise<string> => Buffer.from(await openSecret(state, { ...o, secret })).toString('utf8');
  const dataKey = DataKey.safeParse((await text(DATA_KEY)).trim());
  if (!dataKey.success) throw new Error(`secret ${DATA_KEY} is not base64 of 32 bytes`);
  const credentials = Credentials.safeParse(parseJson(await text(S3_CREDENTIALS)));
  if (!credentials.success) throw new Error(`secret ${S3_CREDENTIALS} is not a pair of accessKeyId and secretAccessKey`);
  return { dataKey: dataKey.data, credentials: credentials.data };
}

/** A secret that a new holder lacks and this node could seal for it. */
export interface Reseal {
  readonly deployment: DeploymentId;
  readonly secret: string;
  readonly recipient: PrincipalId;
  /** This node's turn among those who could do it; 0 goes first. */
  readonly rank: number;
}

/**
 * Secrets of one deployment that its new holders lack and this node has: after a move the replacement gets them from
 * a surviving holder, since the owner may be asleep. Only current holders of workloads whose body asks for a secret get it.
 */
export function resealsFor(state: LedgerState, node: PrincipalId, deployment: DeploymentId, workloads: readonly Workload[]): Reseal[] {
  const record = state.deployments[deployment];
  if (!record || state.contracts[record.contract]?.status !== 'active') return [];
  const holders = new Set(Object.values(record.holdings).map((h) => h.node));
  if (!holders.has(node)) return [];
  const wanted = new Map<string, Omit<Reseal, 'rank'>>();
  for (const workload of workloads) {
    const recipient = record.holdings[workload.name]?.node;
    if (!recipient || recipient === node) continue;
    for (const secret of workload.secrets) {
      const sealed = record.secrets[secret];
      if (sealed?.[node] !== undefined && sealed[recipient] === undefined) wanted.set(`${secret} ${recipient}`, { deployment, secret, recipient });
    }
  }
  return [...wanted.values()].map((reseal) => {
    const able = Object.keys(record.secrets[reseal.secret] ?? {}).filter((id) => holders.has(id as PrincipalId));
    const order = able.map((id) => ({ id, at: digestOf([id, reseal.recipient, reseal.secret]) })).sort((a, b) => (a.at < b.at ? -1 : 1));
    return { ...reseal, rank: order.findIndex(({ id }) => id === node) };
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
