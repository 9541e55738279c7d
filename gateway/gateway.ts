import { join } from 'node:path';
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { BackendPool } from './backends.ts';
import { LeafStore, type Leaf } from './certificates.ts';
import { ConnectionBudget, Listener } from './listener.ts';
import { labelOf, readRoutes, selectBySni, selectOnNamePort } from './names.ts';
import { PortAssignments } from './port-assignments.ts';
import type { Gateway, GatewayOptions, GatewayStatus, Log, Route } from './ports.ts';
import type { Director, Site } from './proxy.ts';

const MAX_CONNECTIONS = 1024;
const DRAIN_MS = 5000;
const RENEWAL_CHECK_MS = 3_600_000;
/** Id of the certificate for clients that name no server; no DNS label, so no name collides with it. */
const DEFAULT_LEAF = '_gateway';

/** A name while it is published: its site, its private port and its certificate. */
interface Published {
  site: Site;
  route: Route;
  listener: Listener;
  leaf: Leaf;
  context: SecureContext;
  port: number;
}

/** Publishes names with TLS: all of them on one port by server name, and each on a port of its own. */
export function createGateway(options: GatewayOptions): Gateway {
  return new TlsGateway(options);
}

class TlsGateway implements Gateway {
  readonly #options: GatewayOptions;
  readonly #host: string;
  readonly #log: Log;
  readonly #leaves: LeafStore;
  readonly #budget = new ConnectionBudget(MAX_CONNECTIONS);
  readonly #published = new Map<string, Published>();
  readonly #withdrawing = new Set<Promise<void>>();
  #ports: PortAssignments | undefined;
  #shared: { listener: Listener; leaf: Leaf; port: number } | undefined;
  #state: GatewayStatus['state'] = 'new';
  #queue: Promise<void> = Promise.resolve();
  #renewal: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#host = options.host ?? '127.0.0.1';
    this.#log = options.log ?? (() => undefined);
    const now = options.now ?? Date.now;
    this.#leaves = new LeafStore({ dir: join(options.dir, 'leaves'), ca: options.ca, now, log: this.#log });
  }

  async start(): Promise<{ url: string }> {
    if (this.#state !== 'new') throw new Error(`the gateway is ${this.#state}`);
    this.#state = 'running';
    try {
      await this.#enqueue(() => this.#open());
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#renewal = setInterval(() => {
      this.refresh().catch((error: unknown) => this.#log({ event: 'refresh_failed', reason: String(error) }));
    }, RENEWAL_CHECK_MS);
    this.#renewal.unref();
    return { url: this.#url() };
  }

  async #open(): Promise<void> {
    this.#ports = await PortAssignments.open(join(this.#options.dir, 'ports.json'), this.#log);
    const leaf = await this.#obtainLeaf();
    const listener = new Listener({
      leaf,
      director: this.#director((host, serverName) => selectBySni(host, serverName, this.#options.domain)),
      budget: this.#budget,
      contextFor: (serverName) => this.#contextFor(serverName),
    });
    const fixed = this.#options.port ?? 0;
    const wanted = fixed === 0 ? this.#ports.recall() : fixed;
    const port = await listener.listen(this.#host, wanted);
    this.#shared = { listener, leaf, port };
    // A port that was asked for is a promise to others; one that was only remembered is not.
    if (fixed !== 0 && port !== fixed) throw new Error(`port ${fixed} of ${this.#host} is taken`);
    await this.#publishRoutes();
  }

  #director(choose: (host: string, serverName: string | undefined) => ReturnType<Director['choose']>): Director {
    return {
      choose: (host, request) => choose(host, serverNameOf(request.socket as TLSSocket)),
      find: (name) => this.#published.get(name)?.site,
      draining: () => this.#state !== 'running',
    };
  }

  #contextFor(serverName: string): SecureContext | undefined {
    const label = labelOf(serverName.toLowerCase(), this.#options.domain);
    return label === undefined ? undefined : this.#published.get(label)?.context;
  }

  refresh(): Promise<void> {
    if (this.#state !== 'running') return Promise.reject(new Error(`the gateway is ${this.#state}`));
    return this.#enqueue(() => this.#publishRoutes());
  }

  /** Runs changes one after another; a failed one does not stop those behind it. */
  #enqueue(change: () => Promise<void>): Promise<void> {
    const run = this.#queue.then(() => (this.#state === 'running' ? change() : undefined));
    this.#queue = run.catch(() => undefined);
    return run;
  }

  async #publishRoutes(): Promise<void> {
    const routes = readRoutes(this.#options.routes(), this.#log);
    for (const [name, published] of [...this.#published]) {
      // Another deployment must not inherit connections to the backends of the former owner.
      if (routes.get(name)?.deployment !== published.route.deployment) this.#withdraw(name, published);
    }
    for (const [name, route] of routes) {
      const published = this.#published.get(name);
      try {
        if (published) await this.#update(published, route);
        else await this.#publish(route);
      } catch (error) {
        // One name that cannot be published must not keep the others from it; the next refresh tries again.
        this.#log({ event: 'publish_failed', name, reason: error instanceof Error ? error.message : String(error) });
      }
    }
    await this.#renewShared();
    const assigned = [...this.#published].map(([name, { port }]): [string, number] => [name, port]);
    if (this.#shared) await this.#ports?.remember(this.#shared.port, assigned);
  }

  async #publish(route: Route): Promise<void> {
    const { name } = route;
    const { domain, dial } = this.#options;
    const leaf = await this.#obtainLeaf(name);
    const listener = new Listener({
      leaf,
      director: this.#director((host) => selectOnNamePort(host, name, domain)),
      budget: this.#budget,
    });
    const wanted = this.#ports?.recall(name) ?? 0;
    const port = await listener.listen(this.#host, wanted);
    if (wanted !== 0 && port !== wanted) this.#log({ event: 'port_reassigned', name, wanted, port });
    const pool = new BackendPool({ name, host: `${name}.${domain}`, dial, log: this.#log });
    pool.update(route.backends);
    const site = { name, pool, inflight: 0 };
    this.#published.set(name, { site, route, listener, leaf, context: contextOf(leaf), port });
    this.#log({ event: 'name_published', name, url: this.#url(port) });
  }

  async #update(published: Published, route: Route): Promise<void> {
    published.route = route;
    published.site.pool.update(route.backends);
    const leaf = await this.#obtainLeaf(route.name);
    if (leaf.certificatePem === published.leaf.certificatePem) return;
    published.leaf = leaf;
    published.context = contextOf(leaf);
    published.listener.renew(leaf);
  }

  #withdraw(name: string, published: Published): void {
    this.#published.delete(name);
    published.site.pool.update([]);
    const gone = published.listener.close(DRAIN_MS).then(() => {
      published.site.pool.close();
      this.#withdrawing.delete(gone);
    });
    this.#withdrawing.add(gone);
    this.#log({ event: 'name_withdrawn', name });
  }

  async #renewShared(): Promise<void> {
    if (!this.#shared) return;
    const leaf = await this.#obtainLeaf();
    if (leaf.certificatePem === this.#shared.leaf.certificatePem) return;
    this.#shared.leaf = leaf;
    this.#shared.listener.renew(leaf);
  }

  #obtainLeaf(name?: string): Promise<Leaf> {
    const { domain } = this.#options;
    const own = name === undefined ? domain : `${name}.${domain}`;
    return this.#leaves.obtain({ id: name ?? DEFAULT_LEAF, dnsNames: [own, 'localhost'], addresses: [this.#host] });
  }

  #url(port = this.#shared?.port ?? 0): string {
    return `https://${this.#host}:${port}`;
  }

  endpoints(): { name: string; url: string }[] {
    return [...this.#published].map(([name, { port }]) => ({ name, url: this.#url(port) }));
  }

  status(): GatewayStatus {
    const names = [...this.#published.values()].map(({ site, route, port }) => ({
      name: site.name,
      deployment: route.deployment,
      url: this.#url(port),
      inflight: site.inflight,
      backends: site.pool.status(),
    }));
    return { url: this.#url(), state: this.#state, connections: this.#budget.open, names };
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  async #shutDown(): Promise<void> {
    this.#state = 'draining';
    clearInterval(this.#renewal);
    await this.#queue;
    const published = [...this.#published.values()];
    const listeners = published.map(({ listener }) => listener);
    if (this.#shared) listeners.push(this.#shared.listener);
    await Promise.all([...listeners.map((listener) => listener.close(DRAIN_MS)), ...this.#withdrawing]);
    for (const { site } of published) site.pool.close();
    this.#state = 'closed';
  }
}

/** Server name of the TLS handshake; undefined when the client sent none. */
function serverNameOf(socket: TLSSocket): string | undefined {
  const name = 'servername' in socket ? socket.servername : undefined;
  return typeof name === 'string' && name !== '' ? name : undefined;
}

function contextOf(leaf: Leaf): SecureContext {
  return createSecureContext({ key: leaf.keyPem, cert: leaf.certificatePem, minVersion: 'TLSv1.2' });
}
