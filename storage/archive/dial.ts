import { request } from 'node:http';
import type { Duplex } from 'node:stream';

/** Opens a raw byte stream to an opaque service address. */
export type Dial = (address: string, signal: AbortSignal) => Promise<Duplex>;

const DIAL_TIMEOUT_MS = 5_000;

/** Dials through the node daemon's Unix socket with HTTP CONNECT (RFC 9110 section 9.3.6); rejects on any answer but 200. */
export function dialThrough(socketPath: string): Dial {
  return (address, signal) => new Promise((resolve, reject) => {
    const connect = request({ method: 'CONNECT', socketPath, path: address, headers: { host: address }, agent: false });
    // The signal governs the dialling only: once the stream is handed over, its owner ends it.
    const giveUp = (): void => { connect.destroy(new Error(`dial ${address}: given up`)); };
    const timer = setTimeout(giveUp, DIAL_TIMEOUT_MS);
    const settled = (): void => { clearTimeout(timer); signal.removeEventListener('abort', giveUp); };
    connect.once('connect', (response, stream: Duplex, head: Buffer) => {
      settled();
      if (response.statusCode !== 200) {
        stream.destroy();
        reject(new Error(`dial ${address}: daemon answered ${response.statusCode ?? 'nothing'}`));
        return;
      }
      if (head.length > 0) stream.unshift(head);
      resolve(stream);
    });
    connect.once('error', (error) => { settled(); reject(error); });
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp(); else connect.end();
  });
}
