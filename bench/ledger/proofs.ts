import { randomInt } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { openSqliteLog } from '../../ledger/adapters/sqlite/log.ts';
import { verifyInclusion } from '../../ledger/merkle.ts';
import { makeGrid } from './grid.ts';

// proofs.mjs DIR SIZE PROOFS RUNS: a log of SIZE entries, grown without checking its signatures; then proofs of random entries at random sizes.
const [dir = '', size = '', count = '', runs = ''] = process.argv.slice(2);
const NODES = 1000;
const BATCH = 1024;
const grid = makeGrid(NODES);
const log = await openSqliteLog({ dir, signer: grid.signer, verify: () => true });
const started = performance.now();
for (let at = 0; at < grid.preamble.length; at += BATCH) await log.submit(grid.preamble.slice(at, at + BATCH));
for (let at = 0; log.size() < Number(size); at += BATCH) {
  const batch = Array.from({ length: Math.min(BATCH, Number(size) - log.size()) }, (_, i) => grid.alive((at + i) % NODES));
  for (const result of await log.submit(batch)) if (!result.ok) throw new Error(result.message);
}
const grown = (performance.now() - started) / 1000;
const { rss } = process.memoryUsage();

/** Milliseconds of so many proofs, half of them in the log as it is. */
function prove(): { p50: number; p99: number; worst: number } {
  const times: number[] = [];
  for (let i = 0; i < Number(count); i++) {
    const at = i % 2 === 0 ? log.size() : randomInt(1, log.size() + 1);
    const seq = randomInt(0, at);
    const before = performance.now();
    const proof = log.inclusionProof(seq, at);
    times.push(performance.now() - before);
    if (i % 100 === 0 && !verifyInclusion({ index: seq, size: at, leaf: log.leafHash(seq), root: log.root(at), proof })) throw new Error(`the proof of ${seq} in ${at} is wrong`);
  }
  times.sort((a, b) => a - b);
  const quantile = (q: number): number => times[Math.min(times.length - 1, Math.floor(q * times.length))] ?? NaN;
  return { p50: quantile(0.5), p99: quantile(0.99), worst: quantile(1) };
}
const proofs = Array.from({ length: Number(runs) }, prove);
await log.close();
const bytes = readdirSync(dir).reduce((sum, name) => sum + (statSync(path.join(dir, name)).isFile() ? statSync(path.join(dir, name)).size : 0), 0);
process.stdout.write(`${JSON.stringify({ size: Number(size), runs: proofs, bytesAnEntry: bytes / Number(size), rss, growSeconds: grown })}\n`);
