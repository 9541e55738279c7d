import { WebSocket } from 'ws';
import { backoffMs } from './client.ts';
import { Frame, MAX_FEED_MESSAGE } from './protocol.ts';

const HANDSHAKE_MS = 5000;
/** The server pings every 10 s; a connection that is silent for longer is dead. */
const SILENCE_MS = 35_000;

export interface FeedHandlers {
  /** Where to resume. */
  position(): number;
  /** False ends this connection; another one is tried. */
  frame(frame: Frame): boolean;
  /** `why` is absent when the handler itself refused a frame. */
  connected(yes: boolean, why?: string): void;
}

/** Keeps one connection to the feed, with doubling pauses between tries (100 ms to 2 s), until it is closed. */
export class FeedClient {
  readonly #url: string;
  readonly #handlers: FeedHandlers;
  #socket: WebSocket | undefined;
  #retry: NodeJS.Timeout | undefined;
  #attempt = 0;
  #closed = false;

  constructor(url: string, handlers: FeedHandlers) {
    this.#url = `${url.replace(/^http/, 'ws').replace(/\/$/, '')}/v1/feed?from=`;
    this.#handlers = handlers;
    this.#connect();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#socket?.terminate();
  }

  #connect(): void {
    const socket = new WebSocket(this.#url + this.#handlers.position(), {
      handshakeTimeout: HANDSHAKE_MS, maxPayload: MAX_FEED_MESSAGE, perMessageDeflate: false, followRedirects: false,
    });
    this.#socket = socket;
    let why: string | undefined = 'the connection was closed';
    const silence = setTimeout(() => socket.terminate(), SILENCE_MS);
    socket.on('ping', () => silence.refresh());
    socket.on('error', (error) => { why = error.message; });
    socket.on('message', (data: Buffer, binary: boolean) => {
      silence.refresh();
      const frame = binary ? undefined : parseFrame(data);
      if (this.#closed) return;
      if (frame && this.#handlers.frame(frame)) {
        this.#attempt = 0;
        this.#handlers.connected(true);
      } else {
        why = frame ? undefined : 'what the feed sent is not a frame';
        socket.terminate();
      }
    });
    socket.on('close', (code, reason) => {
      clearTimeout(silence);
      if (this.#closed) return;
      this.#handlers.connected(false, reason.length > 0 ? `${code} ${reason.toString('utf8').slice(0, 120)}` : why);
      this.#retry = setTimeout(() => this.#connect(), backoffMs(this.#attempt++));
    });
  }
}

function parseFrame(data: Buffer): Frame | undefined {
  try {
    return Frame.parse(JSON.parse(data.toString('utf8')));
  } catch {
    return undefined;
  }
}
