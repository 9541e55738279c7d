import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { MAX_NOTE } from '../../checkpoint.ts';

export const HEAD_FILE = 'head';

/**
 * The latest acknowledged checkpoint, outside the database. SQLite drops a damaged tail of its write-ahead log without
 * a word, and a restored older database looks whole; a database that is shorter than its head has lost entries.
 * Written after each commit and before any acknowledgement. Not synced: it may lag after a power failure, never lead.
 */
export class HeadFile {
  readonly #fd: number;

  constructor(file: string) {
    this.#fd = openSync(file, constants.O_RDWR | constants.O_CREAT, 0o644);
  }

  /** One write of one sector, so that a reader sees the old note or the new one. */
  write(note: string): void {
    if (Buffer.byteLength(note) > MAX_NOTE) throw new RangeError(`checkpoint note is longer than ${MAX_NOTE} bytes`);
    const sector = sectorOf(note);
    if (writeSync(this.#fd, sector, 0, sector.length, 0) !== sector.length) throw new Error('short write of the head file');
  }

  close(): void {
    closeSync(this.#fd);
  }
}

export type ReadHead = { readonly ok: true; readonly note: string | undefined } | { readonly ok: false; readonly message: string };

/** The note in a head file; undefined when there is no file or nothing was written yet. */
export function readHead(file: string): ReadHead {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { ok: true, note: undefined };
    throw error;
  }
  // Also only zeros: after a power failure the first note's length may be on the disk, and its bytes not.
  if (bytes.every((byte) => byte === 0)) return { ok: true, note: undefined };
  const note = `${bytes.toString('utf8').trimEnd()}\n`;
  return bytes.equals(sectorOf(note)) ? { ok: true, note } : { ok: false, message: `the head file is damaged (${bytes.length} bytes)` };
}

/** A note, cut or filled up with newlines to the fixed length. */
function sectorOf(note: string): Buffer {
  const sector = Buffer.alloc(MAX_NOTE, '\n');
  sector.write(note, 'utf8');
  return sector;
}
