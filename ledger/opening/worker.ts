import { parentPort } from 'node:worker_threads';
import { verifySignature } from '../../signer/verify.ts';
import { type Chunk, chunkEnvelopes, encodeAnswers } from './chunk.ts';
import { openSubmission } from './open.ts';

/** An opener: a thread of the ledger that verifies and parses envelopes, and holds nothing but a cache of public keys. */
const port = parentPort;
if (!port) throw new Error('this is a thread of the ledger; it is not started by itself');
port.on('message', (chunk: Chunk) => {
  port.postMessage(encodeAnswers(chunk.id, chunkEnvelopes(chunk).map((envelope) => openSubmission(envelope, verifySignature))));
});
