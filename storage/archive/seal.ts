import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

export const DATA_KEY_BYTES = 32;
export const BLOB_ID_BYTES = 16;
export const TAG_BYTES = 16;
export const RECORD_HASH_BYTES = 32;
const NONCE_BYTES = 12;

export interface Sealer {
  sealChunk(place: ChunkPlace, plain: readonly Buffer[], into: Buffer): void;
  openChunk(place: ChunkPlace, sealed: readonly Buffer[]): Buffer[] | null;
  recordHash(key: string): Buffer;
  sealRecord(zdbKey: Buffer, plain: Buffer): Buffer;
  openRecord(zdbKey: Buffer, sealed: Buffer): Buffer | null;
}

/** Where a chunk belongs; bound into its seal, so a disk cannot answer with another chunk, length or blob. */
export interface ChunkPlace {
  readonly blob: Buffer;
  readonly chunk: number;
  readonly length: number;
}

function derive(dataKey: Buffer, salt: Buffer, info: string): Buffer {
  return Buffer.from(hkdfSync('sha256', dataKey, salt, info, 32));
}

function chunkNonce(chunk: number): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeUInt32BE(chunk, NONCE_BYTES - 4);
  return nonce;
}

function chunkAad(place: ChunkPlace): Buffer {
  const aad = Buffer.allocUnsafe(BLOB_ID_BYTES + 8);
  place.blob.copy(aad, 0);
  aad.writeUInt32BE(place.chunk, BLOB_ID_BYTES);
  aad.writeUInt32BE(place.length, BLOB_ID_BYTES + 4);
  return aad;
}

/**
 * AES-256-GCM under keys derived from the archive's 32-byte data key.
 * Chunks: one key a blob (HKDF-SHA256, salt = the random blob id), nonce = chunk number, so a nonce is never
 * used for two plaintexts. Records: random 96-bit nonces; far fewer than 2^32 records are ever sealed.
 */
export function createSealer(dataKey: Buffer): Sealer {
  if (dataKey.length !== DATA_KEY_BYTES) throw new RangeError(`data key must be ${DATA_KEY_BYTES} bytes`);
  const none = Buffer.alloc(0);
  const nameKey = derive(dataKey, none, '3bot archive index names v1');
  const recordKey = derive(dataKey, none, '3bot archive index records v1');
  const blobKey = (blob: Buffer): Buffer => derive(dataKey, blob, '3bot archive blob v1');

  return {
    /** Writes ciphertext and tag to the start of `into`. */
    sealChunk(place, plain, into) {
      const cipher = createCipheriv('aes-256-gcm', blobKey(place.blob), chunkNonce(place.chunk));
      cipher.setAAD(chunkAad(place));
      let at = 0;
      for (const piece of plain) at += cipher.update(piece).copy(into, at);
      at += cipher.final().copy(into, at);
      cipher.getAuthTag().copy(into, at);
    },

    /** The plaintext in pieces, or null when the seal does not hold; `sealed` is ciphertext, tag and padding. */
    openChunk(place, sealed) {
      const decipher = createDecipheriv('aes-256-gcm', blobKey(place.blob), chunkNonce(place.chunk), { authTagLength: TAG_BYTES });
      decipher.setAAD(chunkAad(place));
      const out: Buffer[] = [];
      const tag = Buffer.allocUnsafe(TAG_BYTES);
      let left = place.length; let tagAt = 0;
      for (const piece of sealed) {
        const body = Math.min(left, piece.length);
        if (body > 0) out.push(decipher.update(piece.subarray(0, body)));
        left -= body;
        tagAt += piece.copy(tag, tagAt, body, Math.min(piece.length, body + TAG_BYTES - tagAt));
      }
      if (left !== 0 || tagAt !== TAG_BYTES) return null;
      try {
        decipher.setAuthTag(tag);
        decipher.final();
        return out;
      } catch {
        return null;
      }
    },

    /** HMAC-SHA256 of a record's name: names never lie in clear on a disk. */
    recordHash: (key) => createHmac('sha256', nameKey).update(key, 'utf8').digest(),

    sealRecord(zdbKey, plain) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', recordKey, nonce);
      cipher.setAAD(zdbKey);
      return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },

    openRecord(zdbKey, sealed) {
      if (sealed.length < NONCE_BYTES + TAG_BYTES) return null;
      const decipher = createDecipheriv('aes-256-gcm', recordKey, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAAD(zdbKey);
      decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
      try {
        return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES)), decipher.final()]);
      } catch {
        return null;
      }
    },
  };
}
