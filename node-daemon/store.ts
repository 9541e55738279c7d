import path from 'node:path';
import Database from 'better-sqlite3';
import { DeploymentId } from '../contract/contract.ts';
import type { HeldWorkload } from './holdings.ts';

export class StateInUse extends Error {
  override readonly name = 'StateInUse';
}

/** A holding that this node started once, and whose data folder may still be here. */
export interface KnownHolding {
  readonly key: string;
  readonly deployment: DeploymentId;
  readonly workload: string;
  readonly epoch: number;
}

/** The node's own small database: what it has run, so that it knows whose data lies here. Also the lock on the state folder. */
export interface NodeStore {
  remember(key: string, held: HeldWorkload): void;
  forget(key: string): void;
  has(key: string): boolean;
  known(): KnownHolding[];
  close(): void;
}

/**
 * Opens `<dir>/node.db` and holds it exclusively: two daemons with one identity would each start the same work.
 * The kernel drops the lock with the process, however that ends.
 * @throws StateInUse when another process has it.
 */
export function openStore(dir: string): NodeStore {
  const db = new Database(path.join(dir, 'node.db'), { timeout: 0 });
  try {
    // EXCLUSIVE keeps the file lock of the first write until the connection ends.
    db.pragma('locking_mode = EXCLUSIVE');
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.exec('CREATE TABLE IF NOT EXISTS holding (key TEXT PRIMARY KEY, deployment TEXT NOT NULL, workload TEXT NOT NULL, epoch INTEGER NOT NULL) STRICT');
    db.exec('BEGIN IMMEDIATE; COMMIT');
  } catch (error) {
    db.close();
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) throw new StateInUse(`another node daemon runs in ${dir}`, { cause: error });
    throw error;
  }
  const insert = db.prepare<[string, string, string, number]>('INSERT OR IGNORE INTO holding (key, deployment, workload, epoch) VALUES (?, ?, ?, ?)');
  const remove = db.prepare<[string]>('DELETE FROM holding WHERE key = ?');
  const one = db.prepare<[string]>('SELECT 1 FROM holding WHERE key = ?');
  const all = db.prepare<[], { key: string; deployment: string; workload: string; epoch: number }>('SELECT key, deployment, workload, epoch FROM holding ORDER BY key');
  return {
    remember: (key, held) => void insert.run(key, held.deployment, held.workload, held.epoch),
    has: (key) => one.get(key) !== undefined,
    forget: (key) => void remove.run(key),
    known: () => all.all().map((row) => ({ ...row, deployment: DeploymentId.parse(row.deployment) })),
    close: () => void db.close(),
  };
}
