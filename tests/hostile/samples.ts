import { generateKeyPairSync } from 'node:crypto';
import { contractId } from '../../contract/contract.ts';
import { digestOf } from '../../contract/digest.ts';
import { type Kind, parseEntry, payloads } from '../../contract/entry.ts';
import type { EntrySigner } from '../../contract/envelope.ts';
import { type Person, World } from '../../ledger/state/world.fixture.ts';
import { signerOf } from '../../signer/keys.ts';
import type { Sample } from './inputs.ts';

const NONCE = '0'.repeat(32);
const freshKey = (): EntrySigner => signerOf(generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' }));

/** A grid on which a contract runs and another one is proposed, and one payload of every kind that fits it. */
export function sampleWorld(): { world: World; samples: readonly Sample[] } {
  const world = new World();
  const running = world.activate({ nonce: 'running', disk: '100' });
  const { header: proposed } = world.draft({ nonce: 'proposed', disk: '100' });
  const applied = world.propose(proposed);
  if (!applied.ok) throw new Error(applied.message);
  const { header: next } = world.draft({ nonce: 'next', disk: '100', bounds: [{ group: 'zdb', atMost: 1 }] });
  const { grid, operator, author, organisation, requester, expert, legal, nodes } = world;
  const [node, other] = nodes;
  if (!node || !other) throw new Error('no nodes');
  const by = (who: Person, payload: object): Omit<Sample, 'kind'> => ({ payload: { grid, by: who.id, ...payload }, signer: who.signer });
  const fresh = freshKey();
  const deployment = running.deployment;
  const location = { country: 'CH', city: 'Zug' };
  const all: Record<Kind, Omit<Sample, 'kind'>> = {
    'grid.created': { payload: { ...world.state.grid?.payload }, signer: world.ledger },
    'principal.created': { payload: { grid, kind: 'person', name: 'somebody', keys: [fresh.key], recovery: { k: 1, guardians: [expert.id, legal.id] }, nonce: NONCE }, signer: fresh },
    'principal.rotated': by(legal, { revision: 1, add: [freshKey().key], retire: [], recovery: { k: 1, guardians: [expert.id] } }),
    'principal.revoked': by(legal, { revision: 1, key: legal.signer.key, reason: 'lost' }),
    'principal.recovered': by(expert, { principal: legal.id, round: 1, keys: [freshKey().key] }),
    'organisation.changed': by(organisation, { revision: 2, roles: { legal: [legal.id], 'it-expert': [expert.id] }, governance: { k: 1, of: [{ role: 'legal' }, { role: 'it-expert' }] } }),
    'organisation.approved': by(legal, { organisation: organisation.id, change: digestOf('a change'), role: 'legal' }),
    'node.registered': by(node, { overlayKey: 'A'.repeat(43), sealingKey: `age1${'q'.repeat(58)}` }),
    'node.offer': by(node, {
      revision: 2, label: 'node-0', location, endpoints: ['wss://127.0.0.1:1'], relay: false, capabilities: ['zdb'], engines: [{ name: 'zdb', digest: digestOf('zdb engine') }],
      capacity: { disk: '1000', memory: '1000', cpu: '1000' }, thin: true, rates: { terabyte: '1', gibibyte: '1', core: '1' },
    }),
    'node.alive': by(node, { beat: 1_000_000 }),
    'location.attested': by(operator, { node: node.id, location }),
    'blueprint.published': by(author, { name: 'store', version: '1.0.1', digest: digestOf('blueprint'), policy: { veto: 'legal', over: { k: 1, of: [{ role: 'it-expert' }, { weight: 2, of: [{ role: 'legal', weight: 2 }] }], required: [0] } }, acceptance: { role: 'legal' } }),
    'blueprint.deprecated': by(author, { name: 'store', version: '1.0.0', reason: 'there is a better one' }),
    'blueprint.yanked': by(author, { name: 'store', version: '1.0.0', reason: 'it loses data' }),
    'contract.proposed': by(requester, { header: next }),
    'contract.approved': by(expert, { contract: contractId(proposed), role: 'it-expert', explanation: digestOf('shown'), statement: 'reviewed', signBefore: proposed.validity.signBefore }),
    'contract.rejected': by(expert, { contract: contractId(proposed), role: 'it-expert', reason: 'no' }),
    'contract.withdrawn': by(requester, { contract: contractId(proposed) }),
    'contract.cancelled': by(legal, { contract: contractId(running), role: 'legal' }),
    'deployment.accepted': by(legal, { deployment, contract: contractId(running), role: 'legal', execution: digestOf('execution'), statement: 'it runs' }),
    'secret.sealed': by(requester, { deployment, secret: 'key', recipient: requester.id, ciphertext: 'QUJD' }),
    'assignment.moved': by(other, { deployment, workload: 'zdb-0', from: node.id, to: other.id, epoch: 2 }),
    'deployment.reported': by(node, { deployment, workload: 'zdb-0', epoch: 1, revision: 1, phase: 'running', reason: '', endpoint: 'https://127.0.0.1:1', complete: ['zdb-1@1'], measured: digestOf('engine') }),
    'credit.transferred': by(requester, { to: expert.id, amount: '1', nonce: NONCE }),
    'tick': { payload: { grid, beat: 1_000_000, resumed: true }, signer: world.ledger },
  };
  const samples = (Object.keys(payloads) as Kind[]).map((kind) => ({ kind, ...all[kind] }));
  for (const { kind, payload } of samples) {
    const parsed = parseEntry(kind, payload);
    if (!parsed.ok) throw new Error(`the sample of ${kind} is not valid: ${parsed.message}`);
  }
  return { world, samples };
}
