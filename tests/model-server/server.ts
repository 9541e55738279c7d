import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, ChatRequest } from './protocol.ts';

const MAX_BODY = 4_000_000;
const PIECE = 6;

export interface Received { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: ChatRequest; /** Bytes of the body as they came. */ readonly raw: string }

export interface ModelServer {
  /** To be used as a model's base URL. */
  readonly url: string;
  readonly received: readonly Received[];
  /** Connections made so far. */
  readonly connections: () => number;
  /** Time that answers spent waiting because their script says so, in ms. */
  readonly scriptedMs: () => number;
  /** Answers that the client has left. */
  readonly left: () => number;
  close(): Promise<void>;
}

export interface ModelServerOptions {
  readonly answer: (request: ChatRequest, index: number) => Answer | Promise<Answer>;
  /** When given, every other key is answered with 401, and the body repeats it as some services do. */
  readonly key?: string;
  readonly port?: number;
}

/** A server that speaks the chat completions protocol over real HTTP, streamed or not, and says what its script says. */
export async function startModelServer({ answer, key, port = 0 }: ModelServerOptions): Promise<ModelServer> {
  const received: Received[] = [];
  const sockets = new Set<Socket>();
  let [connections, scriptedMs, left, serial] = [0, 0, 0, 0];
  const pause = async (ms: number | undefined): Promise<void> => {
    if (!ms) return;
    scriptedMs += ms;
    await sleep(ms);
  };
  const server = createServer((request, response) => {
    const serve = async (): Promise<void> => {
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of request as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > MAX_BODY) throw new Error('the request is too long');
        chunks.push(chunk);
      }
      const raw = Buffer.concat(chunks).toString('utf8');
      if (request.method !== 'POST' || request.url !== '/v1/chat/completions') {
        sendError(response, 404, 'no such address');
        return;
      }
      const authorization = request.headers.authorization ?? '';
      if (key !== undefined && authorization !== `Bearer ${key}`) {
        sendError(response, 401, `Incorrect API key provided: ${authorization.slice(7)}`);
        return;
      }
      const parsed = ChatRequest.safeParse(JSON.parse(raw));
      if (!parsed.success) {
        sendError(response, 400, parsed.error.message);
        return;
      }
      received.push({ path: request.url, headers: request.headers, body: parsed.data, raw });
      serial += 1;
      const scripted = await answer(parsed.data, received.length - 1);
      await pause(scripted.delayMs);
      await play(response, scripted, { request: parsed.data, id: scripted.id ?? `chatcmpl-${serial}`, pause });
    };
    response.once('close', () => { if (!response.writableFinished) left += 1; });
    serve().catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else sendError(response, 500, error instanceof Error ? error.message : 'failed');
    });
  });
  server.on('connection', (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    received, connections: () => connections, scriptedMs: () => scriptedMs, left: () => left,
    close: () => new Promise((resolve) => {
      server.close(() => { resolve(); });
      for (const socket of sockets) socket.destroy();
    }),
  };
}

function sendError(response: ServerResponse, status: number, message: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify({ error: { message, type: 'error', code: null } }));
}

interface Playing { readonly request: ChatRequest; readonly id: string; readonly pause: (ms: number | undefined) => Promise<void> }

async function play(response: ServerResponse, answer: Answer, { request, id, pause }: Playing): Promise<void> {
  const { fault } = answer;
  if (fault?.kind === 'refuse-connection') {
    response.destroy();
    return;
  }
  if (fault?.kind === 'status') {
    sendError(response, fault.status, fault.body ?? 'scripted', { ...(fault.retryAfter !== undefined && { 'retry-after': String(fault.retryAfter) }), ...(fault.location !== undefined && { location: fault.location }) });
    return;
  }
  const base = { id, created: 1_790_000_000, model: request.model, system_fingerprint: 'scripted' };
  const usage = answer.usage === false ? undefined : { prompt_tokens: answer.usage?.prompt ?? Math.ceil(JSON.stringify(request.messages).length / 4), completion_tokens: answer.usage?.completion ?? 20, total_tokens: 0 };
  if (usage) usage.total_tokens = usage.prompt_tokens + usage.completion_tokens;
  const finish = answer.finish ?? (answer.calls?.length ? 'tool_calls' : 'stop');
  const calls = (answer.calls ?? []).map((call, index) => ({ index, id: call.id ?? `call_${id}_${index}`, name: call.name, arguments: typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments) }));
  if (request.stream !== true) {
    const { text = '' } = answer;
    const message = { role: 'assistant', content: typeof text === 'string' ? text : text.join(''), ...(calls.length > 0 && { tool_calls: calls.map((call) => ({ id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } })) }) };
    if (fault?.kind === 'hang') return;
    if (fault) {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"id":"');
      response.destroy();
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ...base, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: finish }], ...(usage && { usage }) }));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  const send = (choices: object[], extra: object = {}): void => { response.write(`data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices, ...extra })}\n\n`); };
  const deltas: object[] = [
    { role: 'assistant', content: '' },
    ...piecesOf(answer.text).map((content) => ({ content })),
    ...calls.flatMap(({ index, id: callId, name, arguments: text }) => [
      { tool_calls: [{ index, id: callId, type: 'function', function: { name, arguments: '' } }] },
      ...piecesOf(text).map((piece) => ({ tool_calls: [{ index, function: { arguments: piece } }] })),
    ]),
  ];
  for (const [i, delta] of deltas.entries()) {
    if (fault && i >= fault.afterPieces) break;
    if (response.destroyed) return;
    send([{ index: 0, delta, finish_reason: null }]);
    await pause(answer.pieceMs);
  }
  switch (fault?.kind) {
    case 'hang': return;
    case 'cut':
      // What was written is to arrive.
      await sleep(50);
      response.destroy();
      return;
    case 'end': response.end('data: [DONE]\n\n'); return;
    case 'malformed': response.write('data: {"choices": [{"delta": \n\n'); break;
    case undefined: break;
  }
  send([{ index: 0, delta: {}, finish_reason: finish }]);
  if (usage && request.stream_options?.include_usage) send([], { usage });
  response.end('data: [DONE]\n\n');
}

function piecesOf(text: Answer['text']): readonly string[] {
  if (typeof text !== 'string') return text ?? [];
  // Whole characters, as a model's tokens are.
  const characters = [...text];
  return Array.from({ length: Math.ceil(characters.length / PIECE) }, (_, i) => characters.slice(i * PIECE, (i + 1) * PIECE).join(''));
}
