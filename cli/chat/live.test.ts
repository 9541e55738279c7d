import { createServer } from 'node:http';
import { expect, it } from 'vitest';
import { serveLive } from '../../bot/chat/http/live.ts';
import type { Answerer } from '../../bot/chat/conversation.ts';
import { openMemory } from '../../bot/chat/memory.ts';
import { createSession } from '../../bot/chat/session.ts';
import { openLive } from './live.ts';

const token = 't'.repeat(43);
const echo: Answerer = { reply: async ({ text }) => ({ text: `heard ${text}`, draft: undefined, contract: undefined, by: 'dialogue' }) };

it('says more lines than a connection may send at once, and is answered each', async () => {
  const memory = openMemory(':memory:');
  const session = createSession({ memory, answerer: echo, dialogue: echo });
  const server = createServer();
  const live = serveLive({ server, session, token });
  const url = await new Promise<string>((resolve) => { server.listen(0, '127.0.0.1', () => { const address = server.address(); resolve(`http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}`); }); });
  const client = await openLive({ url, token }, session.begin());
  try {
    const lines = Array.from({ length: 12 }, (_, i) => `line ${i}`);
    const heard: string[] = [];
    for (const line of lines) heard.push((await client.say(line, { onProgress: () => undefined, onText: () => undefined })).text);
    expect(heard).toEqual(lines.map((line) => `heard ${line}`));
  } finally {
    client.close();
    live.close();
    await new Promise((done) => server.close(done));
    memory.close();
  }
}, 30_000);
