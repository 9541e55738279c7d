import { join } from 'node:path';
import Database from 'better-sqlite3';

export interface DirectoryLock {
  release(): void;
}

/**
 * Locks a data directory for one process; undefined when another holds it. It is SQLite's own file lock, held
 * by an open exclusive transaction: the kernel drops it with the process however that ends, and it holds across
 * network and PID namespaces, where an abstract socket or a PID file would not.
 */
export function lockDirectory(dir: string): DirectoryLock | undefined {
  const database = new Database(join(dir, 'lock.sqlite'), { timeout: 0 });
  try {
    // No journal file: the lock must be had on a full disk, too.
    database.pragma('journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return undefined;
    throw error;
  }
  return { release: () => database.close() };
}
