import { Decrypter, Encrypter } from 'age-encryption';

/** Largest secret that is sealed to nodes, in bytes. */
export const MAX_SECRET = 4096;

/** Encrypts for one age recipient (`age1…`); returns base64 of the age file. */
export async function seal(secret: Uint8Array, recipient: string): Promise<string> {
  if (secret.length > MAX_SECRET) throw new RangeError(`secret has ${secret.length} bytes, at most ${MAX_SECRET} are sealed`);
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  return Buffer.from(await encrypter.encrypt(secret)).toString('base64');
}

/** Opens what seal() made with an identity (`AGE-SECRET-KEY-1…`). Throws when it was sealed for another. */
export async function unseal(ciphertext: string, identity: string): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return decrypter.decrypt(Buffer.from(ciphertext, 'base64'));
}
