import { blake2b } from '@noble/hashes/blake2.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { z } from 'zod';

/** Extrinsics in one block: far more than any block limit lets in. */
const MAX_EXTRINSICS = 50_000;

/** Bytes as `0x` and lower-case hexadecimal. */
export const Hex = z.string().regex(/^0x(?:[0-9a-f]{2})*$/);
export const BlockHash = z.string().regex(/^0x[0-9a-f]{64}$/);
const BlockNumber = z.string().regex(/^0x[0-9a-f]{1,12}$/).transform(Number);

/** A header as nodes write it in JSON; its digest items are already SCALE-encoded. */
export const Header = z.object({
  parentHash: BlockHash,
  number: BlockNumber,
  stateRoot: BlockHash,
  extrinsicsRoot: BlockHash,
  digest: z.object({ logs: z.array(Hex).max(64) }),
});
export type Header = z.infer<typeof Header>;

export const SignedBlock = z.object({ block: z.object({ header: Header, extrinsics: z.array(Hex).max(MAX_EXTRINSICS) }) });

export interface BlockRef { readonly number: number; readonly hash: string }

/** Blake2b-256 as the runtime's `BlakeTwo256`. */
export function blake256(bytes: Uint8Array): Uint8Array {
  return blake2b(bytes, { dkLen: 32 });
}

export function toHex(bytes: Uint8Array): string {
  return `0x${bytesToHex(bytes)}`;
}

export function fromHex(hex: string): Uint8Array {
  return hexToBytes(hex.slice(2));
}

/** A block's hash is that of its SCALE-encoded header, so that nobody can show another header under it. */
export function headerHash(header: Header): string {
  const { logs } = header.digest;
  const parts = [fromHex(header.parentHash), compact(header.number), fromHex(header.stateRoot), fromHex(header.extrinsicsRoot), compact(logs.length), ...logs.map(fromHex)];
  return toHex(blake256(Buffer.concat(parts)));
}

/** SCALE compact encoding of a whole number (https://docs.polkadot.com/polkadot-protocol/parachain-basics/data-encoding). */
export function compact(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} has no compact encoding`);
  if (value < 2 ** 6) return Uint8Array.of(value * 4);
  if (value < 2 ** 14) return littleEndian(value * 4 + 1, 2);
  if (value < 2 ** 30) return littleEndian(value * 4 + 2, 4);
  const bytes = Math.max(4, Math.ceil(value.toString(16).length / 2));
  return Uint8Array.of((bytes - 4) * 4 + 3, ...littleEndian(value, bytes));
}

function littleEndian(value: number, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => Math.floor(value / 2 ** (8 * i)) % 256);
}
