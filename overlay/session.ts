import { TAG_LENGTH } from './cipher-state.ts';
import { FRAME_HEADER, FrameType, allocateFrame, frameBody } from './frame.ts';
import type { Link } from './link.ts';
import type { HandshakeResult } from './noise.ts';
import { RECORD_HEADER, RecordType, parseRecord, recordHeader, uint32 } from './record.ts';
import type { SessionRecord } from './record.ts';

/** Data under way in one direction of a session. It bounds what a relay has to queue for an honest pair of nodes. */
export const MAX_UNDER_WAY = 2 * 1024 * 1024;
/** An accepted session that the initiator has not confirmed by then was a replay, or is of no use. */
export const HANDSHAKE_MS = 5_000;
const RECEIPT_EVERY = 256 * 1024;
const KEEPALIVE_MS = 2_000;
const LOST_AFTER_MS = 5_000;
const REKEY_MESSAGES = 2 ** 20;
const REKEY_MS = 10 * 60_000;
const COUNTER_LENGTH = 8;
const NOTHING = Buffer.alloc(0);

export interface SessionEvents {
  record(record: SessionRecord): void;
  writable(): void;
  closed(reason: string): void;
}

export interface SessionOptions {
  peer: string;
  own: Buffer;
  peerBytes: Buffer;
  number: Buffer;
  initiated: boolean;
  link: Link;
  keys: HandshakeResult;
}

