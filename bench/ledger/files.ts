import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Envelope } from '../../contract/envelope.ts';
import { signerFrom } from './grid.ts';

/** Reads what entries.ts wrote; parsed here, judged by the ledger. */
export function readSigner(folder: string): ReturnType<typeof signerFrom> {
  return signerFrom(readFileSync(path.join(folder, 'key')));
}

export function readLines(folder: string, name: 'preamble' | 'alive'): string[] {
  return readFileSync(path.join(folder, `${name}.jsonl`), 'utf8').split('\n').filter((line) => line !== '');
}

export function readEnvelopes(folder: string, name: 'preamble' | 'alive', from: number, to: number): Envelope[] {
  return readLines(folder, name).slice(from, to).map((line) => JSON.parse(line) as Envelope);
}
