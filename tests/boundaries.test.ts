// Derives the floors and the pure rooms from the code itself, independently of the lint rule, and says why for each violation.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, extname, join, normalize, relative } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** The table of docs/architecture.md. cli is the only composition root; tests, bench and scripts stand outside the house. */
const FLOORS: Record<string, readonly string[]> = {
  cli: ['bot', 'knowledge', 'node-daemon', 'gateway', 'ledger', 'overlay', 'signer', 'contract', 'storage', 'web'],
  bot: ['knowledge', 'ledger', 'signer', 'contract'],
  knowledge: ['ledger', 'signer', 'contract'],
  'node-daemon': ['ledger', 'overlay', 'storage', 'signer', 'contract'],
  gateway: ['ledger', 'overlay', 'signer', 'contract'],
  ledger: ['signer', 'contract'],
  overlay: ['signer', 'contract'],
  signer: ['contract'],
  contract: [],
  storage: [],
  web: ['contract', 'knowledge', 'bot', 'ledger', 'signer'],
};
const OUTSIDE = ['tests', 'bench', 'scripts', 'docs', 'bin', 'grids', 'dist', 'node_modules', 'coverage'];
const PURE = [/^contract\//, /^knowledge\/(?!library|publish)[a-z-]+\.ts$/, /^bot\/planner\//, /^ledger\/(merkle|checkpoint|leaf-form|state)(\/|\.ts$)/, /^signer\/(verify-noble|key-check)\.ts$/];
/** Packages that run in a browser as they are. */
const PURE_PACKAGES = /^(zod|yaml|canonicalize|i18n-iso-countries|@marcbachmann\/cel-js|@noble\/.*|@scure\/.*)(\/|$)/;
const IMPURE_NAMES = new Set([
  'process', 'performance', 'Buffer', 'setTimeout', 'setInterval', 'setImmediate', 'crypto', 'fetch', 'require', '__dirname', '__filename',
]);
const VAGUE_FOLDERS = ['utils', 'util', 'helpers', 'common', 'shared'];
const MAX_LINES = 400;

interface Import {
  readonly specifier: string;
  readonly line: number;
  readonly typeOnly: boolean;
}

function* walk(folder: string): Generator<string> {
  for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.isFile()) yield path;
  }
}

const folders = readdirSync(ROOT, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() && !entry.name.startsWith('.') && !OUTSIDE.includes(entry.name) ? [entry.name] : [],
);
const house = folders.filter((folder) => folder in FLOORS).flatMap((folder) => [...walk(folder)]);
const sources = house.filter((path) => /\.[cm]?tsx?$/.test(path));
const isTest = (path: string): boolean => /\.(test|fixture)\.ts$/.test(path);
const isPure = (path: string): boolean => PURE.some((room) => room.test(path));
const topOf = (path: string): string => path.split('/')[0] ?? '';

const parsed = new Map<string, ts.SourceFile>();
function parse(path: string): ts.SourceFile {
  const known = parsed.get(path);
  if (known) return known;
  const file = ts.createSourceFile(path, readFileSync(join(ROOT, path), 'utf8'), ts.ScriptTarget.Latest, true);
  parsed.set(path, file);
  return file;
}

const lineOf = (file: ts.SourceFile, node: ts.Node): number => file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;

function typeOnlyImport(node: ts.ImportDeclaration): boolean {
  const clause = node.importClause;
  if (!clause) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const named = clause.namedBindings;
  return !clause.name && named !== undefined && ts.isNamedImports(named) && named.elements.length > 0 && named.elements.every((each) => each.isTypeOnly);
}

