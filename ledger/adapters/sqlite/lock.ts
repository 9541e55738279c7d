import Database from 'better-sqlite3';

/**
 * Holds a folder for this process; released by close and by any kind of death. A lock database of its own, so that
 * `verify` can read the log beside a running server.
 * @throws Error with code `ledger_in_use` when another process holds it.
 */
export function lockFolder(file: string): { close(): void } {
  const database = new Database(file, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    throw Object.assign(new Error(`another process serves this ledger (${file} is locked)`, { cause }), { code: 'ledger_in_use' });
  }
  return { close: () => database.close() };
}
