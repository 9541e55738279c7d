import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import { MAX_FRAME } from './frame.ts';

const MAX_CONNECTIONS = 2_048;
const UPGRADE_TIMEOUT_MS = 5_000;

// Masking (RFC 6455 section 5.3) keeps a script from choosing bytes on the wire that a proxy would take for HTTP. No script and no
// user chooses these bytes: they are AEAD output. A mask of zero is valid, and saves a pass over every byte on both sides.
const ZERO_MASK = (mask: Buffer): void => void mask.fill(0);
const FRAMING = { maxPayload: MAX_FRAME, perMessageDeflate: false, autoPong: false, skipUTF8Validation: true } as const;

/** A WebSocket on its way to `endpoint`, or undefined when that is no WebSocket address. */
export function connectSocket(endpoint: string): WebSocket | undefined {
  if (!URL.canParse(endpoint) || !['ws:', 'wss:'].includes(new URL(endpoint).protocol)) return undefined;
  return new WebSocket(endpoint, { ...FRAMING, followRedirects: false, handshakeTimeout: UPGRADE_TIMEOUT_MS, generateMask: ZERO_MASK });
}

export interface Listener {
  readonly endpoint: string;
  close(): Promise<void>;
}

/** Accepts WebSockets on a TCP port; who connects is judged by the link that is made of it. */
export async function listenForSockets(address: { host: string; port: number }, accepted: (socket: WebSocket) => void): Promise<Listener> {
  const server = createServer({ headersTimeout: UPGRADE_TIMEOUT_MS, requestTimeout: UPGRADE_TIMEOUT_MS, connectionsCheckingInterval: 1_000 }, (request, response) => {
    request.resume();
    response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end();
  });
  server.maxConnections = MAX_CONNECTIONS;
  const sockets = new WebSocketServer({
    ...FRAMING, noServer: true, clientTracking: false,
    // Browsers always send Origin: pages that a person looks at have no business here.
    verifyClient: (info: { origin?: string }) => info.origin === undefined,
  });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    sockets.handleUpgrade(request, socket, head, accepted);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address.port, address.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    endpoint: endpointOf(server),
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}

function endpointOf(server: Server): string {
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('not listening on TCP');
  return `ws://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${String(bound.port)}`;
}
