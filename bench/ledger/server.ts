import { serveLedger } from '../../ledger/serve.ts';
import { readEnvelopes, readSigner } from './files.ts';

// server.mjs FOLDER DIR THREADS: the ledger as it is served, with the first entries in it; ends with its stdin, and says what it used.
const [folder = '', dir = '', threads = ''] = process.argv.slice(2);
/** Entries that are in the log before the first client comes, so that every thread has checked every key. */
const WARM_UP = 8000;
const openers = Number(threads) > 0 ? { entry: new URL('./ledger-opener.mjs', import.meta.url), workers: Number(threads) } : undefined;
const served = await serveLedger({ dir, signer: readSigner(folder), tickAfterMs: 1e9, openers, snapshotWorker: new URL('./ledger-snapshot.mjs', import.meta.url) });
if (served.log.size() === 0) {
  const preamble = [...readEnvelopes(folder, 'preamble', 0, Infinity), ...readEnvelopes(folder, 'alive', 0, WARM_UP)];
  for (let at = 0; at < preamble.length; at += 256) await served.log.submit(preamble.slice(at, at + 256));
}
const say = (value: object): void => { process.stdout.write(`${JSON.stringify(value)}\n`); };
const before = process.cpuUsage();
say({ url: served.url, size: served.log.size() });
process.stdin.resume();
process.stdin.on('end', () => {
  const { user, system } = process.cpuUsage(before);
  say({ size: served.log.size(), cpuSeconds: (user + system) / 1e6, rss: process.memoryUsage().rss });
  void served.close().then(() => process.exit(0));
});
