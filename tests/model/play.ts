import type { EntrySigner, Envelope } from '../../contract/envelope.ts';
import { sealEnvelope } from '../../contract/envelope.ts';
import { leafBytes } from '../../ledger/leaf.ts';
import { EMPTY_ROOT, leafHash } from '../../ledger/merkle.ts';
import { MerkleTree } from '../../ledger/merkle-tree.ts';
import type { Log, SubmitResult } from '../../ledger/ports.ts';
import { stateDigest } from '../../ledger/state/machine.ts';
import type { Random } from '../e2e/random.ts';
import { type Saying, sceneOf, type Setting } from './scene.ts';
import type { Outcome, Told } from './trial.ts';

/** A backend of the Log port, with one log of its own. */
export interface Backend {
  /** Opens the log, new or again; its key is the scene's. */
  open(key: EntrySigner): Promise<Log>;
  /** What the log's clock shows from now on, in ms since the epoch. */
  setClock(ms: number): void;
  /** Whether entries said at one instant may come in several batches and still have its time. */
  readonly keepsTime: boolean;
}

/** Bad envelopes are put beside the good ones every so many batches, and the log is closed and opened again. */
const FORGE_EVERY = 4;
const REOPEN_EVERY = 6;

/**
 * Submits what was told to a real log, in random batches, and closes and opens it in between. @throws unless it answers
 * every envelope as the bare machine did, at the same time, and ends with the same root and the same state.
 */
export async function playOn(backend: Backend, { variant, setting, outcome, random }: { variant: number; setting?: Setting; outcome: Outcome; random: Random }): Promise<void> {
  const scene = sceneOf(variant, setting);
  const begun: Told[] = scene.sayings.map((saying) => ({ at: Date.parse(scene.time), saying, time: scene.time, answer: 'accepted' }));
  let log = await backend.open(scene.ledger);
  try {
    for (const batch of batchesOf([...begun, ...outcome.told], backend.keepsTime ? random : undefined)) {
      backend.setClock(batch[0]!.at);
      const envelopes = batch.map(({ saying }) => sealed(saying));
      const forged = random.below(FORGE_EVERY) === 0 ? [forge(envelopes[0]!)] : [];
      const results = await log.submit([...forged, ...envelopes]);
      const answers = results.map(answerOf);
      const expected = [...forged.map(() => 'signature_invalid'), ...batch.map(({ answer, time }) => (answer === 'accepted' ? `accepted ${time}` : answer))];
      answers.forEach((answer, i) => { if (answer !== expected[i]) throw new Error(`the log answers ${answer}, the bare machine ${expected[i]}, to ${batch[i - forged.length]?.saying.kind}`); });
      if (random.below(REOPEN_EVERY) > 0) continue;
      await log.close();
      log = await backend.open(scene.ledger);
    }
    await log.close();
    log = await backend.open(scene.ledger);
    const expected = { size: outcome.state.size, root: rootOf([...begun, ...outcome.told]), state: stateDigest(outcome.state) };
    const got = { size: log.size(), root: hexOf(log.root()), state: stateDigest(log.state()) };
    if (JSON.stringify(got) !== JSON.stringify(expected)) throw new Error(`the log ended at ${JSON.stringify(got)}, the bare machine at ${JSON.stringify(expected)}`);
  } finally {
    await log.close();
  }
}

/** Runs of one instant, cut in two or more at random places when there is a random. */
function batchesOf(told: readonly Told[], random: Random | undefined): Told[][] {
  const batches: Told[][] = [];
  for (const one of told) {
    const last = batches.at(-1);
    if (last && last[0]!.at === one.at && !(random && random.below(8) === 0)) last.push(one);
    else batches.push([one]);
  }
  return batches;
}

/** Made once: the scene's sayings are the same for every sequence. */
const envelopes = new WeakMap<Saying, Envelope>();
function sealed(saying: Saying): Envelope {
  const envelope = envelopes.get(saying) ?? sealEnvelope(saying.kind, saying.payload, saying.signer);
  envelopes.set(saying, envelope);
  return envelope;
}

/** Another's signature over the same payload. */
function forge(envelope: Envelope): Envelope {
  const [{ keyid, sig }] = envelope.signatures;
  return { ...envelope, signatures: [{ keyid, sig: `${sig.startsWith('A') ? 'B' : 'A'}${sig.slice(1)}` }] };
}

function answerOf(result: SubmitResult): string {
  if (!result.ok) return result.code;
  return result.duplicate ? 'duplicate' : `accepted ${result.time}`;
}

function rootOf(told: readonly Told[]): string {
  const tree = new MerkleTree();
  for (const { saying, time } of told.filter(({ answer }) => answer === 'accepted')) tree.append(leafHash(leafBytes({ seq: tree.size, time, envelope: sealed(saying) })));
  return hexOf(tree.size === 0 ? EMPTY_ROOT : tree.root());
}

function hexOf(hash: Uint8Array): string {
  return Buffer.from(hash).toString('hex');
}
