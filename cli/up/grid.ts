import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Location } from '../../contract/entry.ts';
import type { Digest } from '../../contract/digest.ts';
import { counted } from '../../contract/units.ts';
import { type LibraryEntry, loadLibrary } from '../../knowledge/library.ts';
import { type Follower, openFollower } from '../../ledger/follower.ts';
import { findOpeners } from '../../ledger/opening/find.ts';
import type { LedgerState } from '../../ledger/state/state.ts';
import { isAlive } from '../../ledger/state/views.ts';
import type { WitnessPolicy } from '../../ledger/witness/gate.ts';
import { lockDirectory } from '../../storage/zdb/lock.ts';
import { replaceFile } from '../../signer/durable.ts';
import { Refusal } from '../refusal.ts';
import { installRoot, prepareStateDir, type RunningGrid, type StateDir } from '../state-dir.ts';
import { attestLocations } from './attest.ts';
import { keepBotToken } from './bot-token.ts';
import { ChainInfo, chooseChain, keepChain } from './chain.ts';
import { type Genesis, genesisOf } from './genesis.ts';
import type { GridFile, NodeSpec } from './grid-file.ts';
import { type GridKeys, keystorePaths, openGridKeys } from './grid-keys.ts';
import { keepPorts } from './ports.ts';
import { manage, type Managed } from './process.ts';
import { startWitnesses, witnessNames } from './witnesses.ts';

const READY_TIMEOUT_MS = 120_000;
const ATTEST_EVERY_MS = 250;

export interface GridEvents {
  /** Something a person may want to see: progress while starting. */
  progress(text: string): void;
  /** Something that happened later: a node ended. */
  event(text: string): void;
}

export interface LocalGrid {
  readonly running: RunningGrid;
  /** The chain that keeps the log, if one does. */
  readonly chain: ChainInfo | undefined;
  readonly follower: Follower;
  stop(): Promise<void>;
}

