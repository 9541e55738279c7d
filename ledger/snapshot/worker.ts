import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { deriveState } from './derive.ts';

/** The thread that derives a snapshot, so that the ledger goes on answering. One job, one answer. */
const { dir } = z.strictObject({ dir: z.string().min(1) }).parse(workerData);
parentPort?.postMessage(deriveState(dir));
