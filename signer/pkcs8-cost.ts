/**
 * What an encrypted PKCS#8 file (RFC 5958 EncryptedPrivateKeyInfo) asks to be worked through before it opens: whoever wrote it
 * chose that, and OpenSSL would work for hours in this thread. Only the unencrypted algorithm is read, as strict DER.
 */

/** Iterations of PBKDF2 or of the older schemes: OpenSSL writes 2048, others up to a million; this many take some seconds. */
export const MAX_ITERATIONS = 10_000_000;
/** N · r · p of scrypt: OpenSSL writes 2^17, and has a limit for memory, not for p. */
export const MAX_SCRYPT = 2 ** 24;

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const OCTETS = 0x04;
const OID = 0x06;

const PBES2 = '2a864886f70d01050d';
const PBKDF2 = '2a864886f70d01050c';
const SCRYPT = '2b06010401da47040b';
/** PBES1 (RFC 8018) and the schemes of PKCS#12 (RFC 7292): a salt and a count. */
const SALT_AND_COUNT = /^2a864886f70d0105(01|03|04|06|0a|0b)$|^2a864886f70d010c01(01|02|03|04|05|06)$/;

export type Pkcs8Cost = { readonly ok: true } | { readonly ok: false; readonly message: string };

/** `ok` when these bytes are such a file whose key is derived at a bearable cost. */
export function judgePkcs8Cost(der: Uint8Array): Pkcs8Cost {
  try {
    const [info, ...more] = readValues(der);
    if (more.length > 0) throw new RangeError('something follows');
    const [algorithm, encrypted] = partsOf(info);
    if (encrypted?.tag !== OCTETS) throw new RangeError('no encrypted part');
    return judgeAlgorithm(algorithm);
  } catch {
    return { ok: false, message: 'this PKCS#8 file is damaged, or encrypted in a way that is not known here' };
  }
}

function judgeAlgorithm(algorithm: Value | undefined): Pkcs8Cost {
  const [scheme, parameters] = partsOf(algorithm);
  const name = oidOf(scheme);
  if (SALT_AND_COUNT.test(name)) return judgeIterations(partsOf(parameters)[1]);
  if (name !== PBES2) throw new RangeError('scheme');
  const [derivation, settings] = partsOf(partsOf(parameters)[0]);
  switch (oidOf(derivation)) {
    case PBKDF2: return judgeIterations(partsOf(settings)[1]);
    case SCRYPT: {
      const [, n, r, p] = partsOf(settings);
      const cost = integerOf(n) * integerOf(r) * integerOf(p);
      return cost <= MAX_SCRYPT ? { ok: true } : { ok: false, message: `this PKCS#8 file asks for scrypt with N·r·p = ${cost}, at most ${MAX_SCRYPT} is worked through` };
    }
    default: throw new RangeError('derivation');
  }
}

function judgeIterations(value: Value | undefined): Pkcs8Cost {
  const iterations = integerOf(value);
  return iterations <= MAX_ITERATIONS ? { ok: true } : { ok: false, message: `this PKCS#8 file asks for ${iterations} iterations, at most ${MAX_ITERATIONS} are worked through` };
}

interface Value { readonly tag: number; readonly content: Uint8Array }

/** The values that these bytes are, one after the other. @throws RangeError. */
function readValues(bytes: Uint8Array): Value[] {
  const values: Value[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = byteAt(bytes, at);
    let length = byteAt(bytes, at + 1);
    at += 2;
    if (length >= 0x80) {
      const octets = length - 0x80;
      // Neither an indefinite length nor one that no such file has.
      if (octets < 1 || octets > 2) throw new RangeError('length');
      length = 0;
      for (let i = 0; i < octets; i++) length = length * 256 + byteAt(bytes, at + i);
      at += octets;
    }
    if (length > bytes.length - at) throw new RangeError('length');
    values.push({ tag, content: bytes.subarray(at, at + length) });
    at += length;
  }
  return values;
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new RangeError('end');
  return byte;
}

function partsOf(value: Value | undefined): Value[] {
  if (value?.tag !== SEQUENCE) throw new RangeError('sequence');
  return readValues(value.content);
}

function oidOf(value: Value | undefined): string {
  if (value?.tag !== OID) throw new RangeError('object identifier');
  return Buffer.from(value.content).toString('hex');
}

/** Whole, though it may be too large to be exact: it is compared only. */
function integerOf(value: Value | undefined): number {
  if (value?.tag !== INTEGER || value.content.length === 0 || byteAt(value.content, 0) >= 0x80) throw new RangeError('integer');
  return value.content.reduce((sum, byte) => sum * 256 + byte, 0);
}
