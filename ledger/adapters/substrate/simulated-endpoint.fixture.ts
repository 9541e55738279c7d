import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type RawData, WebSocket, WebSocketServer } from 'ws';

interface Request { readonly id: number; readonly method: string; readonly params: unknown[] }

/** What the simulated node does instead of passing on; each part may be set and taken away while it runs. */
export interface EndpointScript {
  /** Answers a question; `ask` puts any question to the real node. Undefined passes it on as it is. */
  answer?: (method: string, params: unknown[], ask: (method: string, params: unknown[]) => Promise<unknown>) => Promise<unknown> | undefined;
  /** A finalized head that the real node tells of: what is told instead, or undefined for nothing. */
  finalized?: (header: unknown) => unknown;
  /** Whole frames instead of an answer. */
  raw?: (method: string) => string | Buffer | undefined;
}

/**
 * A simulated JSON-RPC node: stands before a real one and lies, lags, forgets or breaks off as its script says. For what
 * the real runtime in this process never does by itself.
 */
export interface SimulatedEndpoint {
  readonly url: string;
  script: EndpointScript;
  /** How often each method was asked for. */
  readonly asked: Map<string, number>;
  /** Tells every follower of a finalized head. */
  announce(header: unknown): void;
  /** Ends every connection; `refuse` keeps new ones out until the next call. */
  disconnect(options?: { refuse?: boolean }): void;
  close(): Promise<void>;
}

/** What a script throws to answer with an error of that JSON-RPC code. */
export class ScriptedError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export async function startSimulatedEndpoint(upstream: string): Promise<SimulatedEndpoint> {
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  const asked = new Map<string, number>();
  const followers = new Map<WebSocket, string | number>();
  let refusing = false;
  const endpoint: SimulatedEndpoint = {
    url: '', script: {}, asked,
    announce: (header) => { for (const [client, subscription] of followers) client.send(JSON.stringify({ jsonrpc: '2.0', method: 'chain_finalizedHead', params: { subscription, result: header } })); },
    disconnect: ({ refuse = false } = {}) => {
      refusing = refuse;
      for (const client of sockets.clients) client.terminate();
    },
    close: async () => {
      for (const client of sockets.clients) client.terminate();
      sockets.close();
      await new Promise((resolve) => { server.close(resolve); });
    },
  };
  sockets.on('connection', (client) => {
    if (refusing) {
      client.terminate();
      return;
    }
    const node = new WebSocket(upstream);
    const open = new Promise<void>((resolve, reject) => {
      node.once('open', resolve);
      node.once('error', reject);
    });
    const waiting = new Map<number, (reply: Record<string, unknown>) => void>();
    let nextId = 1;
    const ask = async (method: string, params: unknown[]): Promise<Record<string, unknown>> => {
      await open;
      const id = nextId++;
      const reply = new Promise<Record<string, unknown>>((resolve) => { waiting.set(id, resolve); });
      node.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
      return reply;
    };
    const askResult = async (method: string, params: unknown[]): Promise<unknown> => (await ask(method, params))['result'];
    node.on('message', (data) => {
      const message = parse(data) as { id?: number; params?: { subscription: string | number; result: unknown } } & Record<string, unknown>;
      if (message.id !== undefined) {
        waiting.get(message.id)?.(message);
        waiting.delete(message.id);
      } else if (message.params && client.readyState === WebSocket.OPEN) {
        const { finalized } = endpoint.script;
        const result = finalized ? finalized(message.params.result) : message.params.result;
        if (result !== undefined) client.send(JSON.stringify({ ...message, params: { ...message.params, result } }));
      }
    });
    client.on('message', (data) => {
      const { id, method, params } = parse(data) as Request;
      asked.set(method, (asked.get(method) ?? 0) + 1);
      const raw = endpoint.script.raw?.(method);
      if (raw !== undefined) {
        client.send(raw);
        return;
      }
      const scripted = endpoint.script.answer?.(method, params, askResult);
      const answered = scripted ? scripted.then((result) => ({ result }), (error: unknown) => ({ error: { code: error instanceof ScriptedError ? error.code : 1, message: String(error) } })) : ask(method, params);
      void answered.then((reply) => {
        if (method === 'chain_subscribeFinalizedHeads' && 'result' in reply) followers.set(client, reply.result as string);
        if (client.readyState === WebSocket.OPEN) client.send(JSON.stringify({ ...reply, jsonrpc: '2.0', id }));
      });
    });
    client.once('close', () => {
      followers.delete(client);
      node.terminate();
    });
    node.on('error', () => client.terminate());
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return Object.assign(endpoint, { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

function parse(data: RawData): unknown {
  return JSON.parse((data as Buffer).toString('utf8'));
}
