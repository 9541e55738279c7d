import { createServer } from 'node:net';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { replaceFile } from '../../signer/durable.ts';

const Kept = z.record(z.string(), z.int().min(1024).max(65_535));

/** A free loopback port for each name, the same as last time where it still is free, so that addresses outlive restarts. */
export async function keepPorts(file: string, names: readonly string[]): Promise<Readonly<Record<string, number>>> {
  let before: Record<string, number> = {};
  try {
    before = Kept.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    // First start, or a damaged file: new ports do no harm.
  }
  const taken = await Promise.all(names.map((name) => hold(before[name] ?? 0)));
  const ports = Object.fromEntries(names.map((name, i) => [name, taken[i]?.port ?? 0]));
  await Promise.all(taken.map((t) => t.release()));
  await replaceFile(file, JSON.stringify(ports));
  return ports;
}

/** Binds the wanted port, or any; holding all at once keeps two names from getting the same one. */
async function hold(wanted: number): Promise<{ port: number; release: () => Promise<void> }> {
  const server = createServer();
  const listening = await new Promise<boolean>((resolve) => {
    server.once('error', () => { resolve(false); });
    server.listen(wanted, '127.0.0.1', () => { resolve(true); });
  });
  if (!listening) return hold(0);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port on 127.0.0.1');
  return { port: address.port, release: () => new Promise((resolve) => { server.close(() => { resolve(); }); }) };
}
