import { readInteger, readBytes } from './arguments.ts';
import { errorReply, OK, type Resp } from './resp.ts';
import type { Entry, Namespace } from './namespace.ts';
import type { Refusal } from './refusal.ts';
import type { Store } from './store.ts';
import { storeInfo, namespaceInfo } from './info.ts';
import type { Fence } from './fence.ts';
import { MAX_VALUE_BYTES } from './record.ts';

export const VERSION = '0.1.0';
export const MAX_SCAN_COUNT = 1000;
const DEFAULT_SCAN_COUNT = 100;
/** Values of one TAIL reply; a single bigger value still comes alone, or a follower could not pass it. */
const MAX_TAIL_BYTES = 8 * 1024 * 1024;
const MAX_MGET_BYTES = MAX_VALUE_BYTES;
/** Reads of one command that are under way at once. */
const READ_GROUP = 16;

/** What a command may see and change: the store, and the namespace that its connection has selected. */
export interface CommandContext {
  readonly store: Store;
  readonly fence: Fence;
  namespace: Namespace;
}

export interface Command {
  /** Fewest and most arguments after the name. */
  readonly arity: readonly [number, number];
  /** Needs a lease, when it starts and when its reply is sent. */
  readonly fenced: boolean;
  /** Changes the store: it may start while other writes of its connection are under way, a read waits for them. */
  readonly write: boolean;
  readonly run: (context: CommandContext, args: readonly Buffer[]) => Resp | Promise<Resp>;
}

const refusalReply = (refusal: Refusal): Resp => errorReply(refusal.code, refusal.message);
const corrupt = (entry: Entry): Resp => errorReply('CORRUPT', `record ${entry.seq} is damaged on disk`);
const read = (run: Command['run'], least: number, most = least): Command => ({ arity: [least, most], fenced: true, write: false, run });
const write = (run: Command['run'], least: number, most = least): Command => ({ arity: [least, most], fenced: true, write: true, run });
const free = (run: Command['run'], least: number, most = least): Command => ({ arity: [least, most], fenced: false, write: false, run });

const argument = (args: readonly Buffer[], i: number): Buffer => {
  const value = args[i];
  if (!value) throw new Error('arity was not checked');
  return value;
};
const find = (context: CommandContext, key: Buffer): Entry | undefined => context.namespace.get(key.toString('latin1'));

async function readAll(store: Store, entries: readonly (Entry | undefined)[]): Promise<(Buffer | null | undefined)[]> {
  const values: (Buffer | null | undefined)[] = [];
  for (let i = 0; i < entries.length; i += READ_GROUP) {
    const group = entries.slice(i, i + READ_GROUP);
    values.push(...(await Promise.all(group.map((entry) => (entry && !entry.deleted ? store.read(entry) : Promise.resolve(null))))));
  }
  return values;
}

const set: Command['run'] = async ({ store, namespace }, args) => {
  const result = await store.set(namespace, argument(args, 0), argument(args, 1));
  return result.ok ? Buffer.from(result.key, 'latin1') : refusalReply(result);
};

const del: Command['run'] = async ({ store, namespace }, args) => {
  const result = await store.delete(namespace, argument(args, 0));
  return result.ok ? Number(result.existed) : refusalReply(result);
};

const get: Command['run'] = (context, args) => {
  const entry = find(context, argument(args, 0));
  if (!entry) return null;
  return context.store.read(entry).then((value) => value ?? corrupt(entry));
};

const mget: Command['run'] = async (context, args) => {
  const entries = args.map((key) => find(context, key));
  if (entries.reduce((sum, e) => sum + (e?.valueLength ?? 0), 0) > MAX_MGET_BYTES) {
    return errorReply('ERR', `values are over ${MAX_MGET_BYTES} bytes together, ask for fewer`);
  }
  const values = await readAll(context.store, entries);
  return values.map((value, i) => {
    const entry = entries[i];
    return value ?? (entry ? corrupt(entry) : null);
  });
};

const check: Command['run'] = async (context, args) => {
  const entry = find(context, argument(args, 0));
  return entry ? Number(await context.store.check(entry)) : 0;
};

