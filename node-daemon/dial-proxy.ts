import { chmod, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { serviceName } from '../contract/contract.ts';
import type { LedgerState } from '../ledger/state/machine.ts';
import { join } from './services.ts';
import type { Desired } from './reconcile.ts';

const MAX_CONNECTIONS = 1024;
const DIAL_TIMEOUT_MS = 5000;
const HEADER_TIMEOUT_MS = 5000;
const MAX_HEADER_BYTES = 4096;

export interface DialProxyOptions {
  readonly desired: Desired;
  readonly socket: string;
  readonly state: () => LedgerState;
  readonly leaseHeld: () => boolean;
  /** Opens a stream to a service on a node, this one included. */
  dial(target: { node: string; service: string }, options: { timeoutMs: number; signal: AbortSignal }): Promise<Duplex>;
}

type Target = { ok: true; node: string; service: string } | { ok: false; status: number; reason: string };

/** Who holds `<workload>@<epoch>` now, if the workload of this proxy may dial it. */
export function resolveTarget({ desired, state, leaseHeld }: Omit<DialProxyOptions, 'socket' | 'dial'>, authority: string): Target {
  const match = /^([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)@([1-9][0-9]{0,6})$/.exec(authority);
  const workload = match?.[1];
  if (!workload) return { ok: false, status: 404, reason: 'expected <workload>@<epoch>' };
  if (!desired.workload.dials.includes(workload)) return { ok: false, status: 403, reason: `${desired.workload.name} is not signed to dial ${workload}` };
  if (!leaseHeld()) return { ok: false, status: 503, reason: 'the lease of this node does not run' };
  const { deployment } = desired.held;
  const holding = state().deployments[deployment]?.holdings[workload];
  if (!holding) return { ok: false, status: 404, reason: `no workload ${workload}` };
  const epoch = Number(match[2]);
  if (holding.epoch !== epoch) return { ok: false, status: 410, reason: `${workload} is at epoch ${holding.epoch}` };
  return { ok: true, node: holding.node, service: serviceName({ deployment, workload, epoch }) };
}

/**
 * Unix socket on which one workload, and nobody else, dials what its contract lets it: HTTP CONNECT (RFC 9110 section
 * 9.3.6) to `<workload>@<epoch>`, answered with 200 and then raw bytes, or 403, 404, 410 (another epoch) or 503.
 */
export async function openDialProxy(o: DialProxyOptions): Promise<{ close(): Promise<void> }> {
  const closing = new AbortController();
  const clients = new Set<Duplex>();
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADER_TIMEOUT_MS, requestTimeout: HEADER_TIMEOUT_MS }, (_request, response) => {
    response.writeHead(405, { connection: 'close' }).end('only CONNECT\n');
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.on('connection', (socket) => {
    clients.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => clients.delete(socket));
  });
  server.on('connect', (request: IncomingMessage, client: Duplex, head: Buffer) => {
    const target = resolveTarget(o, request.url ?? '');
    if (!target.ok) return refuse(client, target.status, target.reason);
    const gone = new AbortController();
    client.once('close', () => gone.abort());
    o.dial(target, { timeoutMs: DIAL_TIMEOUT_MS, signal: AbortSignal.any([gone.signal, closing.signal]) }).then(
      (stream) => {
        if (client.destroyed) return stream.destroy();
        client.write('HTTP/1.1 200 Connected\r\n\r\n');
        if (head.length > 0) stream.write(head);
        join(client, stream);
      },
      (error: unknown) => refuse(client, 503, error instanceof Error ? error.message.slice(0, 200) : 'unreachable'),
    );
  });
  // A socket that an earlier process of this node left behind; the state folder's lock says there is no other now.
  await rm(o.socket, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(o.socket, () => resolve());
  });
  await chmod(o.socket, 0o600);
  return {
    close: async () => {
      closing.abort();
      for (const client of clients) client.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(o.socket, { force: true });
    },
  };
}

function refuse(client: Duplex, status: number, reason: string): void {
  if (client.destroyed) return;
  const body = `${reason.replace(/[^\x20-\x7e]/g, '?')}\n`;
  client.end(`HTTP/1.1 ${status} Refused\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
}
