// What the bundles are made of: the entry table, and one digest that changes when any source does.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, sha256 } from './checkout.mjs';

/** Bundle name -> entry source. Engines are single files: a contract pins the digest of what a node spawns. */
export const COMMAND = { '3bot': 'cli/main.ts' };
export const PROGRAMS = {
  'node-daemon': 'node-daemon/main.ts',
  zdb: 'storage/zdb/main.ts',
  archive: 'storage/archive/main.ts',
  ledger: 'ledger/main.ts',
  witness: 'ledger/witness/main.ts',
  'ledger-snapshot': 'ledger/snapshot/worker.ts',
  'ledger-opener': 'ledger/opening/worker.ts',
  gateway: 'gateway/main.ts',
  bot: 'bot/main.ts',
};
/** What the bot serves to browsers: `<name>` plus the extension of its kind. Scripts are bundled, the rest is copied. */
export const PAGES = {
  sign: 'web/sign/page.ts',
  'sign-worker': 'web/sign/worker.ts',
  'sign-style': 'web/sign/style.css',
  'sign-page': 'web/sign/page.html',
  'sign-icon': 'web/sign/icon.svg',
};

const FOLDERS = ['bot', 'cli', 'contract', 'gateway', 'knowledge', 'ledger', 'node-daemon', 'overlay', 'scripts', 'signer', 'storage', 'web'];
const FILES = ['package-lock.json', 'tsconfig.json'];
const IGNORED = /\.test\.ts$/;

function* walk(folder) {
  let entries;
  try {
    entries = readdirSync(join(ROOT, folder), { withFileTypes: true });
  } catch {
    return;
  }
  for (const entry of entries) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.isFile() && !IGNORED.test(path)) yield path;
  }
}

/** A digest of path, size and modification time of everything that can change a bundle. */
export function sourcesDigest() {
  const paths = [...FOLDERS.flatMap((folder) => [...walk(folder)]), ...FILES].sort();
  const lines = paths.map((path) => {
    // A file may vanish between listing and stat while an editor saves it.
    const stat = statSync(join(ROOT, path), { throwIfNoEntry: false });
    return `${path} ${stat?.size} ${stat?.mtimeMs}`;
  });
  return sha256(lines.join('\n'));
}