const scan: Command['run'] = ({ namespace }, args) => {
  const cursor = readInteger(args[0]);
  if (args.length === 2 || (args[1] && args[1].toString('latin1').toUpperCase() !== 'COUNT')) return errorReply('ERR', 'syntax: SCAN cursor [COUNT n]');
  const count = args[2] ? readInteger(args[2]) : DEFAULT_SCAN_COUNT;
  if (cursor === undefined) return errorReply('ERR', 'invalid cursor');
  if (count === undefined || count < 1 || count > MAX_SCAN_COUNT) return errorReply('ERR', `count must be 1 to ${MAX_SCAN_COUNT}`);
  const entries = namespace.scan(cursor, count);
  return [
    String(entries.at(-1)?.seq ?? cursor),
    entries.map((e) => [Buffer.from(e.key, 'latin1'), e.seq, e.time, e.valueLength, Number(e.deleted)]),
  ];
};

const tail: Command['run'] = async ({ store, namespace }, args) => {
  const cursor = readInteger(args[0]);
  const count = readInteger(args[1]);
  if (cursor === undefined) return errorReply('ERR', 'invalid cursor');
  if (count === undefined || count < 1 || count > MAX_SCAN_COUNT) return errorReply('ERR', `count must be 1 to ${MAX_SCAN_COUNT}`);
  let bytes = 0;
  const entries = namespace.scan(cursor, count).filter((entry, i) => (bytes += entry.key.length + entry.valueLength) <= MAX_TAIL_BYTES || i === 0);
  const values = await readAll(store, entries);
  const damaged = entries.find((_, i) => values[i] === undefined);
  if (damaged) return corrupt(damaged);
  return [
    String(entries.at(-1)?.seq ?? cursor),
    entries.map((e, i) => [Buffer.from(e.key, 'latin1'), values[i] ?? null, e.seq]),
  ];
};

const select: Command['run'] = (context, args) => {
  const namespace = context.store.namespace(argument(args, 0).toString('latin1'));
  if (!namespace) return errorReply('ERR', 'no such namespace');
  context.namespace = namespace;
  return OK;
};

const nsnew: Command['run'] = async ({ store }, args) => {
  const created = await store.createNamespace(argument(args, 0).toString('latin1'));
  return created.ok ? OK : refusalReply(created);
};

const nsset: Command['run'] = async ({ store }, args) => {
  const namespace = store.namespace(argument(args, 0).toString('latin1'));
  if (!namespace) return errorReply('ERR', 'no such namespace');
  if (argument(args, 1).toString('latin1').toLowerCase() !== 'maxsize') return errorReply('ERR', 'only maxsize can be set');
  const bytes = readBytes(args[2]);
  if (bytes === undefined) return errorReply('ERR', 'maxsize must be a number of bytes');
  await store.setMaxSize(namespace, bytes);
  return OK;
};

const nsinfo: Command['run'] = ({ store }, args) => {
  const namespace = store.namespace(argument(args, 0).toString('latin1'));
  return namespace ? namespaceInfo(store, namespace) : errorReply('ERR', 'no such namespace');
};

const time: Command['run'] = () => {
  const now = Date.now();
  return [String(Math.floor(now / 1000)), String((now % 1000) * 1000)];
};

/** Every command there is; what is not in the table is refused. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map(
  Object.entries({
    SET: write(set, 2),
    DEL: write(del, 1),
    NSNEW: write(nsnew, 1),
    NSSET: write(nsset, 3),
    GET: read(get, 1),
    MGET: read(mget, 1, 1000),
    EXISTS: read((context, args) => Number(find(context, argument(args, 0)) !== undefined), 1),
    CHECK: read(check, 1),
    LENGTH: read((context, args) => find(context, argument(args, 0))?.valueLength ?? null, 1),
    KEYTIME: read((context, args) => find(context, argument(args, 0))?.time ?? null, 1),
    DBSIZE: read(({ namespace }) => namespace.live, 0),
    SCAN: read(scan, 1, 3),
    TAIL: read(tail, 2),
    NSLIST: read(({ store }) => store.namespaces().map((n) => n.name), 0),
    NSINFO: read(nsinfo, 1),
    SELECT: free(select, 1),
    PING: free((_, args) => args[0] ?? { simple: 'PONG' }, 0, 1),
    INFO: free(({ store, fence }) => storeInfo(store, fence, VERSION), 0, 1),
    TIME: free(time, 0),
    // Clients ask for it when they connect; nothing here needs to be described to them.
    COMMAND: free(() => [], 0, 1000),
  }),
);
