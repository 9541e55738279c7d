import { chmod, mkdtemp, realpath, stat, unlink, writeFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { canonicalBytes } from '../../contract/canonical.ts';
import { digestOf } from '../../contract/digest.ts';
import { openEnvelope, payloadTypeOf, preAuthEncoding, sealEnvelope } from '../../contract/envelope.ts';
import { generatePkcs8, signerOf } from '../keys.ts';
import { type Keystore, openKeystore, openKeystoreFiles } from '../keystore.ts';
import { seal } from '../seal.ts';
import { protectKeystore } from '../unlock.ts';
import { verifySignature } from '../verify.ts';
import { openAgentKeystore } from './client.ts';
import { readEntryBytes } from './entry-bytes.ts';
import { exchangeLine } from './exchange.ts';
import { AgentReply, MAX_LINE } from './protocol.ts';
import { type KeyAgentOptions, serveKeyAgent } from './server.ts';

/**
 * The agent answers in this process, and an EntrySigner of a client blocks the process that it is in: signing through the client is
 * tested where the agent is another process (cli/commands/key.test.ts); here, the agent is asked directly.
 */
const PASSPHRASE = 'five words make it long';
const payload = { grid: digestOf('grid'), beat: 7 };
const entry = preAuthEncoding('application/vnd.3bot.tick.v1+json', Buffer.from(`{"beat":7,"grid":"${payload.grid}"}`));
const id = (name: string): string => digestOf(name);
const said = { grid: payload.grid, by: id('alice') };
const approval = { ...said, contract: id('contract'), role: 'owner', explanation: id('explanation'), statement: 'I agree', signBefore: '2026-11-20T12:00:00.000Z' };
const bytesOf = (kind: string, fields: Record<string, unknown>): Uint8Array => preAuthEncoding(payloadTypeOf(kind), canonicalBytes(fields));

const ending: AbortController[] = [];
afterEach(() => { for (const controller of ending.splice(0)) controller.abort(); });

interface Running { readonly socket: string; readonly dir: string; readonly unlock: string; readonly keystore: Keystore; readonly uses: string[]; readonly ended: Promise<string>; readonly stop: AbortController }

async function start(options: Partial<KeyAgentOptions> = {}): Promise<Running> {
  const root = await mkdtemp(path.join(os.tmpdir(), '3bot-agent-'));
  const at = { dir: path.join(root, 'keys'), unlock: path.join(root, 'unlock') };
  await protectKeystore({ ...at, passphrase: PASSPHRASE, workFactor: 4 });
  const keystore = await openKeystoreFiles({ ...at, create: true, unlocking: { passphrase: () => Promise.resolve(PASSPHRASE) } });
  await keystore.newSigning('alice');
  await keystore.sealing('alice');
  const stop = new AbortController();
  ending.push(stop);
  const uses: string[] = [];
  const socket = path.join(root, 'agent.sock');
  const keystores = new Map([[await realpath(at.dir), { name: 'stakeholders', keystore }]]);
  const { ended } = await serveKeyAgent({ socket, keystores, ttlMs: 60_000, onUse: (use, outcome) => { uses.push(`${use.keystore}/${use.name} ${use.action}: ${outcome}`); }, signal: stop.signal, ...options });
  return { socket, ...at, keystore, uses, ended, stop };
}

async function ask({ socket }: Pick<Running, 'socket'>, request: unknown): Promise<AgentReply> {
  return AgentReply.parse(JSON.parse(await exchangeLine({ createConnection }, { path: socket, line: JSON.stringify(request), limit: MAX_LINE, timeoutMs: 10_000 })));
}

async function signRequest(agent: Running, message: Uint8Array): Promise<Record<string, unknown>> {
  return { op: 'sign', keystore: await realpath(agent.dir), name: 'alice', key: (await agent.keystore.signing('alice')).key, message: Buffer.from(message).toString('base64') };
}

describe('a key agent', () => {
  it('opens a keystore for those who name it, with no passphrase, and shows no secret', async () => {
    const agent = await start();
    expect((await stat(agent.socket)).mode & 0o777).toBe(0o600);
    const held = await openKeystore({ dir: agent.dir, unlock: agent.unlock, unlocking: { agent: agent.socket } });
    expect(await held.list()).toEqual(['alice.sealing', 'alice.signing']);
    expect((await held.signing('alice')).key).toBe((await agent.keystore.signing('alice')).key);
    const sealing = await held.sealing('alice');
    expect(Buffer.from(await sealing.unseal(await seal(Buffer.from('a secret'), sealing.recipient))).toString()).toBe('a secret');
    await expect(sealing.unseal(Buffer.from('nothing sealed').toString('base64'))).rejects.toMatchObject({ code: 'agent_refused' });
    await expect(held.signing('bob')).rejects.toMatchObject({ code: 'key_missing' });
    await expect(held.overlay('alice')).rejects.toMatchObject({ code: 'key_missing' });
    expect(agent.uses).toEqual(['stakeholders/alice open a sealed secret: done', 'stakeholders/alice open a sealed secret: failed']);
  });

  it('signs an entry, and says what kind it was', async () => {
    const agent = await start();
    const reply = await ask(agent, await signRequest(agent, entry));
    const { key } = await agent.keystore.signing('alice');
    const sig = reply.ok ? reply.bytes ?? '' : '';
    expect(openEnvelope({ ...sealEnvelope('tick', payload, signerOf(generatePkcs8('signing'))), signatures: [{ keyid: key, sig }] }, verifySignature)).toMatchObject({ ok: true, kind: 'tick', key });
    expect(await ask(agent, await signRequest(agent, bytesOf('contract.approved', { ...approval })))).toMatchObject({ ok: true });
    expect(agent.uses).toEqual(['stakeholders/alice sign tick: done', `stakeholders/alice sign contract.approved of contract ${approval.contract}: done`]);
  });

  it('tells the facts of a transfer, and of a change of keys', async () => {
    const agent = await start();
    const other = signerOf(generatePkcs8('signing')).key;
    const nonce = '0'.repeat(32);
    const recovery = { k: 1, guardians: [id('guardian')] };
    for (const [kind, fields] of Object.entries({
      'credit.transferred': { ...said, to: id('thief'), amount: '5000000', nonce },
      'principal.rotated': { ...said, revision: 2, add: [other], retire: [], recovery },
      'principal.revoked': { ...said, revision: 3, key: other, reason: 'lost' },
      'principal.recovered': { ...said, principal: id('friend'), round: 1, keys: [other] },
    })) expect(await ask(agent, await signRequest(agent, bytesOf(kind, fields))), kind).toMatchObject({ ok: true });
    expect(agent.uses).toEqual([
      `sign credit.transferred of 5000000 millionths from ${said.by} to ${id('thief')}`,
      `sign principal.rotated of ${said.by}: adds ${other}; guardians, 1 of ${id('guardian')}`,
      `sign principal.revoked of ${said.by}: ends ${other}`,
      `sign principal.recovered: gives ${id('friend')} the keys ${other}`,
    ].map((action) => `stakeholders/alice ${action}: done`));
  });

  it.each([
    ['a text', Buffer.from('hello')],
    ['nothing', Buffer.alloc(0)],
    ['the example of DSSE', preAuthEncoding('http://example.com/HelloWorld', Buffer.from('hello world'))],
    ['an in-toto statement', preAuthEncoding('application/vnd.in-toto+json', Buffer.from('{}'))],
    ['an entry with something after it', Buffer.concat([entry, Buffer.from('x')])],
    ['an entry with something before it', Buffer.concat([Buffer.from('x'), entry])],
    ['an entry with a leading zero in a length', Buffer.from(Buffer.from(entry).toString().replace('DSSEv1 ', 'DSSEv1 0'))],
    ['an entry that is not canonical', preAuthEncoding('application/vnd.3bot.tick.v1+json', Buffer.from('{"b":1,"a":2}'))],
    ['an entry that is no JSON', preAuthEncoding('application/vnd.3bot.tick.v1+json', Buffer.from('tick'))],
    ['a kind that is none of ours', bytesOf('money.given', { ...said })],
    ['a snapshot, which is no entry', bytesOf('ledger.snapshot', { ...said })],
    ['a field too many', bytesOf('tick', { ...payload, more: 1 })],
    ['an approval of what is no contract', bytesOf('contract.approved', { ...approval, contract: 'sha256:\u001b[2J' })],
    ['an approval with a part missing', bytesOf('contract.approved', { ...said, contract: approval.contract })],
    ['a checkpoint of a ledger', Buffer.from('3bot.ledger/grid\n7\nAAAA\n')],
    ['an SSH login', Buffer.from('0000002000000000ffff32', 'hex')],
  ])('does not sign %s', async (_, message) => {
    const agent = await start();
    expect(await ask(agent, await signRequest(agent, message))).toMatchObject({ ok: false, code: 'not_an_entry' });
    expect(readEntryBytes(message)).toBeUndefined();
    expect(agent.uses).toEqual(['stakeholders/alice sign what is no entry of a ledger: not_an_entry']);
  });

  it.each([
    ['another operation', { op: 'export', keystore: '/', name: 'alice' }, 'request_invalid'],
    ['a field too many', { op: 'list', keystore: '/', extra: 1 }, 'request_invalid'],
    ['no object', 7, 'request_invalid'],
    ['a keystore that it does not hold', { op: 'list', keystore: '/' }, 'not_held'],
  ])('refuses %s', async (_, request, code) => {
    const agent = await start();
    expect(await ask(agent, request)).toMatchObject({ ok: false, code });
    expect(agent.uses).toEqual([]);
  });

  it('never shows the text of an asker to its person', async () => {
    const agent = await start();
    const request = { ...(await signRequest(agent, entry)), name: '\u001b[2Jalice' };
    expect(await ask(agent, request)).toMatchObject({ ok: false, code: 'not_held' });
    expect(agent.uses).toEqual([]);
  });

  it('signs with the key that was named, not with one that replaced it', async () => {
    const agent = await start();
    const request = await signRequest(agent, entry);
    const owner = await openKeystoreFiles({ dir: agent.dir, unlock: agent.unlock, unlocking: { passphrase: () => Promise.resolve(PASSPHRASE) } });
    await owner.commitRotation('alice', (await owner.rotate('alice')).next.key);
    expect(await ask(agent, request)).toMatchObject({ ok: false, code: 'not_held', message: 'this key has been replaced' });
    expect(await ask(agent, await signRequest(agent, entry))).toMatchObject({ ok: true });
  });

  it('asks first where it was told to, one question at a time, and takes no for an answer', async () => {
    const asked: string[] = [];
    let open = 0;
    const agent = await start({ confirm: async (use) => {
      open += 1;
      expect(open).toBe(1);
      asked.push(use.action);
      await new Promise((resolve) => { setImmediate(resolve); });
      open -= 1;
      return asked.length > 1;
    } });
    const request = await signRequest(agent, entry);
    expect((await Promise.all([ask(agent, request), ask(agent, request)])).map((reply) => (reply.ok ? 'ok' : reply.code)).sort()).toEqual(['declined', 'ok']);
    expect(asked).toEqual(['sign tick', 'sign tick']);
    expect(await ask(agent, await signRequest(agent, Buffer.from('no entry')))).toMatchObject({ code: 'not_an_entry' });
    expect(asked).toHaveLength(2);
  });

  it('answers several on one connection, in order, and ends one that sends too much', async () => {
    const agent = await start();
    const list = JSON.stringify({ op: 'list', keystore: await realpath(agent.dir) });
    const received = await new Promise<string>((resolve, reject) => {
      const socket = createConnection({ path: agent.socket });
      let text = '';
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (text.split('\n').length === 4) socket.destroy();
      });
      socket.on('close', () => { resolve(text); }).on('error', reject);
      socket.write(`${list}\n{"op":\n${list}\n`);
    });
    expect(received.trim().split('\n').map((line) => AgentReply.parse(JSON.parse(line)).ok)).toEqual([true, false, true]);
    await expect(exchangeLine({ createConnection }, { path: agent.socket, line: 'x'.repeat(MAX_LINE + 1), limit: MAX_LINE, timeoutMs: 10_000 })).rejects.toThrow();
    expect(await ask(agent, JSON.parse(list))).toMatchObject({ ok: true });
  });

  it('forgets when its time is over, and when it is ended', async () => {
    const brief = await start({ ttlMs: 50 });
    expect(await brief.ended).toBe('expired');
    await expect(stat(brief.socket)).rejects.toMatchObject({ code: 'ENOENT' });
    const agent = await start();
    const held = await openAgentKeystore(agent.socket, agent.dir);
    agent.stop.abort();
    expect(await agent.ended).toBe('stopped');
    expect(await openAgentKeystore(agent.socket, agent.dir)).toBeUndefined();
    await expect(held?.signing('alice')).rejects.toMatchObject({ code: 'agent_unreachable' });
    await expect(openKeystore({ ...agent, unlocking: { agent: agent.socket } })).rejects.toMatchObject({ code: 'keystore_locked' });
    // Named, but not there: the person is asked instead.
    await openKeystore({ dir: agent.dir, unlock: agent.unlock, unlocking: { agent: agent.socket, passphrase: () => Promise.resolve(PASSPHRASE) } });
  });

  it('is not taken for one where another user could have put its socket, or where there is none', async () => {
    const agent = await start();
    await chmod(path.dirname(agent.socket), 0o777);
    await expect(openAgentKeystore(agent.socket, agent.dir)).rejects.toMatchObject({ code: 'agent_refused' });
    await chmod(path.dirname(agent.socket), 0o700);
    await unlink(agent.socket);
    await writeFile(agent.socket, '');
    await expect(openAgentKeystore(agent.socket, agent.dir)).rejects.toMatchObject({ code: 'agent_refused' });
  });

  it.each([['{"ok":true,"keys":[{"type":"signing"}]}'], ['not json'], ['{"ok":true}{}']])('is refused when it answers %s', async (line) => {
    const root = await mkdtemp(path.join(os.tmpdir(), '3bot-agent-'));
    const server = createServer((socket) => { socket.end(`${line}\n`); });
    await new Promise<void>((resolve) => { server.listen(path.join(root, 'agent.sock'), resolve); });
    try {
      await expect(openAgentKeystore(path.join(root, 'agent.sock'), root)).rejects.toMatchObject({ code: 'agent_refused' });
    } finally {
      server.close();
    }
  });
});