/** Starts every process of a grid on this machine and waits until all nodes hold their lease. */
export async function startGrid(options: { state: StateDir; spec: GridFile; ledger?: string | undefined; events: GridEvents; signal: AbortSignal }): Promise<LocalGrid> {
  const { state, spec, ledger, events, signal } = options;
  await prepareStateDir(state);
  const lock = lockDirectory(state.root);
  if (!lock) throw new Refusal({ code: 'already_running', message: `a grid is running in ${state.root}`, hint: 'ask it with `./bin/3bot ask "…"`, or give another folder with --state' });
  const processes: Managed[] = [];
  const stopping: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of stopping) await step();
    await Promise.all(processes.map((p) => p.stop()));
    lock.release();
    await rm(state.run, { recursive: true, force: true });
  };
  try {
    return await start({ state, spec, ledger, events, signal, processes, stopping, stop });
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Starting { state: StateDir; spec: GridFile; ledger: string | undefined; events: GridEvents; signal: AbortSignal; processes: Managed[]; stopping: (() => Promise<unknown>)[]; stop: () => Promise<void> }

async function start({ state, spec, ledger: ledgerAt, events, signal, processes, stopping, stop }: Starting): Promise<LocalGrid> {
  const relays = spec.nodes.filter((n) => n.relay).map((n) => n.name);
  const ports = await keepPorts(state.part('ports.json'), ['ledger', 'gateway', 'bot', ...relays, ...witnessNames(spec.witnesses)]);
  const port = (name: string): number => ports[name] ?? 0;
  const run = (p: Managed): Managed => {
    processes.push(p);
    return p;
  };
  const logFile = (name: string): string => state.part('logs', `${name}.log`);

  const chosen = await chooseChain(state, ledgerAt);
  events.progress(chosen ? `keys, and the chain at ${chosen.url}` : 'keys and ledger');
  const keys = await openGridKeys(state);
  const library = loadLibrary(path.join(installRoot(), 'knowledge', 'blueprints'));
  const genesis = await genesisOf({ file: state.part('genesis.json'), spec, keys, library });
  const witnesses = await startWitnesses({ state, count: spec.witnesses, grid: genesis.grid, ledger: keys.ledger.key, port, started: run });
  const ledger = run(manage({
    name: 'ledger', entry: 'ledger.mjs', logFile: logFile('ledger'), restart: true, readyType: 'ready',
    start: { type: 'start', dir: state.part('ledger'), host: '127.0.0.1', port: port('ledger'), keystore: keystorePaths(state, 'ledger'), key: 'ledger', witnesses: witnesses.addresses.map((address) => ({ ...address })), ...(chosen && { chain: { ...chosen } }) },
  }));
  const ledgerReady = await ledger.ready;
  const ledgerUrl = String(ledgerReady['url']);
  const chain = chosen && ChainInfo.parse(ledgerReady['chain']);
  if (chosen && chain) {
    await keepChain(state, chosen, chain);
    events.progress(`${chain.name}; the account that pays has ${chain.balance}`);
  }
  const follower = await begin({ state, ledgerUrl, genesis, library, events, signal });
  stopping.push(() => follower.close());

  const common = { ledger: ledgerUrl, grid: genesis.grid };
  const beats = beatsOf(follower.state());
  events.progress(counted(spec.nodes.length, 'node'));
  await Promise.all(spec.nodes.map(async (node) => {
    const configFile = await writeNodeConfig({ state, spec, node, common: { ...common, witnesses: witnesses.policy }, listen: node.relay ? port(node.name) : undefined });
    return run(manage({
      name: node.name, entry: 'node-daemon.mjs', args: ['--config', configFile], logFile: logFile(node.name), restart: false,
      onExit: (code, killed) => { if (!signal.aborted) events.event(`node ${node.name} (${node.city}, ${node.country}) ended: ${killed ?? `code ${code ?? '?'}`}; its logs are in ${logFile(node.name)}`); },
    }));
  }));
  const gateways = await Promise.all(spec.gateways.map(async (gateway, i) => {
    const place = { country: gateway.country, city: gateway.city };
    await mkdir(state.part('gateways', gateway.name), { recursive: true, mode: 0o700 });
    return run(manage({
      name: gateway.name, entry: 'gateway.mjs', logFile: logFile(gateway.name), restart: true, readyType: 'ready',
      start: { type: 'start', ...common, dir: state.part('gateways', gateway.name), name: gateway.name, location: place, port: i === 0 ? port('gateway') : 0, domain: `${spec.grid}.3bot.internal`, keystore: keystorePaths(state, `gateway-${gateway.name}`), rates: spec.defaults.rates },
    }));
  }));
  const bot = run(manage({
    name: 'bot', entry: 'bot.mjs', logFile: logFile('bot'), restart: true, readyType: 'ready',
    start: { type: 'start', ...common, dir: state.part('bot'), host: '127.0.0.1', port: port('bot'), keystore: keystorePaths(state, 'bot'), token: await keepBotToken(state), model: state.part('model.json') },
  }));

  stopping.unshift(keepAttesting({ state, spec, keys, genesis, follower }));
  await allAlive({ follower, spec, beats, events, signal });
  const [gatewayReady, botReady] = await Promise.all([gateways[0]?.ready, bot.ready]);
  const running: RunningGrid = {
    pid: process.pid,
    grid: genesis.grid,
    state: state.root,
    ledger: ledgerUrl,
    bot: String(botReady['url']),
    gateway: String(gatewayReady?.['url']),
    ca: String(gatewayReady?.['ca']),
    nodes: spec.nodes.length,
  };
  await replaceFile(state.gridFile, JSON.stringify(running));
  return { running, chain, follower, stop };
}

/** Submits the first entries and blobs, as often as needed: after a crash the second time changes nothing. */
async function begin(options: { state: StateDir; ledgerUrl: string; genesis: Genesis; library: readonly LibraryEntry[]; events: GridEvents; signal: AbortSignal }): Promise<Follower> {
  const { state, ledgerUrl, genesis, library, events, signal } = options;
  const results = await submitFirst(ledgerUrl, genesis);
  for (const result of results) {
    if (!result.ok && NOT_PUBLISHED.has(result.code)) events.event(`${result.message}: the published one stays, give the shipped one a higher version`);
    if (!result.ok && !REPEATED.has(result.code)) throw new Refusal({ code: result.code, message: `the grid could not begin: ${result.message}`, hint: result.code === NO_FUNDS ? result.hint : 'this state folder may belong to another grid file or version; give another with --state' });
  }
  const follower = await openFollower({ url: ledgerUrl, dir: state.part('operator'), pin: { grid: genesis.grid }, openers: findOpeners(), signal });
  for (const { source } of library) await follower.putBlob(source);
  return follower;
}

/** A begun grid refuses what it already has; that is what a second start expects. */
const NOT_PUBLISHED = new Set(['blueprint_exists', 'blueprint_version', 'blueprint_taken']);
const REPEATED = new Set(['grid_exists', 'principal_exists', 'stale_revision', 'transfer_repeated', ...NOT_PUBLISHED]);

type FirstResult = { ok: true } | { ok: false; code: string; message: string; hint?: string };
/** The account on the chain cannot pay; the ledger says where it is and what it lacks. */
const NO_FUNDS = 'no_funds';

async function submitFirst(ledgerUrl: string, genesis: Genesis): Promise<FirstResult[]> {
  const response = await fetch(`${ledgerUrl}/v1/entries`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ envelopes: genesis.envelopes }) });
  const body = (await response.json()) as { results?: FirstResult[]; error?: { message?: string } };
  if (!body.results) throw new Error(`the ledger answered ${response.status}: ${body.error?.message ?? 'nothing that could be read'}`);
  return body.results;
}

