import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { BlockHash, type BlockRef } from './header.ts';

/** Beside the local copy of the log: which chain it was read from, and how far. */
export const CURSOR_FILE = 'chain';

/** A block that was read, and how many entries the log had after it. */
const Position = z.strictObject({ number: z.int().min(0), hash: BlockHash, size: z.int().min(0) });
export type Position = z.infer<typeof Position>;

const CallIndex = z.string().regex(/^[0-9a-f]{4}$/);
const Cursor = z.strictObject({
  genesis: BlockHash,
  /** The first block that may hold the grid. */
  from: z.int().min(1),
  before: Position,
  after: Position,
  /** Indices of the calls that are signed, as the runtime's first description had them. */
  calls: z.strictObject({ batchAll: CallIndex, remark: CallIndex }).exactOptional(),
});
export type Cursor = z.infer<typeof Cursor>;

/**
 * Written and synced before the entries of a block are committed, with the position before and after them: whichever of
 * the two the log's size says is where it is. Order matters because an entry that was refused at its place in the chain
 * might be accepted when it is looked at again later.
 */
export function writeCursor(dir: string, cursor: Cursor): void {
  const file = path.join(dir, CURSOR_FILE);
  const draft = `${file}.new`;
  withFile(draft, 'w', (fd) => {
    writeSync(fd, JSON.stringify(cursor));
    fsyncSync(fd);
  });
  renameSync(draft, file);
  withFile(dir, 'r', fsyncSync);
}

/** Undefined when there is none. @throws Error when it is damaged. */
export function readCursor(dir: string): Cursor | undefined {
  let text: string;
  try {
    text = readFileSync(path.join(dir, CURSOR_FILE), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  return Cursor.parse(JSON.parse(text));
}

/** Where a copy with so many entries is; undefined when the cursor is not of this copy. */
export function positionOf({ before, after }: Cursor, size: number): Position | undefined {
  return [before, after].find((position) => position.size === size);
}

export function describeBlock({ number, hash }: BlockRef): string {
  return `block ${number} (${hash.slice(0, 18)}…)`;
}

function withFile(file: string, flags: string, use: (fd: number) => void): void {
  const fd = openSync(file, flags, 0o644);
  try {
    use(fd);
  } finally {
    closeSync(fd);
  }
}
