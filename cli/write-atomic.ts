import { randomUUID } from 'node:crypto';
import { open, rename } from 'node:fs/promises';

/** Replaces a file whole and durably, readable by its owner only: after a crash the old or the new one is there. */
export async function writeAtomic(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomUUID()}.tmp`;
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}
