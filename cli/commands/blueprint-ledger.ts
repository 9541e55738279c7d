import { type BotContext, type Identity, principalOf } from '../../bot/context.ts';
import { publishedVersions } from '../../bot/published.ts';
import { findPrincipal } from '../../bot/tools/principals.ts';
import { describeTemplate } from '../../contract/policy-words.ts';
import { counted } from '../../contract/units.ts';
import { parametersOf } from '../../knowledge/blueprint.ts';
import { formatValue } from '../../knowledge/parameter.ts';
import { deprecateBlueprint, publishBlueprint, type Publisher, yankBlueprint } from '../../knowledge/publish.ts';
import { searchBlueprints } from '../../knowledge/search.ts';
import { noticeOf } from '../../ledger/state/views.ts';
import { accept } from '../ask.ts';
import { findVersion, publishedSource, readSource } from '../blueprint-source.ts';
import { connectBot } from '../connect.ts';
import { type Outcome, paint } from '../output.ts';
import { askFirst } from '../prompt.ts';
import { Refusal } from '../refusal.ts';
import { printable } from '../render/printable.ts';
import { renderProblems } from '../render/problems.ts';
import { stateDir } from '../state-dir.ts';
import { openPartyKeystore } from '../up/grid-keys.ts';
import { storeName } from './key.ts';

/** Blueprints on the ledger: what is there, and what their authors say of them. */

export interface AuthorFlags { readonly state?: string; readonly keystore?: string; readonly as?: string; readonly yes?: boolean }

async function withBot(flags: { readonly state?: string }, run: (context: BotContext) => Promise<Outcome> | Outcome): Promise<Outcome> {
  const { context, close } = await connectBot(stateDir(flags.state));
  try {
    return await run(context);
  } finally {
    await close();
  }
}

/** The author whose key lies on this machine: the grid's own, unless another is named. */
async function authorOf(context: BotContext, flags: AuthorFlags): Promise<Identity> {
  const name = flags.as ?? 'author';
  const signer = await (await openPartyKeystore(stateDir(flags.state), storeName(flags.keystore ?? 'author'))).signing(name);
  const id = principalOf(context, signer);
  if (!id) throw new Refusal({ code: 'principal_unknown', message: `the key ${name} (${signer.key}) speaks for nobody on this ledger`, hint: 'see `3bot key list --ledger`; another key is chosen with --keystore NAME --as NAME' });
  return { id, signer };
}

async function publisherOf(context: BotContext, flags: AuthorFlags): Promise<Publisher> {
  return { follower: context.follower, grid: context.grid, as: await authorOf(context, flags) };
}

/** Lints and tests it, then signs it and puts it on the ledger. */
export async function blueprintPublish(file: string, flags: AuthorFlags & { readonly organisation?: string }): Promise<Outcome> {
  const { bytes } = await readSource(file);
  return withBot(flags, async (context) => {
    const organisation = flags.organisation === undefined ? undefined : accept(findPrincipal(context, flags.organisation)).id;
    const before = new Set(Object.keys(context.follower.state().blueprints));
    const published = await publishBlueprint(await publisherOf(context, flags), bytes, { organisation });
    if (!published.ok && published.problems) process.stderr.write(`${renderProblems(file, new TextDecoder().decode(bytes), published.problems)}\n`);
    const { name, version, digest } = accept(published);
    // The ledger takes the same again, as what it has: nothing is new then.
    const already = before.has(`${name}@${version}`);
    return { json: { ok: true, name, version, digest, already }, text: already ? `${name} ${version} is published already, the same to the byte; nothing was done\n  ${digest}` : `published ${name} ${version}\n  ${digest}\nbots on this grid know it from now on: \`3bot plan "…"\`` };
  });
}

/** Every version, or of each name the one that a request would use. */
export function blueprintList(flags: { readonly state?: string; readonly all?: boolean }): Promise<Outcome> {
  return withBot(flags, (context) => {
    const state = context.follower.state();
    const used = new Set(context.library.map(({ blueprint }) => `${blueprint.blueprint}@${blueprint.version}`));
    const titles = new Map(context.library.map(({ blueprint }) => [`${blueprint.blueprint}@${blueprint.version}`, blueprint.title]));
    const blueprints = publishedVersions(state).map(({ name, version, record }) => ({
      name, version, digest: record.digest, author: state.principals[record.author]?.name ?? record.author, used: used.has(`${name}@${version}`),
      ...(titles.has(`${name}@${version}`) && { title: titles.get(`${name}@${version}`) }),
      ...(record.organisation !== undefined && { organisation: state.principals[record.organisation]?.name ?? record.organisation }),
      ...(record.deprecated && { deprecated: record.deprecated }), ...(record.yanked && { yanked: record.yanked }),
    })).filter((b) => flags.all || b.used);
    const text = blueprints.map((b) => {
      const said = noticeOf(state, b);
      return `${b.name.padEnd(18)} ${b.version.padEnd(8)} ${printable(b.title ?? '')}${paint('dim', printable(`  by ${b.author}${'organisation' in b ? ` for ${b.organisation}` : ''}`), process.stdout)}${said === undefined ? '' : `\n  ${paint('yellow', printable(said), process.stdout)}`}`;
    }).join('\n');
    return { json: { ok: true, blueprints }, text: text || 'nothing that you could use is published' };
  });
}

