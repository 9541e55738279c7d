import { appendFileSync, renameSync, statSync } from 'node:fs';

/** A log and its one predecessor take at most twice this, in bytes. */
export const MAX_LOG_BYTES = 1024 * 1024;

/** Appends to a log file of bounded size; the one before it is kept as `<file>.1`. A full disk loses log lines, nothing else. */
export function openLogFile(file: string): (data: Buffer | string) => void {
  let size = sizeOf(file);
  return (data) => {
    try {
      if (size >= MAX_LOG_BYTES) {
        renameSync(file, `${file}.1`);
        size = 0;
      }
      const part = Buffer.from(data).subarray(0, MAX_LOG_BYTES);
      appendFileSync(file, part, { mode: 0o600 });
      size += part.length;
    } catch {
      // Logging must never end what it logs about.
    }
  };
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
