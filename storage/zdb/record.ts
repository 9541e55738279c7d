import { crc32 } from 'node:zlib';

/** Bytes of a record before its key (docs in `encodeHead`). */
export const RECORD_HEADER_BYTES = 40;
export const MAX_KEY_BYTES = 512;
export const MAX_VALUE_BYTES = 16 * 1024 * 1024;

const MAGIC = 0x5243_445a; // "ZDCR", little endian
const KIND_SET = 1;
const KIND_DELETE = 2;

/**
 * What the log says about one version of one key. `key` is one character a byte (latin1).
 * `batchStart` is the offset where the record's group commit began: a batch is written only after the one
 * before it is durable, so a valid record with `batchStart > X` proves that whatever lies at X was durable once.
 */
export interface RecordHead {
  readonly deleted: boolean;
  readonly namespace: number;
  readonly key: string;
  readonly valueLength: number;
  readonly valueCrc: number;
  readonly seq: number;
  readonly time: number;
  readonly batchStart: number;
}

/** CRC-32 of a value as a signed 32-bit integer, which V8 keeps without a heap number. */
export const valueChecksum = (value: Uint8Array): number => crc32(value) | 0;

/** Bytes that a record with this key and value length takes in the log. */
export const recordBytes = (key: string, valueLength: number): number =>
  RECORD_HEADER_BYTES + key.length + valueLength;

/**
 * Header and key of a record, little endian: magic u32, CRC u32 of the rest and the key (seeded with the
 * segment's salt), kind u8, zero u8, key length u16, namespace u32, value length u32, value CRC u32,
 * sequence u48, time u48 (ms), batch start u32.
 *
 * The salt is random and never leaves the disk, so a client cannot place bytes inside a value that a
 * recovery would take for a record.
 */
export function encodeHead(head: RecordHead, salt: number): Buffer {
  const out = Buffer.allocUnsafe(RECORD_HEADER_BYTES + head.key.length);
  out.writeUInt32LE(MAGIC, 0);
  out.writeUInt8(head.deleted ? KIND_DELETE : KIND_SET, 8);
  out.writeUInt8(0, 9);
  out.writeUInt16LE(head.key.length, 10);
  out.writeUInt32LE(head.namespace, 12);
  out.writeUInt32LE(head.valueLength, 16);
  out.writeInt32LE(head.valueCrc, 20);
  out.writeUIntLE(head.seq, 24, 6);
  out.writeUIntLE(head.time, 30, 6);
  out.writeUInt32LE(head.batchStart, 36);
  out.write(head.key, RECORD_HEADER_BYTES, 'latin1');
  out.writeUInt32LE(crc32(out.subarray(8), salt), 4);
  return out;
}

/** Reads a record's header and key at the start of `bytes`; undefined when they are not whole and valid. */
export function decodeHead(bytes: Buffer, salt: number): RecordHead | undefined {
  if (bytes.length < RECORD_HEADER_BYTES || bytes.readUInt32LE(0) !== MAGIC) return undefined;
  const keyLength = bytes.readUInt16LE(10);
  const end = RECORD_HEADER_BYTES + keyLength;
  if (keyLength < 1 || keyLength > MAX_KEY_BYTES || bytes.length < end) return undefined;
  if (crc32(bytes.subarray(8, end), salt) !== bytes.readUInt32LE(4)) return undefined;
  const kind = bytes.readUInt8(8);
  const valueLength = bytes.readUInt32LE(16);
  if ((kind !== KIND_SET && kind !== KIND_DELETE) || valueLength > MAX_VALUE_BYTES) return undefined;
  return {
    deleted: kind === KIND_DELETE,
    namespace: bytes.readUInt32LE(12),
    key: bytes.toString('latin1', RECORD_HEADER_BYTES, end),
    valueLength,
    valueCrc: bytes.readInt32LE(20),
    seq: bytes.readUIntLE(24, 6),
    time: bytes.readUIntLE(30, 6),
    batchStart: bytes.readUInt32LE(36),
  };
}

/** Offset in `bytes`, at or after `from`, of the next valid record; undefined when there is none. */
export function findRecord(bytes: Buffer, from: number, salt: number): { offset: number; head: RecordHead } | undefined {
  const magic = Buffer.alloc(4);
  magic.writeUInt32LE(MAGIC);
  for (let at = bytes.indexOf(magic, from); at !== -1; at = bytes.indexOf(magic, at + 1)) {
    const head = decodeHead(bytes.subarray(at), salt);
    if (head) return { offset: at, head };
  }
  return undefined;
}