/** One version: what it is, what it takes, who must sign, and what its author says of it. */
export function blueprintShow(what: string, flags: { readonly state?: string; readonly source?: boolean }): Promise<Outcome> {
  return withBot(flags, async (context) => {
    const { name, version } = findVersion(context, what);
    const { blueprint, bytes } = await publishedSource(context, `${name}@${version}`);
    const source = new TextDecoder().decode(bytes);
    const state = context.follower.state();
    const record = state.blueprints[`${name}@${version}`];
    const notice = noticeOf(state, { name, version });
    const versions = publishedVersions(state).filter((v) => v.name === name).map((v) => v.version);
    const author = record && (state.principals[record.author]?.name ?? record.author);
    const rows = Object.entries(parametersOf(blueprint)).map(([parameter, p]) => `  ${parameter.padEnd(18)} ${p.type.padEnd(9)} ${p.required ? 'required' : p.default === undefined ? '' : `default ${typeof p.default === 'string' && p.default.includes('${') ? p.default : formatValue(p, p.default)}`}  ${paint('dim', printable(p.description), process.stdout)}`);
    const text = flags.source ? source : [
      paint('bold', printable(`${blueprint.title}  (${name} ${version})`), process.stdout),
      ...(notice === undefined ? [] : [paint('yellow', printable(notice), process.stdout)]),
      printable(blueprint.description),
      `  by ${printable(author ?? '?')}; versions ${versions.join(', ')}`, `  ${record?.digest ?? ''}`,
      paint('bold', 'parameters', process.stdout), ...rows,
      paint('bold', 'ask for it', process.stdout), ...blueprint.intents.examples.map((example) => `  ${printable(example)}`),
      paint('bold', 'must sign', process.stdout), `  ${describeTemplate(blueprint.policy)}`,
    ].join('\n');
    return { json: { ok: true, name, version, digest: record?.digest, author, versions, ...(record?.deprecated && { deprecated: record.deprecated }), ...(record?.yanked && { yanked: record.yanked }), blueprint, source }, text };
  });
}

/** Ranked, in six languages, with slips of the finger. */
export function blueprintSearch(words: readonly string[], flags: { readonly state?: string }): Promise<Outcome> {
  return withBot(flags, (context) => {
    const state = context.follower.state();
    const hits = searchBlueprints(context.library.map(({ blueprint }) => blueprint), words.join(' ')).map(({ blueprint: b, score, matched }) => {
      const notice = noticeOf(state, { name: b.blueprint, version: b.version });
      return { name: b.blueprint, version: b.version, title: b.title, example: b.intents.examples[0], score, matched, ...(notice !== undefined && { notice }) };
    });
    const text = hits.map((hit) => `${paint('bold', hit.name, process.stdout)} ${hit.version}  ${printable(hit.title)}\n  ${paint('dim', printable(hit.example ?? ''), process.stdout)}${hit.notice === undefined ? '' : `\n  ${paint('yellow', printable(hit.notice), process.stdout)}`}`).join('\n');
    return { json: { ok: true, hits }, text: text || 'nothing fits; see `3bot blueprint list`' };
  });
}

/** A version's author advises against it. */
export function blueprintDeprecate(what: string, flags: AuthorFlags & { readonly reason: string; readonly instead?: string }): Promise<Outcome> {
  return withBot(flags, async (context) => {
    const { name, version } = exactly(context, what);
    accept(await deprecateBlueprint(await publisherOf(context, flags), { name, version, reason: flags.reason, instead: flags.instead }));
    return { json: { ok: true, name, version }, text: `${noticeOf(context.follower.state(), { name, version }) ?? ''}\nit can still be used; everybody who plans with it is told` };
  });
}

/** A version's author takes it back, for good. */
export function blueprintYank(what: string, flags: AuthorFlags & { readonly reason: string }): Promise<Outcome> {
  return withBot(flags, async (context) => {
    const { name, version } = exactly(context, what);
    const running = Object.values(context.follower.state().contracts).filter(({ status, header }) => status === 'active' && header.blueprint.name === name && header.blueprint.version === version).length;
    process.stderr.write(`${name} ${version}: nothing new begins with it, for good; ${counted(running, 'contract that runs under it goes on', 'contracts that run under it go on')}\n`);
    if (!flags.yes) await askFirst('Yank it?');
    accept(await yankBlueprint(await publisherOf(context, flags), { name, version, reason: flags.reason }));
    return { json: { ok: true, name, version, running }, text: noticeOf(context.follower.state(), { name, version }) ?? '' };
  });
}

/** What is said of a version is said of exactly that one. */
function exactly(context: BotContext, what: string): { name: string; version: string } {
  if (!what.includes('@')) throw new Refusal({ code: 'invalid_parameter', message: `${JSON.stringify(what.slice(0, 80))} names no version`, hint: 'give NAME@VERSION, such as archive@1.0.0' });
  return findVersion(context, what);
}
