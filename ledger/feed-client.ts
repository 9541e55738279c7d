import { WebSocket } from 'ws';
import { backoffMs } from './client.ts';
import type { OpenedSubmission } from './opening/open.ts';
import { Frame, MAX_FEED_MESSAGE } from './protocol.ts';

const HANDSHAKE_MS = 5000;
/** The server pings every 10 s; a connection that is silent for longer is dead. */
const SILENCE_MS = 35_000;
/** Frames that wait for their opened envelopes; beyond it nothing is read. */
const MAX_AHEAD = 3;

export interface FeedHandlers {
  /** Added to the address as it is: what else is asked of the feed. */
  readonly query: string;
  /** Where to resume. */
  position(): number;
  /** Opens a frame's envelopes before its turn, if that is worth it. */
  openAhead(frame: Frame): Promise<readonly OpenedSubmission[] | undefined> | undefined;
  /** In order. False ends this connection; another one is tried. */
  frame(frame: Frame, opened?: readonly OpenedSubmission[]): boolean;
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
    const socket = new WebSocket(`${this.#url}${this.#handlers.position()}${this.#handlers.query}`, {
      handshakeTimeout: HANDSHAKE_MS, maxPayload: MAX_FEED_MESSAGE, perMessageDeflate: false, followRedirects: false,
    });
    this.#socket = socket;
    let why = 'the connection was closed';
    let refused = false;
    const silence = setTimeout(() => socket.terminate(), SILENCE_MS);
    socket.on('ping', () => silence.refresh());
    socket.on('error', (error) => { why = error.message; });
    let ended = false;
    let waiting = 0;
    let turn = Promise.resolve();
    const take = (frame: Frame | undefined, opened?: readonly OpenedSubmission[]): void => {
      // What waited for a connection that ended, or came after a frame that was refused, comes again over the next one.
      if (this.#closed || ended || refused) return;
      if (frame && this.#handlers.frame(frame, opened)) {
        this.#attempt = 0;
        this.#handlers.connected(true);
      } else {
        refused = frame !== undefined;
        why = 'what the feed sent is not a frame';
        socket.terminate();
      }
    };
    socket.on('message', (data: Buffer, binary: boolean) => {
      silence.refresh();
      const frame = binary ? undefined : parseFrame(data);
      if (this.#closed) return;
      const opening = frame && this.#handlers.openAhead(frame);
      if (!opening && waiting === 0) {
        take(frame);
        return;
      }
      waiting += 1;
      if (waiting >= MAX_AHEAD) socket.pause();
      turn = turn.then(() => opening).then((opened) => {
        waiting -= 1;
        take(frame, opened);
        if (socket.isPaused) socket.resume();
      });
    });
    socket.on('close', (code, reason) => {
      ended = true;
      clearTimeout(silence);
      if (this.#closed) return;
      if (refused) this.#handlers.connected(false);
      else this.#handlers.connected(false, reason.length > 0 ? `${code} ${reason.toString('utf8').slice(0, 120)}` : why);
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
