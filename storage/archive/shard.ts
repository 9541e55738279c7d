import * as zlib from 'node:zlib';
import { BLOB_ID_BYTES } from './seal.ts';

/**
 * A shard as it lies in a zdb: magic 4 | blob id 16 | chunk u32 | slot u8 | data u8 | parity u8 | zero u8 | sealed length u32 | crc32 u32 | bytes.
 * The CRC covers header and bytes: it names the rotten shard, so reconstruction can leave it out. It is no defence
 * against a forger; the AEAD over the whole chunk is.
 */
export interface ShardHeader {
  readonly blob: Buffer;
  readonly chunk: number;
  readonly slot: number;
  readonly data: number;
  readonly parity: number;
  readonly sealedLength: number;
}

const MAGIC = Buffer.from('3bS1', 'latin1');
const CRC_AT = 32;
export const SHARD_HEADER_BYTES = 36;

/** The zdb key of a chunk's shard (20 bytes): blob id, then the chunk number big-endian. */
export function chunkKey(blob: Buffer, chunk: number): Buffer {
  const key = Buffer.allocUnsafe(BLOB_ID_BYTES + 4);
  blob.copy(key, 0);
  key.writeUInt32BE(chunk, BLOB_ID_BYTES);
  return key;
}

export function encodeShard(header: ShardHeader, bytes: Buffer): Buffer {
  const out = Buffer.allocUnsafe(SHARD_HEADER_BYTES + bytes.length);
  MAGIC.copy(out, 0);
  header.blob.copy(out, 4);
  out.writeUInt32BE(header.chunk, 20);
  out.writeUInt8(header.slot, 24);
  out.writeUInt8(header.data, 25);
  out.writeUInt8(header.parity, 26);
  out.writeUInt8(0, 27);
  out.writeUInt32BE(header.sealedLength, 28);
  bytes.copy(out, SHARD_HEADER_BYTES);
  out.writeUInt32BE(checksum(out), CRC_AT);
  return out;
}

/** The shard's bytes, or null when it is not the expected shard, intact; the caller then treats it as missing. */
export function decodeShard(value: Buffer, expected: ShardHeader): Buffer | null {
  if (value.length < SHARD_HEADER_BYTES || !value.subarray(0, 4).equals(MAGIC)) return null;
  const same = value.subarray(4, 20).equals(expected.blob)
    && value.readUInt32BE(20) === expected.chunk
    && value[24] === expected.slot && value[25] === expected.data && value[26] === expected.parity && value[27] === 0
    && value.readUInt32BE(28) === expected.sealedLength;
  if (!same || value.readUInt32BE(CRC_AT) !== checksum(value)) return null;
  return value.subarray(SHARD_HEADER_BYTES);
}

function checksum(value: Buffer): number {
  return crc32(value.subarray(SHARD_HEADER_BYTES), crc32(value.subarray(0, CRC_AT), 0));
}

// zlib.crc32 came with Node 20.15; an older 20 falls back to the table.
const native = (zlib as { crc32?: (data: Buffer, value?: number) => number }).crc32;
const table = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  return c >>> 0;
});

/** CRC-32 (IEEE 802.3) of `data`, continuing from `seed`. */
export function crc32(data: Buffer, seed: number): number {
  if (native) return native(data, seed);
  let c = ~seed;
  for (const byte of data) c = (c >>> 8) ^ (table[(c ^ byte) & 0xff] as number);
  return ~c >>> 0;
}
