import { existsSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { STORE_FILE } from './store.ts';

/** A follower's copy inside its folder. */
export const COPY_FILE = 'log.sqlite';

/** Leaves from 0 on of a ledger's folder or of a follower's; undefined when there is neither. Nothing of them is checked here. */
export function readLeaves(dir: string): Iterable<Uint8Array> | undefined {
  for (const [file, table] of [[STORE_FILE, 'entries'], [COPY_FILE, 'leaves']] as const) {
    if (existsSync(path.join(dir, file))) return rows(path.join(dir, file), table);
  }
  return undefined;
}

function* rows(file: string, table: 'entries' | 'leaves'): Generator<Uint8Array> {
  const database = new Database(file, { readonly: true, fileMustExist: true });
  try {
    for (const { leaf } of database.prepare<[], { leaf: Uint8Array }>(`SELECT leaf FROM ${table} ORDER BY seq`).iterate()) yield leaf;
  } finally {
    database.close();
  }
}
