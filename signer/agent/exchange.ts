import type { Socket } from 'node:net';

/** One question to a socket, and its answer. */
export interface Exchange {
  readonly path: string;
  /** Without its newline. */
  readonly line: string;
  /** Longest answer, in bytes. */
  readonly limit: number;
  readonly timeoutMs: number;
}

/**
 * Sends one line and returns the line that comes back. Rejects when nobody is there, or it is too long or too late. It uses
 * nothing but its arguments, because its source also runs in a thread of its own (blocking.ts).
 */
export function exchangeLine(net: { createConnection(options: { path: string }): Socket }, { path, line, limit, timeoutMs }: Exchange): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.createConnection({ path });
    const chunks: Buffer[] = [];
    let size = 0;
    const fail = (message: string): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(new Error(message));
    };
    const timer = setTimeout(() => { fail('no answer in time'); }, timeoutMs);
    socket.on('error', (error) => { fail(error.message); });
    socket.on('close', () => { fail('the connection ended without an answer'); });
    socket.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) return fail('the answer is too long');
      chunks.push(chunk);
      const end = chunk.indexOf(10);
      if (end < 0) return;
      clearTimeout(timer);
      socket.destroy();
      resolve(Buffer.concat(chunks).toString('utf8').split('\n', 1)[0] ?? '');
    });
    socket.write(`${line}\n`);
  });
}
