import { chmod } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import type { Entry } from '../../contract/entry.ts';
import type { Keystore } from '../keystore.ts';
import { KeystoreError } from '../keystore-error.ts';
import { describeEntry, readEntryBytes } from './entry-bytes.ts';
import { type AgentRefusal, type AgentReply, AgentRequest, type HeldKey, MAX_LINE } from './protocol.ts';

const MAX_CONNECTIONS = 32;
const IDLE_MS = 120_000;

/** What a person is told, and may be asked, about one use of a key. */
export interface KeyUse {
  readonly keystore: string;
  readonly name: string;
  /** `sign contract.approved of contract sha256:…` (whole), `open a sealed secret`. */
  readonly action: string;
}

export interface KeyAgentOptions {
  /** Path of the socket, in a folder of mode 0700: Node cannot read peer credentials, so the folder is what keeps others out. */
  readonly socket: string;
  /** Open keystores by the real path of their folder. */
  readonly keystores: ReadonlyMap<string, { readonly name: string; readonly keystore: Keystore }>;
  readonly ttlMs: number;
  /** Asked before each use of a key; absent: every use is granted. */
  readonly confirm?: ((use: KeyUse) => Promise<boolean>) | undefined;
  /** Told of each use and each refusal, with nothing in it that another could have made up. */
  readonly onUse: (use: KeyUse, outcome: 'done' | AgentRefusal['code']) => void;
  readonly signal: AbortSignal;
}

export interface KeyAgent {
  /** Resolves when it listens no more: its time is over, or the signal aborted. */
  readonly ended: Promise<'expired' | 'stopped'>;
}

/** Answers over a Unix socket (mode 0600) until its time is over; it never gives a key out. Rejects when it cannot listen. */
export async function serveKeyAgent(options: KeyAgentOptions): Promise<KeyAgent> {
  const { socket: address, ttlMs, signal } = options;
  const open = new Set<Socket>();
  const use = createUses(options);
  // A machine that slept has stopped the timer, not the clock: each request looks at that too.
  const deadline = Date.now() + ttlMs;
  let expire = (): void => undefined;
  const server = createServer((socket) => {
    open.add(socket);
    socket.once('close', () => { open.delete(socket); });
    socket.on('error', () => undefined);
    socket.setTimeout(IDLE_MS, () => { socket.destroy(); });
    readLines(socket, async (line) => {
      if (Date.now() < deadline) return use(line, socket);
      expire();
      return refusal('not_held', 'its time is over');
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, () => { server.off('error', reject); resolve(); });
  });
  await chmod(address, 0o600);
  const ended = new Promise<'expired' | 'stopped'>((resolve) => {
    const end = (how: 'expired' | 'stopped'): void => {
      clearTimeout(timer);
      for (const socket of open) socket.destroy();
      // Closing removes the socket's file as well.
      server.close(() => { resolve(how); });
    };
    const timer = setTimeout(() => { end('expired'); }, ttlMs);
    expire = () => { setImmediate(end, 'expired'); };
    if (signal.aborted) end('stopped');
    else signal.addEventListener('abort', () => { end('stopped'); }, { once: true });
  });
  return { ended };
}

/** Hands each line to `answer`, one at a time; ends the connection at a line that is too long. */
function readLines(socket: Socket, answer: (line: string) => Promise<AgentReply>): void {
  let pending: Buffer = Buffer.alloc(0);
  let working = false;
  const next = async (): Promise<void> => {
    working = true;
    for (let end = pending.indexOf(10); end >= 0 && !socket.destroyed; end = pending.indexOf(10)) {
      const line = pending.subarray(0, end).toString('utf8');
      pending = pending.subarray(end + 1);
      const reply = await answer(line);
      if (!socket.destroyed) socket.write(`${JSON.stringify(reply)}\n`);
    }
    working = false;
  };
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    if (pending.length > MAX_LINE) socket.destroy();
    else if (!working) next().catch(() => { socket.destroy(); });
  });
}

function createUses({ keystores, confirm, onUse }: KeyAgentOptions): (line: string, socket: Socket) => Promise<AgentReply> {
  // One question at a time on the person's terminal.
  let turn: Promise<unknown> = Promise.resolve();
  const granted = (use: KeyUse): Promise<boolean> => {
    if (!confirm) return Promise.resolve(true);
    const answer = turn.then(() => confirm(use));
    turn = answer.catch(() => undefined);
    return answer;
  };
  return async (line, socket) => {
    const request = parseRequest(line);
    if (!request) return refusal('request_invalid', 'not a request that an agent knows');
    const held = keystores.get(request.keystore);
    if (!held) return refusal('not_held', 'this agent does not hold that keystore');
    if (request.op === 'list') return { ok: true, keys: await heldKeys(held.keystore) };
    const entry = request.op === 'sign' ? readEntryBytes(Buffer.from(request.message, 'base64')) : undefined;
    const use: KeyUse = { keystore: held.name, name: request.name, action: request.op === 'unseal' ? 'open a sealed secret' : describeSigning(entry) };
    const reply = await perform(held.keystore, request, entry, async () => (await granted(use)) && !socket.destroyed);
    // A name that is not held is the asker's own text: it does not reach the terminal.
    if (reply.ok || reply.code !== 'not_held') onUse(use, reply.ok ? 'done' : reply.code);
    return reply;
  };
}

function describeSigning(entry: Entry | undefined): string {
  return entry ? `sign ${describeEntry(entry)}` : 'sign what is no entry of a ledger';
}

type UseRequest = Exclude<AgentRequest, { op: 'list' }>;

async function perform(keystore: Keystore, request: UseRequest, entry: Entry | undefined, isGranted: () => Promise<boolean>): Promise<AgentReply> {
  const declined = refusal('declined', 'the person at its terminal did not allow it');
  try {
    if (request.op === 'unseal') {
      const key = await keystore.sealing(request.name);
      if (key.recipient !== request.recipient) return refusal('not_held', 'this key has been replaced');
      if (!(await isGranted())) return declined;
      return { ok: true, bytes: Buffer.from(await key.unseal(request.ciphertext)).toString('base64') };
    }
    const signer = await keystore.signing(request.name);
    if (signer.key !== request.key) return refusal('not_held', 'this key has been replaced');
    if (!entry) return refusal('not_an_entry', 'it signs entries of a ledger, and nothing else');
    if (!(await isGranted())) return declined;
    return { ok: true, bytes: Buffer.from(signer.sign(Buffer.from(request.message, 'base64'))).toString('base64') };
  } catch (error) {
    if (error instanceof KeystoreError && (error.code === 'key_missing' || error.code === 'key_name_invalid')) return refusal('not_held', 'this agent does not hold that key');
    return refusal('failed', request.op === 'unseal' ? 'this was not sealed for that key' : 'the key could not be used');
  }
}

async function heldKeys(keystore: Keystore): Promise<HeldKey[]> {
  const keys: HeldKey[] = [];
  for (const entry of await keystore.list()) {
    const [name = '', type] = entry.split('.');
    if (type === 'signing') keys.push({ type, name, key: (await keystore.signing(name)).key });
    else if (type === 'sealing') keys.push({ type, name, recipient: (await keystore.sealing(name)).recipient });
  }
  return keys;
}

function parseRequest(line: string): AgentRequest | undefined {
  try {
    return AgentRequest.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

function refusal(code: AgentRefusal['code'], message: string): AgentRefusal {
  return { ok: false, code, message };
}
