import { WebSocket } from 'ws';
import type { RawData } from 'ws';
import type { CipherState } from './cipher-state.ts';
import { FrameType, encodeFrame, frameSession, frameTag, frameType, linkAuthenticated } from './frame.ts';
import { nodeByKey, nodeIdBytes, overlayKeyBytes, prologue } from './identity.ts';
import type { Identity, PeerInfo } from './identity.ts';
import { HandshakeState } from './noise.ts';
import type { HandshakeResult } from './noise.ts';

/** A link that is not open after this many ms is dropped. */
export const LINK_HANDSHAKE_MS = 5_000;
const PING_EVERY_MS = 1_000;
const DEAD_AFTER_MS = 3_500;
/** A neighbour that talks but takes nothing for this long only fills our memory. */
const STUCK_AFTER_MS = 10_000;
const MAX_HANDSHAKE_BYTES = 256;
/** Sessions stop sealing data above the first mark and go on below the second. */
const HIGH_WATER = 4 * 1024 * 1024;
const LOW_WATER = 1024 * 1024;
/** Nothing of ours queues this much; a neighbour that makes us do so is not reading. */
const MAX_BUFFERED = 96 * 1024 * 1024;
const RTT_WEIGHT = 0.2;
const NOTHING = Buffer.alloc(0);

export interface LinkEvents {
  opened(link: Link): void;
  /** An authenticated frame of this neighbour, neither ping nor pong. */
  frame(link: Link, frame: Buffer): void;
  drained(link: Link): void;
  closed(link: Link, reason: string): void;
}

/** One WebSocket to a neighbour that proved, by Noise IK over this very connection, to hold the key the ledger names. */
export class Link {
  readonly #socket: WebSocket;
  readonly #identity: Identity;
  readonly #events: LinkEvents;
  readonly #handshake: HandshakeState;
  readonly #initiated: boolean;
  readonly #since = performance.now();
  #peer: PeerInfo | undefined;
  #peerBytes: Buffer = NOTHING;
  #keys: { send: CipherState; receive: CipherState } | undefined;
  #confirmed = false;
  #closed = false;
  #blocked = false;
  #lastHeard = performance.now();
  #lastProgress = performance.now();
  #pingSentAt: number | undefined;
  #lastPing = 0;
  #pingNonce = 0;
  #rtt: number | undefined;

