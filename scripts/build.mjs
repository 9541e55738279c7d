// Bundles every program into dist/. Same sources, same bytes, wherever the checkout lies: no path of this machine reaches the output.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DIST, LOCK, ROOT, Refusal, isMain, readJson, run, say, sha256 } from './checkout.mjs';
import { install } from './install.mjs';
import { withLock } from './lock.mjs';
import { COMMAND, PAGES, PROGRAMS, sourcesDigest } from './sources.mjs';

const STAMP = join(DIST, '.build.json');
const BLUEPRINTS = join(ROOT, 'knowledge/blueprints');
const DRAFT_PREFIX = '.draft-';
/** A grid that is up may still load a chunk of an earlier build lazily, so those are kept this long. */
const OLD_CHUNK_MS = 30 * 24 * 3600_000;
/** CommonJS packages inside an ES module bundle call require() for Node's own modules. */
const REQUIRE =
  "import { createRequire as bundleCreateRequire } from 'node:module';\nconst require = bundleCreateRequire(import.meta.url);";

const SETTINGS = {
  absWorkingDir: ROOT,
  outdir: DIST,
  write: false,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'silent',
  outExtension: { '.js': '.mjs' },
  // Beside the entries, so that import.meta.url means dist/ in every chunk.
  chunkNames: 'chunk-[hash]',
  banner: { js: REQUIRE },
  external: ['better-sqlite3', '@ronomon/reed-solomon', '@polkadot/api', 'langchain', '@langchain/*'],
  loader: { '.yaml': 'text', '.html': 'text', '.css': 'text', '.svg': 'text' },
};

/** Pages name their parts by fixed paths, so nothing of them is split into chunks. */
const BROWSER = {
  platform: 'browser',
  target: 'es2022',
  minify: true,
  outExtension: {},
  banner: {},
  external: [],
  loader: { '.css': 'copy', '.html': 'copy', '.svg': 'copy' },
};

const point = ([out, source]) => ({ in: source, out });
const present = (table) => Object.entries(table).filter(([, source]) => existsSync(join(ROOT, source)));

async function bundleAll() {
  const esbuild = await import('esbuild');
  const runs = [{ entryPoints: present(COMMAND).map(point), splitting: true }, ...present(PROGRAMS).map((entry) => ({ entryPoints: [point(entry)] })), { ...BROWSER, entryPoints: present(PAGES).map(point) }];
  try {
    const results = await Promise.all(runs.filter(({ entryPoints }) => entryPoints.length > 0).map((each) => esbuild.build({ ...SETTINGS, ...each })));
    return results.flatMap(({ outputFiles }) => outputFiles.map(({ path, contents }) => ({ name: basename(path), contents })));
  } catch (error) {
    if (!error.errors) throw error;
    const told = await esbuild.formatMessages(error.errors, { kind: 'error', color: process.stderr.isTTY === true });
    throw new Refusal(`the build failed\n${told.join('')}`);
  } finally {
    await esbuild.stop();
  }
}

/**
 * The shipped blueprints as they parse and lint, by the digest of their source: reading YAML with places takes most of the
 * time of a short command. Only what these sources say goes in; a file with faults stays out, and is told of when it is read.
 */
async function parsedBlueprints() {
  const esbuild = await import('esbuild');
  try {
    const { outputFiles } = await esbuild.build({ ...SETTINGS, banner: {}, platform: 'neutral', mainFields: ['module', 'main'], entryPoints: [join(ROOT, 'knowledge/lint.ts')], splitting: false });
    const { checkedBlueprint } = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
    const parsed = {};
    for (const file of readdirSync(BLUEPRINTS).filter((name) => name.endsWith('.yaml')).sort()) {
      const source = readFileSync(join(BLUEPRINTS, file));
      const checked = checkedBlueprint(new Uint8Array(source));
      if (checked.ok) parsed[`sha256:${sha256(source)}`] = checked.blueprint;
    }
    return { name: 'blueprints.json', contents: Buffer.from(JSON.stringify(parsed)) };
  } finally {
    await esbuild.stop();
  }
}

/** Renames finished files into dist/, chunks before the entries that name them: a kill at any point leaves whole files only. */
function publish(files, digest) {
  mkdirSync(DIST, { recursive: true });
  const draft = mkdtempSync(join(DIST, DRAFT_PREFIX));
  const isChunk = ({ name }) => name.startsWith('chunk-');
  try {
    for (const { name, contents } of files) writeFileSync(join(draft, name), contents);
    writeFileSync(join(draft, 'stamp'), `${JSON.stringify({ sources: digest, files: files.map(({ name }) => name) })}\n`);
    for (const file of [...files.filter(isChunk), ...files.filter((each) => !isChunk(each))]) {
      const target = join(DIST, file.name);
      // An unchanged program keeps its inode and time.
      if (!isChunk(file) && existsSync(target) && readFileSync(target).equals(file.contents)) continue;
      renameSync(join(draft, file.name), target);
    }
    renameSync(join(draft, 'stamp'), STAMP);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Removes drafts of killed builds, programs that are no longer built, and chunks that nothing can be using any more. */
function sweep(kept) {
  for (const name of readdirSync(DIST)) {
    const path = join(DIST, name);
    if (name.startsWith(DRAFT_PREFIX)) rmSync(path, { recursive: true, force: true });
    if (name.startsWith('.') || !/\.(mjs|js|css|html|svg|json)$/.test(name) || kept.has(name)) continue;
    if (!name.startsWith('chunk-') || Date.now() - statSync(path).mtimeMs > OLD_CHUNK_MS) rmSync(path, { force: true });
  }
}

function isBuilt() {
  const stamp = readJson(STAMP);
  return stamp?.sources === sourcesDigest() && stamp.files.every((name) => existsSync(join(DIST, name)));
}

/** Builds what changed sources ask for; cheap when nothing changed. Needs the dependencies (install). */
export async function build() {
  if (isBuilt()) return;
  await withLock(
    LOCK,
    async () => {
      if (isBuilt()) return;
      const started = Date.now();
      const digest = sourcesDigest();
      for (const [name, source] of Object.entries({ ...COMMAND, ...PROGRAMS, ...PAGES })) {
        if (!existsSync(join(ROOT, source))) say(`not built: dist/${name}, because ${source} is missing`);
      }
      const files = [...(await bundleAll()), await parsedBlueprints()];
      publish(files, digest);
      sweep(new Set(files.map(({ name }) => name)));
      say(`built ${files.length} files into dist/ · ${((Date.now() - started) / 1000).toFixed(1)} s`);
    },
    (pid) => say(`waiting for process ${pid}, which is installing or building here`),
  );
}

if (isMain(import.meta.url)) {
  await run(async () => {
    await install();
    await build();
  });
}