/** Every module that a file names: import, export … from, import(), import type, and require or createRequire(…)(…) calls. */
function importsOf(path: string): Import[] {
  const file = parse(path);
  const found: Import[] = [];
  const add = (literal: ts.Node | undefined, typeOnly: boolean): void => {
    if (literal && ts.isStringLiteralLike(literal)) found.push({ specifier: literal.text, line: lineOf(file, literal), typeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, typeOnlyImport(node));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true);
    else if (ts.isCallExpression(node)) {
      const callee = node.expression;
      if (callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require')) add(node.arguments[0], false);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** The path inside the checkout that a relative specifier means, or undefined for a package. */
function target(path: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? normalize(join(dirname(path), specifier)) : undefined;
}

/** Packages that a program has loaded before it does anything: named by imports that are neither types nor calls, and so on through ours. */
function loadedAtOnce(entry: string, seen = new Set<string>()): Set<string> {
  const packages = new Set<string>();
  if (seen.has(entry)) return packages;
  seen.add(entry);
  for (const node of parse(entry).statements) {
    const literal = ts.isImportDeclaration(node) || ts.isExportDeclaration(node) ? node.moduleSpecifier : undefined;
    if (!literal || !ts.isStringLiteralLike(literal) || (ts.isImportDeclaration(node) ? typeOnlyImport(node) : ts.isExportDeclaration(node) && node.isTypeOnly)) continue;
    const to = target(entry, literal.text);
    if (to === undefined) packages.add(literal.text);
    else if (/\.ts$/.test(to)) for (const each of loadedAtOnce(to, seen)) packages.add(each);
  }
  return packages;
}

function floorViolations(path: string): string[] {
  const from = topOf(path);
  const allowed = FLOORS[from] ?? [];
  return importsOf(path).flatMap(({ specifier, line }) => {
    const to = target(path, specifier);
    if (to === undefined || topOf(to) === from) return [];
    if (from === 'web' && !isPure(to)) return [`${path}:${line} imports ${to}: web/ may import pure rooms only`];
    if (allowed.includes(topOf(to))) return [];
    return [`${path}:${line} imports ${to}: ${from}/ may import ${allowed.join(', ') || 'nothing of ours'}, because imports run downward only`];
  });
}

/** Whether an identifier is a use of a global of that name, and not a property, member or label that happens to be called so. */
function isGlobalUse(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isQualifiedName(parent)) return parent.left === node;
  return !(
    (ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) || ts.isMethodDeclaration(parent) || ts.isMethodSignature(parent)) &&
    parent.name === node
  );
}

function isClock(node: ts.Node): boolean {
  if (ts.isNewExpression(node)) return node.expression.getText() === 'Date' && (node.arguments?.length ?? 0) === 0;
  return ts.isCallExpression(node) && ['Date', 'Date.now', 'Math.random'].includes(node.expression.getText());
}

function purityViolations(path: string): string[] {
  const file = parse(path);
  const found = importsOf(path).flatMap(({ specifier, line, typeOnly }) => {
    const at = `${path}:${line} imports ${specifier}`;
    const to = target(path, specifier);
    if (typeOnly) return [];
    if (to !== undefined) return isPure(to) ? [] : [`${at}: a pure room imports pure rooms only, or it is not pure either`];
    return PURE_PACKAGES.test(specifier) ? [] : [`${at}: a pure room runs in a browser as it is, and this package is not known to`];
  });
  const visit = (node: ts.Node): void => {
    const name = ts.isIdentifier(node) ? node.text : '';
    if (isClock(node) || (ts.isIdentifier(node) && IMPURE_NAMES.has(name) && isGlobalUse(node))) {
      found.push(`${path}:${lineOf(file, node)} uses ${node.getText(file)}: a pure room is handed time, randomness and surroundings`);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** Files that are, or are about to be, committed. Without a usable git (an unpacked archive), everything that is not ignored. */
function committed(): string[] {
  try {
    const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return listed.split('\0').filter((path) => path !== '' && existsSync(join(ROOT, path)));
  } catch {
    const ignored = ['dist', 'node_modules', 'coverage'];
    const top = readdirSync(ROOT, { withFileTypes: true });
    const inside = top.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !ignored.includes(entry.name));
    return [...top.filter((entry) => entry.isFile()).map(({ name }) => name), ...inside.flatMap(({ name }) => [...walk(name)])];
  }
}

/** Assembled, so that this file does not contain what it forbids. */
const FORBIDDEN: readonly (readonly [RegExp, string])[] = [
  [new RegExp(`(^|[^\\w.])/${'work'}/`, 'm'), 'a path of one machine'],
  [new RegExp(`-----BEGIN [A-Z ]*PRIVATE ${'KEY'}-----(\\s|\\\\n)*[A-Za-z0-9+/]{16}`), 'a private key'],
  [new RegExp(`AGE-SECRET-${'KEY'}-1[02-9AC-HJ-NP-Z]{20}`), 'an age secret key'],
];
const BINARY = ['.png', '.jpg', '.ico', '.woff2', '.gz', '.wasm'];

describe('the house', () => {
  it('has a corpus: every folder of the table that exists holds sources, and there are many', () => {
    expect(sources.length).toBeGreaterThan(20);
    const empty = folders.filter((folder) => folder in FLOORS && !sources.some((path) => topOf(path) === folder));
    expect(empty).toEqual([]);
    expect(sources.some(isPure)).toBe(true);
    expect(sources.flatMap(importsOf).length).toBeGreaterThan(sources.length);
  });

  it('has no folder that the table does not know', () => {
    expect(folders.filter((folder) => !(folder in FLOORS))).toEqual([]);
  });

  it('imports downward only', () => {
    expect(sources.flatMap(floorViolations)).toEqual([]);
  });

  it('keeps the pure rooms pure', () => {
    expect(sources.filter((path) => isPure(path) && !isTest(path)).flatMap(purityViolations)).toEqual([]);
  });

  it('names files that exist: every relative import resolves', () => {
    const dangling = sources.flatMap((path) =>
      importsOf(path).flatMap(({ specifier, line }) => {
        const to = target(path, specifier);
        return to === undefined || existsSync(join(ROOT, to)) ? [] : [`${path}:${line} imports ${specifier}, which is not there`];
      }),
    );
    expect(dangling).toEqual([]);
  });

  it('names concepts, not leftovers, and keeps rooms small', () => {
    const vague = new Set(house.flatMap((path) => dirname(path).split('/').filter((name) => VAGUE_FOLDERS.includes(name)).map(() => dirname(path))));
    expect([...vague]).toEqual([]);
    const long = sources.map((path) => `${path}: ${parse(path).getLineStarts().length} lines`).filter((text) => Number(/(\d+) lines/.exec(text)?.[1]) > MAX_LINES);
    expect(long).toEqual([]);
  });

  it('loads the libraries of a language model when a model is asked, and no earlier', async () => {
    const { COMMAND, PROGRAMS } = (await import(new URL('../scripts/sources.mjs', import.meta.url).href)) as Record<string, Record<string, string>>;
    const libraries = (entry: string): string[] => [...loadedAtOnce(entry)].filter((specifier) => /^(langchain|@langchain\/|openai)/.test(specifier));
    for (const entry of Object.values({ ...COMMAND, ...PROGRAMS })) expect([entry, libraries(entry)]).toEqual([entry, []]);
    // In a bundle of one file the imports of a module that is loaded late are hoisted too: that module may import none either.
    for (const late of ['answerer', 'agent']) expect(libraries(`bot/chat/model/${late}.ts`)).toEqual([]);
    expect([...loadedAtOnce('cli/main.ts')]).toContain('commander');
    expect(sources.filter((path) => importsOf(path).some(({ specifier, typeOnly }) => !typeOnly && /^(langchain|@langchain\/|openai)/.test(specifier)))).toEqual(['bot/chat/model/agent.ts']);
  });

  it('builds every program of its table', async () => {
    // By URL: the scripts are plain JavaScript, outside the type checker.
    const table = new URL('../scripts/sources.mjs', import.meta.url).href;
    const { COMMAND, PROGRAMS, PAGES } = (await import(table)) as Record<string, Record<string, string>>;
    const entries = [COMMAND, PROGRAMS, PAGES].flatMap((part) => Object.values(part ?? {}));
    expect(entries.length).toBeGreaterThan(0);
    expect(entries.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});

describe('the judgement itself', () => {
  const judge = (path: string, text: string, rule: (path: string) => string[]): number => {
    parsed.set(path, ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
    const count = rule(path).length;
    parsed.delete(path);
    return count;
  };

  it.each([
    ["import { x } from '../ledger/x.ts';", 1],
    ["import type { X } from '../ledger/x.ts';", 1],
    ["export * from '../overlay/x.ts';", 1],
    ["const x = await import('../bot/x.ts');", 1],
    ["type X = import('../gateway/x.ts').X;", 1],
    ["import { x } from '../contract/x.ts';", 0],
    ["import { x } from './ledger/x.ts';", 0],
  ])('floors: %s', (text, count) => {
    expect(judge('signer/sample.ts', text, floorViolations)).toBe(count);
  });

  it.each([
    ["import { x } from '../contract/x.ts';", 0],
    ["import { x } from '../ledger/state/x.ts';", 0],
    ["import { x } from '../signer/verify-noble.ts';", 0],
    ["import { x } from '../signer/keys.ts';", 1],
    ["import { x } from '../ledger/leaf.ts';", 1],
    ["import { x } from '../bot/open.ts';", 1],
    ["import type { x } from '../storage/x.ts';", 1],
  ])('a page imports pure rooms only: %s', (text, count) => {
    expect(judge('web/sample.ts', text, floorViolations)).toBe(count);
  });

  it.each([
    ["import { readFileSync } from 'node:fs';", 1],
    ["import Database from 'better-sqlite3';", 1],
    ["import { z } from 'zod';", 0],
    ["import { x } from '../signer/x.ts';", 1],
    ['const t = Date.now();', 1],
    ['const t = new Date();', 1],
    ['const t = new Date(iso).getTime();', 0],
    ['const r = Math.random();', 1],
    ['const b = Buffer.from(text);', 1],
    ['setTimeout(() => undefined, 1);', 1],
    ['const p = entry.process;', 0],
    ["const p = { process: 'x' };", 0],
  ])('purity: %s', (text, count) => {
    expect(judge('contract/sample.ts', text, purityViolations)).toBe(count);
  });
});

describe('what is committed', () => {
  const files = committed();

  it('pins every version exactly, and names no registry', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<string, Record<string, string> | undefined>;
    const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(versions.length).toBeGreaterThan(0);
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
    const lock = readFileSync(join(ROOT, 'package-lock.json'), 'utf8');
    expect(lock.includes('"resolved": "http')).toBe(false);
  });

  it('holds no key, no path of one machine', () => {
    expect(files).toContain('package.json');
    const found = files
      .filter((path) => !BINARY.includes(extname(path)))
      .flatMap((path) => {
        const text = readFileSync(join(ROOT, path), 'utf8');
        return FORBIDDEN.filter(([pattern]) => pattern.test(text)).map(([, what]) => `${relative('.', path)}: ${what}`);
      });
    expect(found).toEqual([]);
  });
});
