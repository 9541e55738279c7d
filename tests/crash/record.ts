import { readFileSync } from 'node:fs';
import path from 'node:path';

/** What a process did to the files of one folder and said over the network, in order; see recorder.c. Paths are relative to the folder. */
export type Event =
  | { readonly type: 'start' }
  | { readonly type: 'open'; readonly fd: number; readonly created: boolean; readonly truncated: boolean; readonly path: string }
  | { readonly type: 'write'; readonly fd: number; readonly offset: number; readonly bytes: Buffer }
  | { readonly type: 'size'; readonly fd: number; readonly length: number }
  | { readonly type: 'sync' | 'close' | 'map'; readonly fd: number }
  | { readonly type: 'mkdir' | 'unlink' | 'rmdir'; readonly path: string }
  | { readonly type: 'rename'; readonly from: string; readonly to: string }
  | { readonly type: 'say'; readonly fd: number; readonly bytes: Buffer };

const NEWLINE = 0x0a;

/** @throws on a record that is not whole or that holds a call which the model of a disk does not know. */
export function readRecord(file: string, folder: string): Event[] {
  const record = readFileSync(file);
  const inFolder = (absolute: string): string => path.relative(folder, absolute);
  const events: Event[] = [];
  let at = 0;
  const take = (length: number): Buffer => {
    const bytes = record.subarray(at, at + length);
    if (bytes.length !== length || record[at + length] !== NEWLINE) throw new Error(`the record ends inside an event, at ${at}`);
    at += length + 1;
    return bytes;
  };
  while (at < record.length) {
    const end = record.indexOf(NEWLINE, at);
    if (end < 0) throw new Error(`the record ends inside a line, at ${at}`);
    const line = record.toString('utf8', at, end);
    at = end + 1;
    const [type = '', a = '', b = '', c = ''] = line.split(' ');
    const fd = Number(a);
    const rest = line.slice(type.length + 1);
    switch (type) {
      case 'start': events.push({ type }); break;
      case 'open': events.push({ type, fd, created: b === '1', truncated: c === '1', path: inFolder(line.split(' ').slice(4).join(' ')) }); break;
      case 'write': events.push({ type, fd, offset: Number(b), bytes: take(Number(c)) }); break;
      case 'size': events.push({ type, fd, length: Number(b) }); break;
      case 'sync': case 'close': case 'map': events.push({ type, fd }); break;
      case 'mkdir': case 'unlink': case 'rmdir': events.push({ type, path: inFolder(rest) }); break;
      case 'rename': {
        const [from = '', to = ''] = rest.split('\t');
        events.push({ type, from: inFolder(from), to: inFolder(to) });
        break;
      }
      case 'say': events.push({ type, fd, bytes: take(Number(b)) }); break;
      default: throw new Error(`the process did what the model does not know: ${line.slice(0, 200)}`);
    }
  }
  return events;
}
