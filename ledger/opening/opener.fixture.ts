import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { temporaryFolder } from '../grid.fixture.ts';

/** The openers' program, bundled as the build does it. */
export async function buildOpener(): Promise<URL> {
  const outfile = path.join(temporaryFolder(), 'ledger-opener.mjs');
  await build({ entryPoints: [fileURLToPath(new URL('worker.ts', import.meta.url))], outfile, bundle: true, platform: 'node', format: 'esm', target: 'node20', logLevel: 'silent' });
  return pathToFileURL(outfile);
}

/** An opener that dies of the payload type `crash` in what it is handed, and is a good one else. */
export function fragileOpener(opener: URL): URL {
  const file = path.join(temporaryFolder(), 'fragile.mjs');
  writeFileSync(file, `
import { parentPort } from 'node:worker_threads';
const on = parentPort.on.bind(parentPort);
parentPort.on = (event, take) => on(event, (message) => {
  if (message.envelopes.includes('.crash.')) throw new Error('broken on purpose');
  take(message);
});
await import(${JSON.stringify(opener.href)});
`);
  return pathToFileURL(file);
}
