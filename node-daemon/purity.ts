import { existsSync } from 'node:fs';
import { readFile, readlink, realpath } from 'node:fs/promises';
import type { Digest } from '../contract/digest.ts';
import { type MeasuredEngine, measureFile } from './engine.ts';

/**
 * Whether a process is the one that was started: this Node binary, with exactly the private engine copy as its
 * argument, and the copy still the measured one. Returns what deviates, undefined when nothing does. It catches a
 * replaced file, a recycled pid and another program under this pid; it does not look into the memory of the process.
 */
export async function deviationOf(pid: number, engine: MeasuredEngine): Promise<string | undefined> {
  const measured: Digest | undefined = await measureFile(engine.file).catch(() => undefined);
  if (measured !== engine.digest) return 'the engine file is not the one that was measured';
  if (!existsSync('/proc/self/exe')) return undefined;
  try {
    const [exe, own, commandLine] = await Promise.all([readlink(`/proc/${pid}/exe`), realpath(process.execPath), readFile(`/proc/${pid}/cmdline`, 'utf8')]);
    if (exe !== own) return `process ${pid} runs another program`;
    const [, file, ...others] = commandLine.split('\0');
    if (file !== engine.file || others.some((argument) => argument !== '')) return `process ${pid} was started with other arguments`;
  } catch {
    return `process ${pid} is gone`;
  }
  return undefined;
}
