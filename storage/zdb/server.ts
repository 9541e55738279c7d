import { chmod, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { Connection } from './connection.ts';
import type { Fence } from './fence.ts';
import { DEFAULT_NAMESPACE, Store, type StoreOptions } from './store.ts';

export const MAX_CONNECTIONS = 64;
/** The kernel's bound for a Unix socket's path is 107 bytes; a longer one would be cut or refused. */
export const MAX_SOCKET_PATH_BYTES = 100;

export interface ZdbOptions extends StoreOptions {
  /** Path of the Unix socket to listen on. */
  readonly socket: string;
  readonly fence: Fence;
}

export interface Zdb {
  readonly store: Store;
  /** Ends all connections, waits for queued writes, and closes every file. */
  close(): Promise<void>;
}

/** Opens a store and serves it on a Unix socket that only its owner can open. Throws when either fails. */
export async function startZdb(options: ZdbOptions): Promise<Zdb> {
  if (Buffer.byteLength(options.socket) > MAX_SOCKET_PATH_BYTES || !options.socket.startsWith('/')) {
    throw new Error(`socket must be an absolute path of at most ${MAX_SOCKET_PATH_BYTES} bytes`);
  }
  const store = await Store.open(options);
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const namespace = store.namespace(DEFAULT_NAMESPACE);
    if (!namespace || sockets.size >= MAX_CONNECTIONS) {
      socket.on('error', () => socket.destroy());
      socket.end('-BUSY max number of clients reached\r\n', () => socket.destroy());
      return;
    }
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    new Connection(socket, { store, fence: options.fence, namespace });
  });
  try {
    // The directory lock is held, so a socket that is there has no process behind it.
    await rm(options.socket, { force: true });
    await listen(server, options.socket);
    await chmod(options.socket, 0o600);
  } catch (error) {
    server.close();
    await store.close();
    throw error;
  }
  return {
    store,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
      await store.close();
    },
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
