import { Duplex } from 'node:stream';
import { OverlayError } from './errors.ts';
import { ResetCode } from './record.ts';

/** Data a stream may have waiting for its reader in the first place, bytes; the receiver raises it to MAX_WINDOW while it has few streams. */
export const INITIAL_WINDOW = 256 * 1024;
export const MAX_WINDOW = 1024 * 1024;
/** Many small records are joined, or a window of single bytes would cost a hundred times its size. */
const MAX_WAITING_CHUNKS = 256;
const READ_AHEAD = 128 * 1024;
const WRITE_AHEAD = 256 * 1024;

/** What a stream needs of the session it runs in. */
export interface StreamCarrier {
  /** The stream has bytes to send and credit to send them. */
  ready(stream: OverlayStream): void;
  sendEnd(stream: OverlayStream): void;
  sendReset(stream: OverlayStream, code: ResetCode): void;
  sendCredit(stream: OverlayStream, bytes: number): void;
  /** How much one stream may have waiting now, bytes. */
  windowTarget(): number;
  finished(stream: OverlayStream): void;
}

/**
 * One stream as a Duplex with half-close. Its errors are OverlayErrors of code `closed`; one without a listener does not end the
 * process, since otherwise any peer could do that with a reset.
 */
export class OverlayStream extends Duplex {
  readonly streamId: number;
  readonly #carrier: StreamCarrier;
  #outbox: Buffer[] = [];
  #outboxBytes = 0;
  #written: ((error?: Error | null) => void) | undefined;
  #credit = INITIAL_WINDOW;
  #inbox: Buffer[] = [];
  #inboxBytes = 0;
  #allowance = INITIAL_WINDOW; // what the peer may still send
  #wanted = false;
  #delivering = false;
  #endRead = false;
  #localEnded = false;
  #remoteEnded = false;
  #remoteReset = false;

  constructor(streamId: number, carrier: StreamCarrier) {
    super({ allowHalfOpen: true, readableHighWaterMark: READ_AHEAD, writableHighWaterMark: WRITE_AHEAD });
    this.streamId = streamId;
    this.#carrier = carrier;
    this.on('error', () => undefined);
  }

  get sendable(): boolean {
    return this.#outboxBytes > 0 && this.#credit > 0 && !this.destroyed;
  }

  /** Takes up to `max` bytes to send, within the peer's credit; to be followed by `sent` when they are sealed. */
  takeOutgoing(max: number): Buffer[] {
    let room = Math.min(max, this.#credit);
    const pieces: Buffer[] = [];
    while (room > 0) {
      const head = this.#outbox[0];
      if (head === undefined) break;
      const piece = head.length > room ? head.subarray(0, room) : head;
      if (piece.length === head.length) this.#outbox.shift();
      else this.#outbox[0] = head.subarray(room);
      pieces.push(piece);
      room -= piece.length;
      this.#outboxBytes -= piece.length;
      this.#credit -= piece.length;
    }
    return pieces;
  }

  /** Lets the writer go on when everything it gave is sealed. */
  sent(): void {
    if (this.#outboxBytes === 0) this.#releaseWriter(null);
  }

  /** Data from the peer; false when it sent more than it was allowed to. */
  receive(data: Buffer): boolean {
    if (this.#remoteEnded || data.length > this.#allowance) return false;
    this.#allowance -= data.length;
    if (this.destroyed || data.length === 0) return true;
    this.#inbox.push(data);
    this.#inboxBytes += data.length;
    if (this.#inbox.length > MAX_WAITING_CHUNKS) this.#inbox = [Buffer.concat(this.#inbox)];
    if (this.#wanted) this.#deliver();
    return true;
  }

  /** More credit from the peer; false when the sum is beyond any window. */
  receiveCredit(bytes: number): boolean {
    this.#credit += bytes;
    if (this.#credit > MAX_WINDOW) return false;
    if (this.sendable) this.#carrier.ready(this);
    return true;
  }

  receiveEnd(): void {
    this.#remoteEnded = true;
    this.#deliver();
  }

  /** The peer or the path is gone: what is unread is lost, and the reader learns that it is. */
  fail(error: OverlayError): void {
    this.#remoteReset = true;
    this.destroy(error);
  }

  override _read(): void {
    this.#wanted = true;
    this.#deliver();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#enqueue([chunk], callback);
  }

  override _writev(chunks: { chunk: Buffer }[], callback: (error?: Error | null) => void): void {
    this.#enqueue(chunks.map((entry) => entry.chunk), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#localEnded = true;
    this.#carrier.sendEnd(this);
    callback();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.#remoteReset && !(this.#localEnded && this.#remoteEnded)) this.#carrier.sendReset(this, ResetCode.cancelled);
    this.#outbox = [];
    this.#inbox = [];
    this.#outboxBytes = 0;
    this.#inboxBytes = 0;
    this.#carrier.finished(this);
    this.#releaseWriter(error ?? new OverlayError('closed', 'stream was destroyed'));
    callback(error);
  }

  #enqueue(chunks: Buffer[], callback: (error?: Error | null) => void): void {
    for (const chunk of chunks) {
      if (chunk.length === 0) continue;
      this.#outbox.push(chunk);
      this.#outboxBytes += chunk.length;
    }
    if (this.#outboxBytes === 0) return callback();
    this.#written = callback;
    if (this.sendable) this.#carrier.ready(this);
  }

  #releaseWriter(error: Error | null): void {
    const callback = this.#written;
    this.#written = undefined;
    callback?.(error);
  }

  /** Hands what waits to the reader as far as it wants it, and gives the peer credit for what was handed over. */
  #deliver(): void {
    // A 'data' listener may call back into here; chunks would overtake each other if that delivered on its own.
    if (this.#delivering || this.destroyed) return;
    this.#delivering = true;
    let handed = 0;
    while (this.#wanted) {
      const chunk = this.#inbox.shift();
      if (chunk === undefined) break;
      this.#inboxBytes -= chunk.length;
      handed += chunk.length;
      this.#wanted = false;
      if (this.push(chunk)) this.#wanted = true;
    }
    this.#delivering = false;
    if (this.#remoteEnded) this.#endReading();
    else if (handed > 0) this.#giveCredit();
  }

  #endReading(): void {
    if (this.#inbox.length > 0 || this.#endRead || this.destroyed) return;
    this.#endRead = true;
    this.push(null);
  }

  #giveCredit(): void {
    if (this.destroyed) return;
    const target = this.#carrier.windowTarget();
    const grant = target - this.#inboxBytes - this.#allowance;
    if (grant < target / 4) return;
    this.#allowance += grant;
    this.#carrier.sendCredit(this, grant);
  }
}
