import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { ModelFailure } from './failure.ts';
import { createTransport, type Transport } from './transport.ts';

const WHOLE = JSON.stringify({ choices: [{ message: { content: 'yes' }, finish_reason: 'stop' }] });
const servers: Server[] = [];
afterEach(() => { for (const server of servers.splice(0)) server.closeAllConnections(); });

/** A server that hangs up when a connection carries more requests than `perConnection`, and what asks it without trying again. */
async function start(perConnection: number): Promise<{ readonly send: Transport; readonly connections: Set<Socket> }> {
  const served = new WeakMap<Socket, number>();
  const connections = new Set<Socket>();
  const server = createServer((request, response) => {
    const count = (served.get(request.socket) ?? 0) + 1;
    served.set(request.socket, count);
    connections.add(request.socket);
    request.resume().once('end', () => {
      if (count > perConnection) request.socket.destroy();
      else response.writeHead(200, { 'content-type': 'application/json' }).end(WHOLE);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address() as AddressInfo;
  return { connections, send: createTransport({ baseUrl: `http://127.0.0.1:${port}/v1`, key: undefined, firstByteSeconds: 20, idleSeconds: 20, retries: 0 }) };
}
const asking = { signal: new AbortController().signal, onText: () => undefined };

it('keeps its connection from request to request', async () => {
  const { send, connections } = await start(10);
  for (let i = 0; i < 3; i++) expect((await send('{}', asking)).text).toBe('yes');
  expect(connections.size).toBe(1);
});

it('a kept connection that ended meanwhile is no failure; a new one that ends is', async () => {
  const { send, connections } = await start(1);
  for (let i = 0; i < 3; i++) expect((await send('{}', asking)).text).toBe('yes');
  expect(connections.size).toBe(3);
  const dead = await start(0);
  await expect(dead.send('{}', asking)).rejects.toMatchObject({ name: ModelFailure.name, kind: 'unreachable' });
  expect(dead.connections.size).toBe(1);
});

it('what the reader of the text throws ends the request and comes through', async () => {
  const { send } = await start(10);
  const full = new RangeError('full');
  await expect(send('{}', { ...asking, onText: () => { throw new ModelFailure('garbled', 'enough'); } })).rejects.toMatchObject({ message: 'enough' });
  await expect(send('{}', { ...asking, onText: () => { throw full; } })).rejects.toThrow();
  expect((await send('{}', asking)).text).toBe('yes');
});
