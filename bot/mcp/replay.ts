import type { EventStore } from '@modelcontextprotocol/server';

/** Messages of one session that a client can ask for again after its connection broke. */
const MAX_EVENTS = 256;
const MAX_CHARACTERS = 1_000_000;

type Message = Parameters<EventStore['storeEvent']>[1];

/** Keeps the last messages of a session's streams; the oldest give way. */
export class Replay implements EventStore {
  readonly #events = new Map<string, { readonly stream: string; readonly message: Message; readonly size: number }>();
  #next = 1;
  #size = 0;

  async storeEvent(stream: string, message: Message): Promise<string> {
    const id = `${this.#next++}`;
    const size = JSON.stringify(message).length;
    this.#events.set(id, { stream, message, size });
    this.#size += size;
    for (const [oldest, event] of this.#events) {
      if (this.#events.size <= MAX_EVENTS && this.#size <= MAX_CHARACTERS) break;
      this.#events.delete(oldest);
      this.#size -= event.size;
    }
    return id;
  }

  async getStreamIdForEventId(id: string): Promise<string | undefined> {
    return this.#events.get(id)?.stream;
  }

  async replayEventsAfter(last: string, { send }: { readonly send: (id: string, message: Message) => Promise<void> }): Promise<string> {
    const stream = this.#events.get(last)?.stream;
    if (stream === undefined) throw new Error('what came after this is not kept any more');
    // The empty message only marks the beginning of a stream.
    for (const [id, event] of this.#events) if (event.stream === stream && Number(id) > Number(last) && Object.keys(event.message).length > 0) await send(id, event.message);
    return stream;
  }
}
