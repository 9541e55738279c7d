import { z } from 'zod';
import type { Log } from './ports.ts';
import { readState, writeState } from './state-file.ts';

/** Withdrawn names keep their port for when they come back; the longest forgotten go first. */
const MAX_REMEMBERED = 4096;

const port = z.number().int().min(1).max(65535);
const fileSchema = z.strictObject({ shared: port.optional(), names: z.array(z.tuple([z.string().max(63), port])) });

/** Remembers over restarts which TCP port each name had. */
export class PortAssignments {
  readonly #file: string;
  #shared: number | undefined;
  readonly #names: Map<string, number>;

  private constructor(file: string, content: z.infer<typeof fileSchema>) {
    this.#file = file;
    this.#shared = content.shared;
    this.#names = new Map(content.names);
  }

  /** Reads the file; an unreadable one only costs the printed endpoints their ports, so it is discarded and logged. */
  static async open(file: string, log: Log): Promise<PortAssignments> {
    const text = await readState(file);
    if (text === undefined) return new PortAssignments(file, { names: [] });
    try {
      return new PortAssignments(file, fileSchema.parse(JSON.parse(text)));
    } catch {
      log({ event: 'state_discarded', file, reason: 'not a list of port assignments' });
      return new PortAssignments(file, { names: [] });
    }
  }

  /** The remembered port of a name (or of the shared listener, without one); 0 when there is none. */
  recall(name?: string): number {
    return (name === undefined ? this.#shared : this.#names.get(name)) ?? 0;
  }

  /** Writes down the ports in use now; resolves when they are on disk. */
  async remember(shared: number, names: Iterable<[string, number]>): Promise<void> {
    const before = JSON.stringify(this.#content());
    this.#shared = shared;
    for (const [name, assigned] of names) {
      this.#names.delete(name);
      this.#names.set(name, assigned);
    }
    for (const name of this.#names.keys()) {
      if (this.#names.size <= MAX_REMEMBERED) break;
      this.#names.delete(name);
    }
    const after = JSON.stringify(this.#content());
    if (after !== before) await writeState(this.#file, after);
  }

  #content(): z.infer<typeof fileSchema> {
    return { ...(this.#shared === undefined ? {} : { shared: this.#shared }), names: [...this.#names] };
  }
}
