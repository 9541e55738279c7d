import { chmod, mkdir, stat } from 'node:fs/promises';
import path from 'node:path';

/** Makes the node's folders, private to this user. @throws when one belongs to somebody else. */
export async function makePrivateFolders(state: string, runDir: string): Promise<void> {
  for (const dir of [state, runDir, path.join(state, 'log')]) {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const { uid } = await stat(dir);
    // Whoever owns a folder can put other sockets and files into it.
    if (process.getuid && uid !== process.getuid()) throw new Error(`${dir} belongs to another user`);
    await chmod(dir, 0o700);
  }
}