/** A finished handshake with one node over one path: records in, records out, in order, or the session is over. */
export class Session {
  readonly peer: string;
  readonly initiated: boolean;
  readonly link: Link;
  /** The peer's static key, proven by the handshake. */
  readonly peerKey: Uint8Array;
  /** Hex of the session's number. */
  readonly number: string;
  readonly startedAt = performance.now();
  readonly #options: SessionOptions;
  #events: SessionEvents | undefined;
  #closed = false;
  #closing = false;
  #confirmed: boolean;
  #underWay = 0;
  #unreceipted = 0;
  #lastSent = performance.now();
  #lastHeard = performance.now();
  #rekeyedAt = performance.now();
  #rekeyedCounter = 0;
  #peerRekeyedCounter = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.peer = options.peer;
    this.initiated = options.initiated;
    this.link = options.link;
    this.peerKey = options.keys.remoteStatic;
    this.number = options.number.toString('hex');
    this.#confirmed = options.initiated;
  }

  attach(events: SessionEvents): void {
    this.#events = events;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether the other side has shown that it holds the keys. */
  get confirmed(): boolean {
    return this.#confirmed;
  }

  /** When the peer last proved that it is there, on the clock of `performance.now()`. */
  get lastHeard(): number {
    return this.#lastHeard;
  }

  /** Whether a data record may be sent now; `writable` is called when this turns true again. */
  get writable(): boolean {
    return !this.#closing && this.#underWay < MAX_UNDER_WAY && this.link.writable;
  }

  /** Seals one data record of the pieces, MAX_RECORD_PAYLOAD bytes at most. */
  sendData(stream: number, pieces: readonly Buffer[]): void {
    this.#underWay += this.#send(RecordType.data, stream, pieces);
  }

  sendControl(type: Exclude<RecordType, typeof RecordType.data>, stream: number, payload: Buffer = NOTHING): void {
    this.#send(type, stream, [payload]);
  }

  /** Takes a transport frame of this session that came over the session's own link. */
  receive(frame: Buffer): void {
    if (this.#closed) return;
    const body = frameBody(frame);
    const { receive } = this.#options.keys;
    if (body.length < COUNTER_LENGTH + TAG_LENGTH) return this.close('malformed message');
    const counter = body.readUInt32BE(0) * 2 ** 32 + body.readUInt32BE(4);
    // The number stands in the clear: it only saves a decryption. A replay says nothing new; a gap means that data is lost for ever.
    if (counter < receive.counter) return;
    if (counter > receive.counter) return this.close('messages were lost on the way');
    let record: SessionRecord | undefined;
    try {
      record = parseRecord(receive.decrypt(NOTHING, body.subarray(COUNTER_LENGTH)));
    } catch {
      return this.close('message is not authentic');
    }
    if (record === undefined) return this.close('malformed record');
    this.#confirmed = true;
    this.#lastHeard = performance.now();
    this.#take(record);
  }

  /** Keepalive, silence and new keys; to be called about twice a second. `stalledMs`: how long this process itself was not running. */
  tick(now: number, stalledMs: number): void {
    if (this.#closed) return;
    this.#lastHeard += stalledMs;
    if (!this.#confirmed) {
      if (now - this.#lastHeard > HANDSHAKE_MS) this.close('handshake was never confirmed');
      return;
    }
    if (now - this.#lastHeard > LOST_AFTER_MS) return this.close('peer went silent');
    if (now - this.#rekeyedAt > REKEY_MS) this.#rekey();
    if (now - this.#lastSent > KEEPALIVE_MS) this.sendControl(RecordType.ping, 0);
  }

  linkDrained(): void {
    if (!this.#closed) this.#events?.writable();
  }

  /** Ends the session and every stream in it. */
  close(reason: string, tell = true): void {
    if (this.#closing) return;
    this.#closing = true;
    if (tell && this.#confirmed) this.sendControl(RecordType.close, 0);
    this.#closed = true;
    this.#events?.closed(reason);
  }

  #take(record: SessionRecord): void {
    const { type, payload } = record;
    if (type === RecordType.ping) return;
    if (type === RecordType.close) return this.close('closed by the peer', false);
    if (type === RecordType.rekey) {
      this.#options.keys.receive.rekey();
      this.#peerRekeyedCounter = this.#options.keys.receive.counter;
      return;
    }
    if (this.#options.keys.receive.counter - this.#peerRekeyedCounter > 2 * REKEY_MESSAGES) return this.close('peer does not change its keys');
    if (type === RecordType.received) {
      this.#underWay = Math.max(0, this.#underWay - payload.readUInt32BE(0));
      this.#events?.writable();
      return;
    }
    if (type === RecordType.data) {
      this.#unreceipted += payload.length;
      if (this.#unreceipted >= RECEIPT_EVERY) {
        this.sendControl(RecordType.received, 0, uint32(this.#unreceipted));
        this.#unreceipted = 0;
      }
    }
    this.#events?.record(record);
  }

  /** Returns the bytes of payload it sealed. */
  #send(type: RecordType, stream: number, pieces: readonly Buffer[]): number {
    if (this.#closed) return 0;
    const { send } = this.#options.keys;
    if (type !== RecordType.rekey && send.counter - this.#rekeyedCounter >= REKEY_MESSAGES) this.#rekey();
    let bytes = 0;
    for (const piece of pieces) bytes += piece.length;
    const { own, peerBytes, number, initiated } = this.#options;
    const frame = allocateFrame(
      { type: initiated ? FrameType.toResponder : FrameType.toInitiator, dst: peerBytes, src: own, session: number },
      COUNTER_LENGTH + RECORD_HEADER + bytes + TAG_LENGTH,
    );
    frame.writeUInt32BE(Math.floor(send.counter / 2 ** 32), FRAME_HEADER);
    frame.writeUInt32BE(send.counter % 2 ** 32, FRAME_HEADER + 4);
    send.encryptInto(frame, { offset: FRAME_HEADER + COUNTER_LENGTH, pieces: [recordHeader(type, stream), ...pieces] });
    this.#lastSent = performance.now();
    this.link.send(frame);
    return bytes;
  }

  #rekey(): void {
    this.#send(RecordType.rekey, 0, []);
    this.#options.keys.send.rekey();
    this.#rekeyedAt = performance.now();
    this.#rekeyedCounter = this.#options.keys.send.counter;
  }
}