async function writeNodeConfig(options: { state: StateDir; spec: GridFile; node: NodeSpec; common: { ledger: string; grid: Digest; witnesses: WitnessPolicy | undefined }; listen: number | undefined }): Promise<string> {
  const { state, spec, node, common, listen } = options;
  const means = { ...spec.defaults, ...Object.fromEntries(Object.entries(node).filter(([, v]) => v !== undefined)) };
  const dir = state.part('nodes', node.name);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const runDir = path.join(state.run, String(spec.nodes.indexOf(node)));
  await mkdir(runDir, { recursive: true, mode: 0o700 });
  const config = {
    state: dir,
    runDir,
    ...common,
    keystore: keystorePaths(state, `node-${node.name}`),
    key: 'node',
    engines: { zdb: path.join(installRoot(), 'dist', 'zdb.mjs'), archive: path.join(installRoot(), 'dist', 'archive.mjs') },
    offer: {
      label: node.name,
      location: { country: node.country, city: node.city },
      ...(listen !== undefined && { listen: { host: '127.0.0.1', port: listen } }),
      relay: node.relay ?? false,
      capabilities: ['zdb', 'archive'],
      capacity: { disk: means.disk, memory: means.memory, cpu: String(means.cores * 1000) },
      thin: means.thin,
      rates: means.rates,
    },
  };
  const file = path.join(dir, 'config.json');
  await replaceFile(file, JSON.stringify(config, null, 2));
  return file;
}

function keepAttesting(options: { state: StateDir; spec: GridFile; keys: GridKeys; genesis: Genesis; follower: Follower }): () => Promise<void> {
  const { state, spec, keys, genesis, follower } = options;
  const at = (folder: string, { name, country, city }: { name: string; country: string; city: string }): { identityFile: string; location: Location } => ({ identityFile: state.part(folder, name, 'node.pid.json'), location: { country, city } });
  const processes = [...spec.nodes.map((n) => at('nodes', n)), ...spec.gateways.map((g) => at('gateways', g))];
  let stopped = false;
  let pause: NodeJS.Timeout | undefined;
  const loop = (async () => {
    while (!stopped) {
      await attestLocations({ follower, grid: genesis.grid, operator: { id: genesis.operator, signer: keys.operator }, processes }).catch(() => 0);
      await new Promise((resolve) => { pause = setTimeout(resolve, ATTEST_EVERY_MS); });
    }
  })();
  return async () => {
    stopped = true;
    if (pause) clearTimeout(pause);
    await Promise.race([loop, new Promise((resolve) => setTimeout(resolve, 300))]);
  };
}

/** The last sign of life of every node, as the ledger has it. */
function beatsOf(state: LedgerState): ReadonlyMap<string, number> {
  return new Map(Object.entries(state.nodes).map(([id, { beat }]) => [id, beat]));
}

/** Resolves when every node has renewed its lease since `beats`: a lease that runs may be one of before a power cut. */
async function allAlive(options: { follower: Follower; spec: GridFile; beats: ReadonlyMap<string, number>; events: GridEvents; signal: AbortSignal }): Promise<void> {
  const { follower, spec, beats, events, signal } = options;
  const labels = new Set([...spec.nodes, ...spec.gateways].map((n) => n.name));
  const count = (): number => {
    const state = follower.state();
    return Object.entries(state.nodes).filter(([id, n]) => n.offer && labels.has(n.offer.label) && n.attested && n.beat > (beats.get(id) ?? 0) && isAlive(n, state.time)).length;
  };
  const stopShowing = follower.onChange(() => { events.progress(`nodes: ${Math.min(count(), spec.nodes.length)} of ${spec.nodes.length} hold their lease`); });
  try {
    await follower.waitFor(() => (count() >= labels.size ? true : undefined), { signal, timeoutMs: READY_TIMEOUT_MS });
  } finally {
    stopShowing();
  }
}

