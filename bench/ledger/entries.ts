import { generateKeyPairSync } from 'node:crypto';
import { createWriteStream, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import path from 'node:path';
import { makeGrid, signerFrom } from './grid.ts';

// entries.mjs FOLDER NODES COUNT: writes key, preamble.jsonl and alive.jsonl (one signed envelope a line, nodes in turn).
const [folder = '', nodes = '', count = ''] = process.argv.slice(2);
const signer = signerFrom(generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' }));
const grid = makeGrid(Number(nodes), signer);
writeFileSync(path.join(folder, 'key'), signer.pkcs8, { mode: 0o600 });
writeFileSync(path.join(folder, 'preamble.jsonl'), grid.preamble.map((envelope) => JSON.stringify(envelope)).join('\n'));
const file = createWriteStream(path.join(folder, 'alive.jsonl'));
let bytes = 0;
for (let i = 0; i < Number(count); i++) {
  const line = JSON.stringify(grid.alive(i % Number(nodes)));
  bytes += line.length;
  if (!file.write(`${line}\n`)) await once(file, 'drain');
}
file.end();
await once(file, 'finish');
process.stdout.write(`${JSON.stringify({ envelopeBytes: Math.round(bytes / Number(count)) })}\n`);
