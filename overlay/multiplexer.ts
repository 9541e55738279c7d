import { OverlayError } from './errors.ts';
import { MAX_RECORD_PAYLOAD, RecordType, ResetCode, uint32 } from './record.ts';
import type { SessionRecord } from './record.ts';
import type { Session } from './session.ts';
import { INITIAL_WINDOW, MAX_WINDOW, OverlayStream } from './stream.ts';
import type { StreamCarrier } from './stream.ts';

/** Streams at a time in one session. */
export const MAX_STREAMS = 1_024;
/** Up to this many streams each get a full window; so a session never holds more than 256 MiB for readers that do not read. */
const FULL_WINDOW_STREAMS = 64;

/** Decides about a stream that the peer opens and, when it may be, hands it on. */
export interface StreamAcceptor {
  allows(from: string, service: string): boolean;
  accepted(stream: OverlayStream, info: { from: string; service: string }): void;
}

interface Opening {
  resolve(stream: OverlayStream): void;
  reject(error: OverlayError): void;
}

/** The streams of one session. Only the session's initiator opens streams; data takes turns among streams, record by record. */
export class Multiplexer implements StreamCarrier {
  readonly session: Session;
  readonly #acceptor: StreamAcceptor;
  readonly #closed: (reason: string) => void;
  readonly #streams = new Map<number, OverlayStream>();
  readonly #services = new Map<number, string>();
  readonly #opening = new Map<number, Opening>();
  readonly #queue = new Set<OverlayStream>();
  #lastId = 0;
  #pumping = false;
  #idleSince = performance.now();

  constructor(options: { session: Session; acceptor: StreamAcceptor; closed: (reason: string) => void }) {
    this.session = options.session;
    this.#acceptor = options.acceptor;
    this.#closed = options.closed;
    this.session.attach({
      record: (record) => this.#record(record),
      writable: () => this.#pump(),
      closed: (reason) => this.#end(reason),
    });
  }

  get count(): number {
    return this.#streams.size;
  }

  get full(): boolean {
    return this.#streams.size >= MAX_STREAMS;
  }

  /** ms since the last stream ended; 0 while there is one. */
  idleMs(now: number): number {
    return this.#streams.size > 0 ? 0 : now - this.#idleSince;
  }

  /** Asks the peer for its service; rejects with `refused`, `closed`, or `timeout` when the signal aborts first. */
  open(service: string, signal: AbortSignal): Promise<OverlayStream> {
    if (this.session.closed) return Promise.reject(new OverlayError('closed', 'session is closed'));
    this.#lastId += 1;
    const id = this.#lastId;
    const stream = new OverlayStream(id, this);
    this.#streams.set(id, stream);
    const answer = new Promise<OverlayStream>((resolve, reject) => this.#opening.set(id, { resolve, reject }));
    const abort = (): void => {
      if (!this.#opening.has(id)) return;
      this.#opening.get(id)?.reject(new OverlayError('timeout', 'the node did not answer in time'));
      stream.destroy();
    };
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    else this.session.sendControl(RecordType.open, id, Buffer.from(service));
    return answer.finally(() => {
      this.#opening.delete(id);
      signal.removeEventListener('abort', abort);
    });
  }

  /** Resets accepted streams whose access was taken away. */
  review(): void {
    for (const [id, service] of this.#services) {
      if (this.#acceptor.allows(this.session.peer, service)) continue;
      this.#streams.get(id)?.destroy(new OverlayError('closed', 'access was taken away'));
    }
  }

  ready(stream: OverlayStream): void {
    this.#queue.add(stream);
    this.#pump();
  }

  sendEnd(stream: OverlayStream): void {
    this.session.sendControl(RecordType.end, stream.streamId);
  }

  sendReset(stream: OverlayStream, code: ResetCode): void {
    this.session.sendControl(RecordType.reset, stream.streamId, Buffer.of(code));
  }

  sendCredit(stream: OverlayStream, bytes: number): void {
    this.session.sendControl(RecordType.credit, stream.streamId, uint32(bytes));
  }

  windowTarget(): number {
    return this.#streams.size <= FULL_WINDOW_STREAMS ? MAX_WINDOW : INITIAL_WINDOW;
  }

  finished(stream: OverlayStream): void {
    this.#queue.delete(stream);
    this.#services.delete(stream.streamId);
    if (this.#streams.delete(stream.streamId) && this.#streams.size === 0) this.#idleSince = performance.now();
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.session.writable) {
      const [stream] = this.#queue;
      if (stream === undefined) break;
      this.#queue.delete(stream);
      const pieces = stream.takeOutgoing(MAX_RECORD_PAYLOAD);
      if (pieces.length > 0) this.session.sendData(stream.streamId, pieces);
      if (stream.sendable) this.#queue.add(stream);
      stream.sent();
    }
    this.#pumping = false;
  }

  #record({ type, stream: id, payload }: SessionRecord): void {
    if (type === RecordType.open) return this.#accept(id, payload);
    const stream = this.#streams.get(id);
    // Records for a stream that this side has just dropped are on their way for a while.
    if (stream === undefined) return;
    if (type === RecordType.accept) this.#opened(id, stream);
    else if (type === RecordType.data) this.#require(stream.receive(payload), 'more data than the window allows');
    else if (type === RecordType.credit) this.#require(stream.receiveCredit(payload.readUInt32BE(0)), 'more credit than a window');
    else if (type === RecordType.end) stream.receiveEnd();
    else if (type === RecordType.reset) this.#reset(id, stream, payload[0]);
  }

  #accept(id: number, payload: Buffer): void {
    if (this.session.initiated || id <= this.#lastId) return this.session.close('stream opened out of order');
    this.#lastId = id;
    const from = this.session.peer;
    const service = payload.toString('latin1');
    if (this.full || !this.#acceptor.allows(from, service)) {
      const code = this.full ? ResetCode.full : ResetCode.refused;
      return this.session.sendControl(RecordType.reset, id, Buffer.of(code));
    }
    const stream = new OverlayStream(id, this);
    this.#streams.set(id, stream);
    this.#services.set(id, service);
    this.session.sendControl(RecordType.accept, id);
    this.#acceptor.accepted(stream, { from, service });
  }

  #opened(id: number, stream: OverlayStream): void {
    const opening = this.#opening.get(id);
    this.#opening.delete(id);
    opening?.resolve(stream);
  }

  #reset(id: number, stream: OverlayStream, code: number | undefined): void {
    const opening = this.#opening.get(id);
    const refused = code === ResetCode.refused || code === ResetCode.full;
    opening?.reject(new OverlayError('refused', code === ResetCode.full ? 'the node has too many streams' : 'the node refuses this service'));
    stream.fail(new OverlayError(refused ? 'refused' : 'closed', 'stream was reset by the peer'));
  }

  #require(kept: boolean, violation: string): void {
    if (!kept) this.session.close(violation);
  }

  #end(reason: string): void {
    for (const [id, stream] of this.#streams) {
      const error = new OverlayError('closed', `the session ended: ${reason}`);
      this.#opening.get(id)?.reject(error);
      stream.fail(error);
    }
    this.#queue.clear();
    this.#closed(reason);
  }
}
