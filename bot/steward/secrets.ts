import { randomBytes } from 'node:crypto';
import type { DeploymentId } from '../../contract/contract.ts';
import { sealEnvelope } from '../../contract/envelope.ts';
import type { PrincipalId } from '../../contract/principal.ts';
import { seal } from '../../signer/seal.ts';
import type { BotContext } from '../context.ts';
import { readContract } from '../tools/contracts.ts';

/** Secrets that have a form of their own. */
const FORMS: Readonly<Record<string, () => Uint8Array>> = {
  'data-key': () => Buffer.from(randomBytes(32).toString('base64')),
  's3-credentials': () => Buffer.from(JSON.stringify({ accessKeyId: `3B${randomBytes(9).toString('hex').toUpperCase()}`, secretAccessKey: randomBytes(30).toString('base64url') })),
};

/** Any other name that a blueprint thinks of is a password or token: 256 random bits as text. */
function makeSecret(name: string): Uint8Array {
  return FORMS[name]?.() ?? Buffer.from(randomBytes(32).toString('base64url'));
}

/**
 * Seals the secrets of this person's deployments to every node that is to hold them. A secret is sealed to the
 * requester first and only what the ledger has of that is handed on, so that a crash at any point, or a second steward,
 * cannot give two nodes two different keys. Returns how many were sealed.
 */
export async function sealMissingSecrets(context: BotContext): Promise<number> {
  const state = context.follower.state();
  let sealed = 0;
  for (const [id, deployment] of Object.entries(state.deployments)) {
    const record = state.contracts[deployment.contract];
    if (record?.status !== 'active' || record.header.requester !== context.requester.id) continue;
    // One deployment that cannot be read must not keep the others waiting.
    const read = await readContract(context, deployment.contract).catch(() => undefined);
    if (!read?.ok) continue;
    for (const workload of read.body.workloads) {
      const holder = deployment.holdings[workload.name]?.node;
      for (const secret of holder === undefined ? [] : workload.secrets) {
        if (deployment.secrets[secret]?.[holder as PrincipalId] !== undefined) continue;
        await sealOne(context, { deployment: id as DeploymentId, secret, recipient: holder as PrincipalId });
        sealed += 1;
      }
    }
  }
  return sealed;
}

interface Sealing { readonly deployment: DeploymentId; readonly secret: string; readonly recipient: PrincipalId }

async function sealOne(context: BotContext, { deployment, secret, recipient }: Sealing): Promise<void> {
  const { follower, requester } = context;
  let own = follower.state().deployments[deployment]?.secrets[secret]?.[requester.id];
  if (own === undefined) {
    await submit(context, { deployment, secret, recipient: requester.id }, await seal(makeSecret(secret), requester.sealing.recipient));
    own = await follower.waitFor((s) => s.deployments[deployment]?.secrets[secret]?.[requester.id], { timeoutMs: 30_000 });
  }
  const sealingKey = follower.state().nodes[recipient]?.sealingKey;
  if (sealingKey === undefined) return;
  await submit(context, { deployment, secret, recipient }, await seal(await requester.sealing.unseal(own), sealingKey));
  await follower.waitFor((s) => s.deployments[deployment]?.secrets[secret]?.[recipient], { timeoutMs: 30_000 });
}

async function submit({ follower, grid, requester }: BotContext, of: Sealing, ciphertext: string): Promise<void> {
  const [result] = await follower.submit([sealEnvelope('secret.sealed', { grid, by: requester.id, ...of, ciphertext }, requester.signer)]);
  if (result && !result.ok && result.code !== 'secret_exists') throw new Error(`the ledger refuses secret ${of.secret}: ${result.message}`);
}
