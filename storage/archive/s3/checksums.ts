import { createHash } from 'node:crypto';
import { crc32 } from '../shard.ts';

/** A checksum over a stream, in S3's base64 form. */
export interface Checksummer {
  readonly algorithm: ChecksumAlgorithm;
  update(piece: Buffer): void;
  digest(): string;
}

export const CHECKSUMS = ['crc32', 'crc32c', 'sha1', 'sha256'] as const;
export type ChecksumAlgorithm = typeof CHECKSUMS[number];

export function isChecksum(name: string): name is ChecksumAlgorithm { return (CHECKSUMS as readonly string[]).includes(name); }

export function createChecksummer(algorithm: ChecksumAlgorithm): Checksummer {
  if (algorithm === 'sha1' || algorithm === 'sha256') {
    const hash = createHash(algorithm);
    return { algorithm, update: (piece) => { hash.update(piece); }, digest: () => hash.digest('base64') };
  }
  const next = algorithm === 'crc32' ? crc32 : crc32c;
  let value = 0;
  return {
    algorithm,
    update: (piece) => { value = next(piece, value); },
    digest: () => { const out = Buffer.alloc(4); out.writeUInt32BE(value); return out.toString('base64'); },
  };
}

const CASTAGNOLI = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
  return c >>> 0;
});

/** CRC-32C (Castagnoli, RFC 3720 appendix B.4). */
export function crc32c(data: Buffer, seed: number): number {
  let c = ~seed;
  for (const byte of data) c = (c >>> 8) ^ (CASTAGNOLI[(c ^ byte) & 0xff] as number);
  return ~c >>> 0;
}
