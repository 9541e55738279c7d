import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { request, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { connect as connectUnix, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { createAuthority, createGateway, type Dial, type Gateway, type GatewayEvent, type GatewayOptions, type Route } from './index.ts';

export const DOMAIN = '3bot.test';

/** A backend that is a real HTTP server on a Unix socket, and can be killed like a process. */
export interface TestBackend {
  node: string;
  server: Server;
  sockets: Set<Socket>;
  start(): Promise<void>;
  kill(): void;
}

export interface World {
  dir: string;
  gateway: Gateway;
  events: GatewayEvent[];
  routes: Route[];
  ca: string;
  caFile: string;
  dial: Dial;
  backends: TestBackend[];
  /** Base URL of the private port of a name. */
  url(name?: string): URL;
  /** Waits until this many backends are healthy. */
  healthy(count: number): Promise<void>;
  close(): Promise<void>;
}

/** A gateway with the name `app` in front of one backend for each handler, dialled over Unix sockets. */
export async function createWorld(handlers: RequestListener[], options: Partial<GatewayOptions> = {}): Promise<World> {
  const dir = await mkdtemp(join(tmpdir(), 'gw-'));
  const backends = handlers.map((handler, index) => createBackend(join(dir, `b${index}`), handler));
  await Promise.all(backends.map((backend) => backend.start()));
  const dial: Dial = ({ node }) =>
    new Promise((resolve, reject) => {
      const socket = connectUnix(node);
      socket.once('connect', () => resolve(socket.off('error', reject)));
      socket.once('error', reject);
    });
  const events: GatewayEvent[] = [];
  const routes = [
    { name: 'app', deployment: 'd1', backends: backends.map(({ node }) => ({ node, service: 'd1/front@1' })) },
  ];
  const ca = await createAuthority(join(dir, 'ca'), { domain: DOMAIN });
  const gateway = createGateway({
    dir: join(dir, 'gw'),
    routes: () => routes,
    dial,
    domain: DOMAIN,
    ca,
    log: (event) => events.push(event),
    ...options,
  });
  const cleanUp = async () => {
    await gateway.close();
    for (const backend of backends) backend.kill();
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await gateway.start();
  } catch (error) {
    await cleanUp();
    throw error;
  }
  const healthyNow = () => gateway.status().names.flatMap(({ backends }) => backends.filter(({ healthy }) => healthy)).length;
  return {
    dir,
    gateway,
    events,
    routes,
    ca: ca.certificatePem,
    caFile: ca.certificateFile,
    dial,
    backends,
    url: (name = 'app') => new URL(gateway.endpoints().find((endpoint) => endpoint.name === name)?.url ?? 'missing:'),
    healthy: (count) => until(() => healthyNow() === count),
    close: cleanUp,
  };
}

function createBackend(path: string, handler: RequestListener): TestBackend {
  const sockets = new Set<Socket>();
  const server = createServer();
  const listener: RequestListener = (incoming, response) => {
    if (incoming.url === '/-/health') response.writeHead(204).end();
    else handler(incoming, response);
  };
  server.on('request', listener);
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  return {
    node: path,
    server,
    sockets,
    start: () => new Promise((resolve) => server.listen(path, resolve)),
    kill: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Resolves when the condition holds; throws after five seconds. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not in time: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export interface Reply {
  status: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

/** One HTTPS request with a verified certificate; rejects when the response is cut off. */
export function ask(
  world: World,
  path: string,
  options: RequestOptions & { body?: Buffer | string; name?: string } = {},
): Promise<Reply> {
  const { hostname, port } = world.url(options.name);
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, path, ca: world.ca, agent: false, ...options }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(options.body);
  });
}

/** Sends raw bytes over TLS and returns everything that comes back until the gateway closes (or `stopAt` is seen). */
export function sendRaw(world: World, bytes: string | Buffer, stopAt?: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port: Number(world.url().port), ca: world.ca }, () => socket.write(bytes));
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (stopAt?.test(text)) socket.destroy();
    });
    socket.on('error', (error: Error) => (text === '' ? reject(error) : undefined));
    socket.on('close', () => resolve(text));
  });
}
