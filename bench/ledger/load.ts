import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { readLines } from './files.ts';

// load.mjs FOLDER URL http|ws CLIENTS COUNT BATCH NODES WINDOW: pre-signed entries from many clients; each client has nodes of its own, so that their beats arrive in order.
const [folder = '', url = '', transport = '', clients = '', count = '', batch = '', nodes = '', window = ''] = process.argv.slice(2);
/** Those that the server has already. */
const WARM_UP = 8000;
const CLIENTS = Number(clients);
const BATCH = Number(batch);

/** Sends bodies one after the other (or `window` at once), and is done when each was answered with as many places as it had entries. */
type Send = (bodies: readonly Buffer[]) => Promise<void>;

function check(answer: string, expected: number): void {
  const accepted = answer.split('"seq":').length - 1;
  if (accepted !== expected) throw new Error(`${expected} entries were sent, ${accepted} were accepted: ${answer.slice(0, 300)}`);
}

/** HTTP/1.1 by hand over one connection: the load generator shares the machine with the server, so it must cost little. */
async function overHttp(): Promise<Send> {
  const { hostname, port, host } = new URL(url);
  const socket: Socket = connect(Number(port), hostname);
  socket.setNoDelay(true);
  await once(socket, 'connect');
  let buffered = '';
  let answered: (body: string) => void = () => undefined;
  socket.on('data', (data: Buffer) => {
    buffered += data.toString('latin1');
    const end = buffered.indexOf('\r\n\r\n');
    const length = Number(/content-length: (\d+)/i.exec(buffered)?.[1] ?? Infinity);
    if (end < 0 || buffered.length < end + 4 + length) return;
    const body = buffered.slice(end + 4, end + 4 + length);
    buffered = buffered.slice(end + 4 + length);
    answered(body);
  });
  return async (bodies) => {
    for (const body of bodies) {
      const answer = new Promise<string>((resolve) => { answered = resolve; });
      socket.write(Buffer.concat([Buffer.from(`POST /v1/entries HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`), body]));
      check(await answer, BATCH);
    }
    socket.end();
  };
}

async function overSocket(): Promise<Send> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/submit`, { perMessageDeflate: false });
  await once(socket, 'open');
  return (bodies) => new Promise((resolve, reject) => {
    let next = 0;
    let left = bodies.length;
    const send = (): void => {
      const body = bodies[next];
      if (body) socket.send(body, { binary: false });
      next += 1;
    };
    socket.on('message', (data: Buffer) => {
      try {
        check(data.toString('latin1'), BATCH);
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
      left -= 1;
      if (left > 0) send();
      else {
        socket.close();
        resolve();
      }
    });
    for (let i = 0; i < Math.min(Number(window), bodies.length); i++) send();
  });
}

const lines = readLines(folder, 'alive').slice(WARM_UP, WARM_UP + Number(count));
const mine = Array.from({ length: CLIENTS }, (): string[] => []);
lines.forEach((line, i) => mine[(i % Number(nodes)) % CLIENTS]!.push(line));
const bodies = mine.map((own) => Array.from({ length: Math.floor(own.length / BATCH) }, (_, i) => {
  const envelopes = own.slice(i * BATCH, (i + 1) * BATCH).join(',');
  return Buffer.from(transport === 'ws' ? `{"id":${i},"envelopes":[${envelopes}]}` : `{"envelopes":[${envelopes}]}`);
}));
const senders = await Promise.all(bodies.map(transport === 'ws' ? overSocket : overHttp));
const started = performance.now();
const cpu = process.cpuUsage();
await Promise.all(senders.map((send, i) => send(bodies[i]!)));
const seconds = (performance.now() - started) / 1000;
const { user, system } = process.cpuUsage(cpu);
const sent = bodies.reduce((sum, own) => sum + own.length, 0) * BATCH;
process.stdout.write(`${JSON.stringify({ perSecond: sent / seconds, sent, cpuSeconds: (user + system) / 1e6 })}\n`);
