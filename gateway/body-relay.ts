import type { ClientRequest, IncomingMessage } from 'node:http';

interface BodyRelayEvents {
  /** A chunk was passed on, or the backend took what it had been given. */
  onProgress(): void;
  /** The whole body has been passed on. */
  onEnd(): void;
}

/** Passes a request body from the client to a backend, at the pace of the slower one. */
export class BodyRelay {
  readonly #request: IncomingMessage;
  readonly #upstream: ClientRequest;
  readonly #events: BodyRelayEvents;
  #running = false;
  #begun = false;
  #ended = false;

  constructor(request: IncomingMessage, upstream: ClientRequest, events: BodyRelayEvents) {
    this.#request = request;
    this.#upstream = upstream;
    this.#events = events;
  }

  /** Something of the body (or its end) has left the client's stream: it cannot be sent from the start again. */
  get begun(): boolean {
    return this.#begun;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The backend has taken all it was given; the next byte is the client's to send. */
  get waitsForClient(): boolean {
    return !this.#ended && !this.#upstream.writableNeedDrain;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#request.on('data', this.#onData);
    this.#request.once('end', this.#onEnd);
    this.#upstream.on('drain', this.#onDrain);
    this.#request.resume();
  }

  /** Leaves what has not been read in the client's stream. */
  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    this.#request.off('data', this.#onData);
    this.#request.off('end', this.#onEnd);
    this.#upstream.off('drain', this.#onDrain);
    this.#request.pause();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#begun = true;
    this.#events.onProgress();
    if (!this.#upstream.write(chunk)) this.#request.pause();
  };

  readonly #onEnd = (): void => {
    // Only a body that arrived whole is ended; a cut one must reach the backend as cut.
    if (!this.#request.complete) return;
    this.#begun = true;
    this.#ended = true;
    this.#upstream.end();
    this.#events.onEnd();
  };

  readonly #onDrain = (): void => {
    this.#events.onProgress();
    this.#request.resume();
  };
}
