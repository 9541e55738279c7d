// Writes docs/blueprints from the shipped blueprints: node scripts/blueprint-pages.mjs
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { ROOT } from './checkout.mjs';

const OUT = join(ROOT, 'docs/blueprints');
const ENTRY = "export { loadLibrary } from './knowledge/library.ts'; export { blueprintPage, libraryPage } from './knowledge/document-page.ts';";

const folder = mkdtempSync(join(tmpdir(), '3bot-pages-'));
try {
  const outfile = join(folder, 'pages.mjs');
  await build({ stdin: { contents: ENTRY, resolveDir: ROOT, loader: 'ts' }, outfile, bundle: true, format: 'esm', platform: 'node', target: 'node20', logLevel: 'error', banner: { js: "import { createRequire as bundleCreateRequire } from 'node:module';\nconst require = bundleCreateRequire(import.meta.url);" } });
  const { loadLibrary, blueprintPage, libraryPage } = await import(pathToFileURL(outfile).href);
  const blueprints = loadLibrary(join(ROOT, 'knowledge/blueprints')).map((entry) => entry.blueprint);
  mkdirSync(OUT, { recursive: true });
  const pages = new Map([['README.md', libraryPage(blueprints)], ...blueprints.map((blueprint) => [`${blueprint.blueprint}.md`, blueprintPage(blueprint)])]);
  for (const name of readdirSync(OUT)) if (name.endsWith('.md') && !pages.has(name)) rmSync(join(OUT, name));
  for (const [name, text] of pages) writeFileSync(join(OUT, name), text);
  console.log(`${pages.size} pages in docs/blueprints`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
