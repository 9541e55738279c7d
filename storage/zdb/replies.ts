import { ZdbError } from './client-error.ts';
import type { Resp } from './resp.ts';

export interface ScanPage {
  /** Cursor of the next page: the sequence of the last item, or the one asked for when nothing is newer. */
  readonly cursor: string;
  readonly items: { key: Buffer; seq: number; timeMs: number; length: number; deleted: boolean }[];
}

export interface TailPage {
  readonly cursor: string;
  /** `value` is undefined when the key was deleted. */
  readonly items: { key: Buffer; value: Buffer | undefined; seq: number }[];
}

const unexpected = (): never => {
  throw new ZdbError('refused', 'reply has an unexpected shape');
};
const isList = (reply: Resp | undefined): reply is readonly Resp[] => Array.isArray(reply);
const list = (reply: Resp | undefined): readonly Resp[] => (isList(reply) ? reply : unexpected());
const bytes = (reply: Resp | undefined): Buffer => (Buffer.isBuffer(reply) ? reply : unexpected());
const number = (reply: Resp | undefined): number => (typeof reply === 'number' ? reply : unexpected());

/** A value, or undefined for a null reply. */
export const value = (reply: Resp | undefined): Buffer | undefined => (reply === null ? undefined : bytes(reply));

export const key = (reply: Resp): Buffer => bytes(reply);

/** Values of an MGET; rejects when one of them is damaged on the server. */
export const values = (reply: Resp): (Buffer | undefined)[] => list(reply).map(value);

export const flag = (reply: Resp): boolean => number(reply) === 1;

export const length = (reply: Resp): number | undefined => (reply === null ? undefined : number(reply));

export function scanPage(reply: Resp): ScanPage {
  const [cursor, items] = list(reply);
  return {
    cursor: bytes(cursor).toString('latin1'),
    items: list(items).map((item) => {
      const [key, seq, time, size, deleted] = list(item);
      return { key: bytes(key), seq: number(seq), timeMs: number(time), length: number(size), deleted: number(deleted) === 1 };
    }),
  };
}

export function tailPage(reply: Resp): TailPage {
  const [cursor, items] = list(reply);
  return {
    cursor: bytes(cursor).toString('latin1'),
    items: list(items).map((item) => {
      const [key, content, seq] = list(item);
      return { key: bytes(key), value: value(content), seq: number(seq) };
    }),
  };
}

/** The `name: value` lines of an information reply. */
export function facts(reply: Resp): Map<string, string> {
  const lines = bytes(reply).toString('utf8').split('\n');
  return new Map(
    lines.flatMap((line): [string, string][] => {
      const at = line.indexOf(': ');
      return line.startsWith('#') || at === -1 ? [] : [[line.slice(0, at), line.slice(at + 2)]];
    }),
  );
}
