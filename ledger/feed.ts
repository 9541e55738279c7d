import { base64 } from '@scure/base';
import type { WebSocket } from 'ws';
import type { Log } from './ports.ts';
import { CLOSE_BEYOND_LOG, CLOSE_GOING_AWAY, CLOSE_POLICY, CLOSE_TOO_SLOW, CLOSE_TRY_LATER, MAX_FRAME_BYTES, MAX_FRAME_ENTRIES } from './protocol.ts';
import { joinLeaves } from './routes.ts';
import type { CosignedNote, CosignedNotes, Wanted } from './witness/cosigned-notes.ts';

const MAX_FEED_CLIENTS = 256;
/** A frame that is not taken off our hands in that time ends the client's feed; it resumes from where it was. */
const SLOW_CLIENT_MS = 20_000;
const PING_MS = 10_000;

interface Client {
  readonly socket: WebSocket;
  cursor: number;
  greeted: boolean;
  sending: boolean;
  answered: boolean;
  /** Only what is cosigned like this is sent; everything when absent. */
  readonly wanted: Wanted | undefined;
  /** The cosigned note that it was sent last: newer cosignatures are news, also without entries. */
  note: string | undefined;
}

/**
 * Pushes the log to any number of clients. A client is sent its next frame only when the last one has left: what is
 * queued for it is at most one frame, the rest stays in the log. Each frame carries a checkpoint over exactly the
 * entries up to its end. A client that asks for witnesses gets no further than they have cosigned, each frame with the
 * cosigned note and the proof that its log begins with the frame's.
 */
export class Feed {
  readonly #log: Log;
  readonly #slowMs: number;
  readonly #clients = new Set<Client>();
  readonly #cosigned: CosignedNotes | undefined;
  readonly #stop: () => void;
  readonly #stopCosigned: (() => void) | undefined;
  readonly #pings: NodeJS.Timeout;
  #cached: { key: string; end: number; text: string } | undefined;

  constructor(log: Log, options: { slowMs?: number | undefined; cosigned?: CosignedNotes | undefined } = {}) {
    this.#log = log;
    this.#slowMs = options.slowMs ?? SLOW_CLIENT_MS;
    this.#cosigned = options.cosigned;
    this.#stop = log.onCommit(() => this.#pumpAll());
    this.#stopCosigned = options.cosigned?.onChange(() => this.#pumpAll());
    this.#pings = setInterval(() => this.#ping(), PING_MS).unref();
  }

  add(socket: WebSocket, from: number, wanted?: Wanted): void {
    socket.on('error', () => socket.terminate());
    if (this.#clients.size >= MAX_FEED_CLIENTS) {
      socket.close(CLOSE_TRY_LATER, 'too many feeds');
      return;
    }
    const client: Client = { socket, cursor: from, greeted: false, sending: false, answered: true, wanted, note: undefined };
    this.#clients.add(client);
    socket.on('close', () => this.#clients.delete(client));
    socket.on('pong', () => { client.answered = true; });
    socket.on('message', () => socket.close(CLOSE_POLICY, 'the feed listens to nothing'));
    this.#pump(client);
  }

  close(): void {
    this.#stop();
    this.#stopCosigned?.();
    clearInterval(this.#pings);
    for (const { socket } of this.#clients) {
      socket.close(CLOSE_GOING_AWAY, 'the ledger stops');
      setTimeout(() => socket.terminate(), 200).unref();
    }
  }

  #pumpAll(): void {
    for (const client of this.#clients) this.#pump(client);
  }

  #pump(client: Client): void {
    const { socket } = client;
    if (client.sending || socket.readyState !== socket.OPEN) return;
    const best = client.wanted && this.#cosigned?.best(client.wanted);
    const limit = client.wanted ? (best?.size ?? 0) : this.#log.size();
    if (client.greeted && client.cursor >= limit && best?.note === client.note) return;
    const { end, text } = this.#frame(client.cursor, limit, best);
    client.note = best?.note;
    client.sending = true;
    client.greeted = true;
    const slow = setTimeout(() => {
      socket.close(CLOSE_TOO_SLOW, 'too slow; resume where you are');
      setTimeout(() => socket.terminate(), 1000).unref();
    }, this.#slowMs).unref();
    socket.send(text, (error) => {
      clearTimeout(slow);
      client.sending = false;
      if (error) return;
      if (client.cursor > this.#log.size()) {
        socket.close(CLOSE_BEYOND_LOG, 'the log is shorter');
        return;
      }
      client.cursor = end;
      this.#pump(client);
    });
  }

  #frame(from: number, limit: number, best: CosignedNote | undefined): { end: number; text: string } {
    const size = this.#log.size();
    const key = `${from}:${size}:${limit}:${best?.note ?? ''}`;
    if (this.#cached?.key === key) return this.#cached;
    const leaves = from < limit ? this.#log.read(from, { entries: Math.min(MAX_FRAME_ENTRIES, limit - from), bytes: MAX_FRAME_BYTES }) : [];
    const end = Math.min(from, size) + leaves.length;
    const witnessed = best && end > 0 && end <= best.size
      ? `,"witnessed":${JSON.stringify({ note: best.note, proof: end < best.size ? this.#log.consistencyProof(end, best.size).map((hash) => base64.encode(hash)) : [] })}`
      : '';
    const text = `{"entries":${joinLeaves(leaves)},"checkpoint":${JSON.stringify(this.#log.checkpoint(end) ?? null)},"size":${size}${witnessed}}`;
    this.#cached = { key, end, text };
    return this.#cached;
  }

  #ping(): void {
    for (const client of this.#clients) {
      if (!client.answered) client.socket.terminate();
      client.answered = false;
      client.socket.ping();
    }
  }
}
