import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { z } from 'zod';
import { type Exchange, exchangeLine } from './exchange.ts';

/**
 * Signing is synchronous everywhere (EntrySigner), and sockets are not in Node: a thread talks to the agent while the caller
 * waits. The thread's program is a string, so that it needs no file beside the bundle; the part that could go wrong is
 * exchangeLine, which is checked and tested as ordinary code.
 */
const PROGRAM = `
const { workerData: { port, bell } } = require('node:worker_threads');
const net = require('node:net');
const exchangeLine = ${exchangeLine.toString()};
port.on('message', (exchange) => {
  exchangeLine(net, exchange).then((line) => ({ line }), (error) => ({ error: String(error.message) })).then((answer) => {
    port.postMessage(answer);
    Atomics.store(bell, 0, 1);
    Atomics.notify(bell, 0);
  });
});`;

const Answer = z.union([z.strictObject({ line: z.string() }), z.strictObject({ error: z.string() })]);
/** Added to the thread's own time limit: starting it under load. */
const MARGIN_MS = 10_000;

let thread: { readonly port: MessagePort; readonly bell: Int32Array } | undefined;

/** exchangeLine() that blocks this thread, and with it everything else here, until the answer is there. Throws instead of rejecting. */
export function exchangeLineBlocking(exchange: Exchange): string {
  const { port, bell } = (thread ??= startThread());
  Atomics.store(bell, 0, 0);
  port.postMessage(exchange);
  const rung = Atomics.wait(bell, 0, 0, exchange.timeoutMs + MARGIN_MS);
  const answer = rung === 'timed-out' ? undefined : Answer.safeParse(receiveMessageOnPort(port)?.message).data;
  if (answer && 'line' in answer) return answer.line;
  // A thread that is late could answer the next question with this one's answer: it is not asked again.
  if (!answer) thread = undefined;
  throw new Error(answer?.error ?? 'no answer in time');
}

function startThread(): NonNullable<typeof thread> {
  const { port1, port2 } = new MessageChannel();
  const bell = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(PROGRAM, { eval: true, env: {}, workerData: { port: port2, bell }, transferList: [port2] });
  // Neither keeps the process alive.
  worker.unref();
  port1.unref();
  return { port: port1, bell };
}
