import { lstat, realpath } from 'node:fs/promises';
import { createConnection } from 'node:net';
import path from 'node:path';
import type { EntrySigner } from '../../contract/envelope.ts';
import { hasCode } from '../durable.ts';
import type { Keystore, SealingKey } from '../ports.ts';
import { KeystoreError } from '../keystore-error.ts';
import { verifySignature } from '../verify.ts';
import { exchangeLineBlocking } from './blocking.ts';
import { type Exchange, exchangeLine } from './exchange.ts';
import { AgentReply, type AgentRequest, type HeldKey, MAX_LINE } from './protocol.ts';

const LIST_TIMEOUT_MS = 10_000;
/** Longest wait for a use of a key: a person may have to confirm it. */
const USE_TIMEOUT_MS = 90_000;

/**
 * The keystore of this folder as an agent holds it; undefined when no agent is there, or it does not hold this one. Throws
 * KeystoreError agent_refused for a socket that another user may have put there.
 */
export async function openAgentKeystore(socket: string, dir: string): Promise<Keystore | undefined> {
  if (!(await isOwnSocket(socket))) return undefined;
  const keystore = await realpath(dir).catch(() => dir);
  const list = async (): Promise<readonly HeldKey[] | undefined> => {
    const reply = await ask(socket, { op: 'list', keystore }, LIST_TIMEOUT_MS);
    if (reply === undefined || (!reply.ok && reply.code === 'not_held')) return undefined;
    if (!reply.ok) throw refused(reply.message);
    return reply.keys ?? [];
  };
  const find = async <T extends HeldKey['type']>(type: T, name: string): Promise<Extract<HeldKey, { type: T }>> => {
    const keys = await list();
    if (!keys) throw unreachable(socket);
    const isIt = (key: HeldKey): key is Extract<HeldKey, { type: T }> => key.type === type && key.name === name;
    const found = keys.find(isIt);
    if (!found) throw new KeystoreError('key_missing', `the agent holds no ${type} key ${name} of this keystore`, 'see `3bot key list`; an agent makes no keys');
    return found;
  };
  if ((await list()) === undefined) return undefined;
  return {
    list: async () => ((await list()) ?? []).map(({ name, type }) => `${name}.${type}`).sort(),
    signing: async (name) => agentSigner(socket, keystore, await find('signing', name)),
    sealing: async (name) => agentSealing(socket, keystore, await find('sealing', name)),
    overlay: (name) => Promise.reject(new KeystoreError('key_missing', `an agent does not hold overlay keys (${name})`, 'nodes and gateways open theirs by file')),
  };
}

function agentSigner(socket: string, keystore: string, { name, key }: Extract<HeldKey, { type: 'signing' }>): EntrySigner {
  return {
    key,
    sign: (message) => {
      const request: AgentRequest = { op: 'sign', keystore, name, key, message: Buffer.from(message).toString('base64') };
      let line: string;
      try {
        line = exchangeLineBlocking(exchange(socket, request, USE_TIMEOUT_MS));
      } catch {
        throw unreachable(socket);
      }
      const signature = bytesOf(parseReply(line));
      if (!verifySignature(key, message, signature)) throw refused(`what it gave is no signature by ${key}`);
      return signature;
    },
  };
}

function agentSealing(socket: string, keystore: string, { name, recipient }: Extract<HeldKey, { type: 'sealing' }>): SealingKey {
  return {
    recipient,
    unseal: async (ciphertext) => {
      const reply = await ask(socket, { op: 'unseal', keystore, name, recipient, ciphertext }, USE_TIMEOUT_MS);
      if (!reply) throw unreachable(socket);
      return bytesOf(reply);
    },
  };
}

/** Undefined when nobody answers. */
async function ask(socket: string, request: AgentRequest, timeoutMs: number): Promise<AgentReply | undefined> {
  let line: string;
  try {
    line = await exchangeLine({ createConnection }, exchange(socket, request, timeoutMs));
  } catch {
    return undefined;
  }
  return parseReply(line);
}

function exchange(path: string, request: AgentRequest, timeoutMs: number): Exchange {
  return { path, line: JSON.stringify(request), limit: MAX_LINE, timeoutMs };
}

function parseReply(line: string): AgentReply {
  try {
    return AgentReply.parse(JSON.parse(line));
  } catch {
    throw refused('its answer is not in the form that was agreed');
  }
}

function bytesOf(reply: AgentReply): Uint8Array {
  if (!reply.ok) throw refused(reply.message);
  return new Uint8Array(Buffer.from(reply.bytes ?? '', 'base64'));
}

/** False when there is none. Only who can write to its folder can put a socket there, so both must be this user's alone. */
async function isOwnSocket(socket: string): Promise<boolean> {
  try {
    const [it, folder] = await Promise.all([lstat(socket), lstat(path.dirname(path.resolve(socket)))]);
    const uid = process.getuid?.();
    if (it.isSocket() && it.uid === uid && folder.isDirectory() && folder.uid === uid && (folder.mode & 0o022) === 0) return true;
    throw new KeystoreError('agent_refused', `${socket} is not a socket of this user in a folder that only this user can write to`, 'name the socket that `3bot key agent` printed in THREEBOT_AGENT');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

function refused(message: string): KeystoreError {
  return new KeystoreError('agent_refused', `the key agent refused: ${message}`, 'its terminal says more');
}

function unreachable(socket: string): KeystoreError {
  return new KeystoreError('agent_unreachable', `the key agent at ${socket} does not answer`, 'its time may be over: start `3bot key agent` again');
}
