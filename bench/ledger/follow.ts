import { Digest } from '../../contract/digest.ts';
import { openFollower } from '../../ledger/follower.ts';

// follow.mjs URL DIR THREADS [GRID]: a copy from nothing to the ledger's present size, every signature verified; with GRID, begun from its snapshot and audited afterwards.
const [url = '', dir = '', threads = '', grid] = process.argv.slice(2);
const openers = Number(threads) > 0 ? { entry: new URL('./ledger-opener.mjs', import.meta.url), workers: Number(threads) } : undefined;
const started = performance.now();
const cpu = process.cpuUsage();
const follower = await openFollower({ url, dir, openers, catchUpMs: 600_000, ...(grid === undefined ? {} : { snapshot: true, pin: { grid: Digest.parse(grid) } }) });
await follower.caughtUp({ timeoutMs: 600_000 });
const seconds = (performance.now() - started) / 1000;
const { user, system } = process.cpuUsage(cpu);
const told = { perSecond: follower.size() / seconds, seconds, size: follower.size(), cpuSeconds: (user + system) / 1e6, rss: process.memoryUsage().rss };
if (grid !== undefined) {
  if (follower.status().audited === undefined) throw new Error('the copy was not begun from a snapshot');
  await follower.waitFor(() => follower.status().audited || undefined, { timeoutMs: 600_000 });
}
process.stdout.write(`${JSON.stringify({ ...told, auditedSeconds: (performance.now() - started) / 1000 })}\n`);
await follower.close();
process.exit(0);
