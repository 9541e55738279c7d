import { WebSocket } from 'ws';
import type { Random } from '../e2e/random.ts';
import { tellsInside, unclear } from './refusals.ts';

/** Longest message of an answer, in characters, and how long a socket may stay open. */
const MAX_ANSWER = 256 * 1024;
const PATIENCE_MS = 2000;

/** One WebSocket that says what it should not; returns what was wrong with the answers. */
export function garbageOver(at: URL, random: Random): Promise<string[]> {
  return new Promise((resolve) => {
    const troubles: string[] = [];
    const socket = new WebSocket(at, { perMessageDeflate: false, handshakeTimeout: 10_000 });
    const quiet = setTimeout(() => socket.terminate(), PATIENCE_MS);
    socket.on('open', () => {
      const raw = Reflect.get(socket, '_socket') as { write(bytes: Uint8Array): void };
      const messages: readonly (() => void)[] = [
        () => raw.write(random.bytes(4 + random.below(2000))),
        () => raw.write(Buffer.from([0x81, 0x05, ...Buffer.from('plain')])),
        () => raw.write(Buffer.from([0xf1, 0x80, 0, 0, 0, 0])),
        () => raw.write(Buffer.from([0x81, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0])),
        () => raw.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xc0, 0x80])),
        () => raw.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0xff, 0xff])),
        () => { for (let i = 0; i < 200; i++) raw.write(Buffer.from([i === 0 ? 0x01 : 0x00, 0x81, 0, 0, 0, 0, 0x20])); },
        () => { for (let i = 0; i < 500; i++) socket.ping('x'.repeat(100)); },
        () => socket.send(random.bytes(64)),
        () => socket.send('{'), () => socket.send('null'), () => socket.send('{"id":-1}'), () => socket.send('{"id":1,"envelopes":[]}'), () => socket.send('{"id":1e999,"envelopes":[0]}'),
        () => socket.send(`{"id":1,"envelopes":[${Array(257).fill(0).join(',')}]}`),
        () => socket.send(`{"id":1,"envelopes":[${'['.repeat(20_000)}${']'.repeat(20_000)}]}`),
        () => socket.send(`{"id":1,"__proto__":{},"${'k'.repeat(20_000)}":1,"envelopes":[0]}`),
        () => { for (let id = 0; id < 100; id++) socket.send(JSON.stringify({ id, envelopes: [null, { payloadType: 'x' }] })); },
        () => socket.send(`{"id":1,"envelopes":["${'x'.repeat(2_000_000)}"]}`),
      ];
      messages[random.below(messages.length)]!();
      setTimeout(() => socket.close(), 20);
    });
    socket.on('message', (data: Buffer) => {
      const text = data.toString('utf8');
      if (text.length > MAX_ANSWER) troubles.push(`an answer of ${text.length} characters`);
      if (tellsInside(text)) troubles.push(`tells of the inside: ${text.slice(0, 300)}`);
      if (at.pathname !== '/v1/submit') return;
      const answer = JSON.parse(text) as { ok: boolean; error?: { code?: unknown; message?: unknown; hint?: unknown }; results?: unknown[] };
      if (answer.ok) troubles.push(...(answer.results ?? ['no results']).flatMap((result) => unclear(result) ?? []));
      else if (typeof answer.error?.code !== 'string' || answer.error.code === 'ledger_failed' || typeof answer.error.message !== 'string' || typeof answer.error.hint !== 'string') troubles.push(`no clear refusal: ${text.slice(0, 300)}`);
    });
    // A ledger without this socket, or one that has had enough, closes it.
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      clearTimeout(quiet);
      resolve(troubles);
    });
  });
}