  /** `expected` is the node we dialled; without it the socket came in, and its first message says who it is. */
  constructor(options: { socket: WebSocket; identity: Identity; events: LinkEvents; expected?: PeerInfo }) {
    this.#socket = options.socket;
    this.#identity = options.identity;
    this.#events = options.events;
    this.#initiated = options.expected !== undefined;
    const { grid, id, staticKey } = options.identity;
    const responder = options.expected?.id ?? id;
    const remoteStatic = options.expected === undefined ? undefined : overlayKeyBytes(options.expected);
    this.#peer = options.expected;
    this.#handshake = new HandshakeState({
      pattern: 'IK', initiator: this.#initiated, prologue: prologue('link', { grid, responder }), staticKey,
      ...(remoteStatic === undefined ? {} : { remoteStatic }),
    });
    this.#socket.on('message', (data, isBinary) => this.#message(data, isBinary));
    this.#socket.on('close', () => this.close('connection closed'));
    this.#socket.on('error', (error) => this.close(error.message));
    // WebSocket's own pings are not ours: answering them would let a neighbour queue pongs without limit.
    this.#socket.on('ping', () => this.close('unexpected WebSocket ping'));
    if (this.#initiated) this.#whenConnected(() => this.#socket.send(this.#handshake.writeMessage(NOTHING)));
  }

  get open(): boolean {
    return this.#confirmed && !this.#closed;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The authenticated neighbour; throws before the link is open. */
  get peer(): PeerInfo {
    if (this.#keys === undefined || this.#peer === undefined) throw new Error('the link is not open');
    return this.#peer;
  }

  get peerBytes(): Buffer {
    return this.#peerBytes;
  }

  /** Smoothed round trip in ms; Infinity until measured. */
  get rttMs(): number {
    return this.#rtt ?? Number.POSITIVE_INFINITY;
  }

  /** Whether sessions may go on sealing data for this link. */
  get writable(): boolean {
    if (!this.open) return false;
    if (this.#socket.bufferedAmount > HIGH_WATER) this.#blocked = true;
    return !this.#blocked;
  }

  /** Stamps the frame with the link's tag and sends it; `written` is called when the kernel has it. The frame belongs to the link now. */
  send(frame: Buffer, written?: () => void): void {
    if (!this.open || this.#keys === undefined) return;
    if (this.#socket.bufferedAmount > MAX_BUFFERED) {
      this.close('neighbour does not read');
      return;
    }
    if (this.#socket.bufferedAmount === 0) this.#lastProgress = performance.now();
    this.#keys.send.encryptInto(frame, { offset: 0, pieces: [], associated: linkAuthenticated(frame) });
    this.#socket.send(frame, { binary: true }, () => {
      this.#lastProgress = performance.now();
      written?.();
      if (this.#blocked && this.#socket.bufferedAmount < LOW_WATER) {
        this.#blocked = false;
        if (!this.#closed) this.#events.drained(this);
      }
    });
  }

  /** Looks after the link; to be called about twice a second. `stalledMs`: how long this process itself was not running. */
  tick(now: number, stalledMs: number): void {
    if (this.#closed) return;
    this.#lastHeard += stalledMs;
    if (!this.#confirmed) {
      if (now - this.#since - stalledMs > LINK_HANDSHAKE_MS) this.close('handshake timed out');
      return;
    }
    // A slow neighbour that still takes our bytes is alive: its pong waits behind them.
    const busy = this.#socket.bufferedAmount > 0 && now - this.#lastProgress < DEAD_AFTER_MS;
    if (now - this.#lastHeard > DEAD_AFTER_MS && !busy) {
      this.close('neighbour went silent');
      return;
    }
    if (this.#socket.bufferedAmount > 0 && now - this.#lastProgress - stalledMs > STUCK_AFTER_MS) {
      this.close('neighbour does not read');
      return;
    }
    if (now - this.#lastPing < PING_EVERY_MS - 50) return;
    this.#ping(now);
  }

  /** Drops the connection at once; what was queued is lost. */
  close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.terminate();
    this.#events.closed(this, reason);
  }

  /** Ends the connection after what was queued, or after `graceMs`. */
  async shutdown(graceMs: number): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#socket.readyState === WebSocket.OPEN) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.#socket.once('close', () => {
          clearTimeout(timer);
          resolve();
        });
        this.#socket.close(1001);
      });
    }
    this.#socket.terminate();
    this.#events.closed(this, 'shut down');
  }

  #whenConnected(then: () => void): void {
    if (this.#socket.readyState === WebSocket.OPEN) then();
    else this.#socket.once('open', then);
  }

  #message(data: RawData, isBinary: boolean): void {
    if (this.#closed) return;
    if (!isBinary || !Buffer.isBuffer(data)) return this.close('not a binary message');
    if (this.#keys === undefined) {
      const refusal = this.#handshakeMessage(data);
      if (refusal !== undefined) this.close(refusal);
      return;
    }
    const type = frameType(data);
    if (type === undefined) return this.close('malformed frame');
    try {
      this.#keys.receive.decrypt(linkAuthenticated(data), frameTag(data));
    } catch {
      return this.close('frame is not authentic');
    }
    this.#lastHeard = performance.now();
    if (!this.#confirmed) this.#confirm();
    if (type === FrameType.ping) this.#send(FrameType.pong, frameSession(data));
    else if (type === FrameType.pong) this.#pong(data);
    else this.#events.frame(this, data);
  }

  /** Returns why the peer is refused, or undefined. */
  #handshakeMessage(data: Buffer): string | undefined {
    if (data.length > MAX_HANDSHAKE_BYTES) return 'handshake message too long';
    let keys: HandshakeResult;
    try {
      this.#handshake.readMessage(data);
      if (!this.#initiated) {
        const key = this.#handshake.remoteStatic;
        this.#peer = key === undefined ? undefined : nodeByKey(this.#identity.directory, key);
        if (this.#peer === undefined) return 'unknown node';
        this.#socket.send(this.#handshake.writeMessage(NOTHING));
      }
      keys = this.#handshake.finish();
    } catch {
      return 'handshake failed';
    }
    const bytes = this.#peer === undefined ? undefined : nodeIdBytes(this.#peer.id);
    if (bytes === undefined || this.#peer?.id === this.#identity.id) return 'not a neighbour';
    this.#peerBytes = bytes;
    this.#keys = keys;
    // The first message of IK can be replayed by anyone who saw it. So the accepting side waits for a frame under the new keys.
    if (this.#initiated) this.#confirm();
    return undefined;
  }

  #confirm(): void {
    this.#confirmed = true;
    this.#lastHeard = performance.now();
    this.#ping(this.#lastHeard);
    this.#events.opened(this);
  }

  #ping(now: number): void {
    this.#lastPing = now;
    this.#pingSentAt = now;
    this.#pingNonce += 1;
    const nonce = Buffer.alloc(8);
    nonce.writeUInt32BE(this.#pingNonce % 2 ** 32, 4);
    this.#send(FrameType.ping, nonce);
  }

  #pong(frame: Buffer): void {
    if (this.#pingSentAt === undefined || frameSession(frame).readUInt32BE(4) !== this.#pingNonce % 2 ** 32) return;
    const sample = performance.now() - this.#pingSentAt;
    this.#pingSentAt = undefined;
    this.#rtt = this.#rtt === undefined ? sample : this.#rtt + RTT_WEIGHT * (sample - this.#rtt);
  }

  #send(type: FrameType, session: Buffer): void {
    const own = nodeIdBytes(this.#identity.id);
    if (own !== undefined) this.send(encodeFrame({ type, dst: this.#peerBytes, src: own, session }, NOTHING));
  }
}
