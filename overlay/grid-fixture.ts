import { createHash } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { createAgent } from './agent.ts';
import type { Agent, AgentEvent, AgentOptions } from './agent.ts';
import type { PeerInfo } from './identity.ts';
import { generateDhKey } from './x25519.ts';
import type { DhKey } from './x25519.ts';

export const digestOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

export interface TestNode {
  id: string;
  agent: Agent;
  key: DhKey;
  events: AgentEvent[];
}

export interface NodeOptions {
  listen?: boolean;
  relay?: boolean;
  /** Not entered in the directory. */
  stranger?: boolean;
  grid?: string;
  /** Takes another node's place in the directory lookups only; the own key is still its own. */
  id?: string;
  access?: AgentOptions['access'];
  /** Endpoint to publish instead of its own. */
  through?: (endpoint: string) => Promise<string>;
}

/** A directory and real agents on 127.0.0.1, for tests. */
export class TestGrid {
  readonly peers = new Map<string, PeerInfo>();
  readonly relayIds = new Set<string>();
  readonly #nodes: TestNode[] = [];
  readonly grid = digestOf('grid');

  readonly directory: AgentOptions['directory'] = {
    get: (id) => this.peers.get(id),
    byKey: (key) => [...this.peers.values()].find((peer) => peer.overlayKey === key),
    relays: () => [...this.relayIds].flatMap((id) => this.peers.get(id) ?? []),
  };

  async node(name: string, options: NodeOptions = {}): Promise<TestNode> {
    const key = generateDhKey();
    const id = options.id ?? digestOf(name);
    const events: AgentEvent[] = [];
    const agent = createAgent({
      id, publicKey: key.publicKey, dh: (peer) => key.dh(peer), grid: options.grid ?? this.grid, directory: this.directory,
      relay: options.relay === true, access: options.access ?? (() => true), log: (event) => events.push(event),
      ...(options.listen === true ? { listen: { host: '127.0.0.1', port: 0 } } : {}),
    });
    const node = { id, agent, key, events };
    this.#nodes.push(node);
    if (options.stranger !== true) this.peers.set(id, { id, overlayKey: Buffer.from(key.publicKey).toString('base64url'), endpoints: [] });
    const { endpoint } = await agent.start();
    const peer = this.peers.get(id);
    if (peer !== undefined && endpoint !== undefined && options.stranger !== true) {
      peer.endpoints = [options.through === undefined ? endpoint : await options.through(endpoint)];
    }
    if (options.relay === true) this.relayIds.add(id);
    this.refresh();
    return node;
  }

  /** To be called after a change of the directory. */
  refresh(): void {
    for (const each of this.#nodes) each.agent.refresh();
  }

  async close(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.agent.close()));
  }
}

/** Serves every stream by sending back what it gets. */
export function echo(node: TestNode): void {
  node.agent.handle((stream) => void stream.pipe(stream));
}

/** All bytes up to the end; unlike `for await`, it leaves the writing side open. */
export function readAll(stream: Duplex): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.once('end', () => resolve(Buffer.concat(chunks)));
    stream.once('close', () => reject(stream.errored ?? new Error('closed before its end')));
  });
}

/** Sends the bytes, ends, and returns all that comes back. */
export async function exchange(stream: Duplex, bytes: Uint8Array): Promise<Buffer> {
  stream.end(bytes);
  return readAll(stream);
}

/** Waits until the condition holds; throws after `ms`. */
export async function until(condition: () => boolean, ms = 3_000): Promise<void> {
  const end = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited ${String(ms)} ms in vain`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Resolves when the stream is closed, with an error or without. */
export function closed(stream: Duplex): Promise<void> {
  return stream.closed ? Promise.resolve() : new Promise((resolve) => stream.once('close', resolve));
}
