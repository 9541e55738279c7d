import { randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { encodeNameConstraints, NAME_CONSTRAINTS_OID } from './name-constraints.ts';
import { encodePem, findPem } from './pem.ts';
import { readState, writeState } from './state-file.ts';

type SigningKey = webcrypto.CryptoKey;

const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3652;
/** Certificates start in the past, so that a client whose clock is a little behind accepts them. */
export const BACKDATE_MS = 3_600_000;
const EC_KEY = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const;
const SERIAL_BYTES = 15;

/** What one TLS server certificate shall say; names outside the authority's constraints are rejected by clients. */
export interface LeafRequest {
  commonName: string;
  dnsNames: string[];
  addresses: string[];
  publicKey: SigningKey;
  notBefore: Date;
  notAfter: Date;
}

/** The grid's certificate authority. Its private key never leaves the object. */
export interface Authority {
  certificatePem: string;
  /** Path of the PEM file to hand to clients (`--cacert`). */
  certificateFile: string;
  /** Issues a server certificate, PEM. */
  sign(request: LeafRequest): Promise<string>;
}

export interface AuthorityOptions {
  /** The only DNS suffix, besides localhost, that the authority may certify. */
  domain: string;
  /** The only IPv4 addresses that it may certify; 127.0.0.1 by default. */
  addresses?: string[];
  now?: () => number;
}

/** A fresh ECDSA P-256 pair whose private key can be exported. */
export function generateLeafKey(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(EC_KEY, true, ['sign', 'verify']);
}

/** PKCS#8 PEM of a private key. */
export async function exportKeyPem(key: SigningKey): Promise<string> {
  return encodePem('PRIVATE KEY', await webcrypto.subtle.exportKey('pkcs8', key));
}

// A start that finds its certificates on disk signs nothing and does not pay for the library.
async function loadX509() {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

function newSerial(): string {
  // A leading byte below 0x80 and above 0 keeps the DER integer positive and of fixed length.
  return `01${randomBytes(SERIAL_BYTES).toString('hex')}`;
}

function constraintsOf({ domain, addresses = ['127.0.0.1'] }: AuthorityOptions): Buffer {
  return encodeNameConstraints({ dnsNames: [domain, 'localhost'], addresses });
}

async function createRoot(options: AuthorityOptions): Promise<{ keyPem: string; certificatePem: string }> {
  const x509 = await loadX509();
  const keys = await generateLeafKey();
  const now = (options.now ?? Date.now)();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    // The serial in the name keeps the authorities of two grids apart in one trust store.
    name: `CN=3bot grid authority ${randomBytes(4).toString('hex')}`,
    notBefore: new Date(now - BACKDATE_MS),
    notAfter: new Date(now + AUTHORITY_DAYS * DAY_MS),
    keys,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      new x509.Extension(NAME_CONSTRAINTS_OID, true, constraintsOf(options)),
    ],
  });
  return { keyPem: await exportKeyPem(keys.privateKey), certificatePem: encodePem('CERTIFICATE', certificate.rawData) };
}

async function signLeaf(root: { keyPem: string; certificatePem: string }, request: LeafRequest): Promise<string> {
  const x509 = await loadX509();
  const issuer = new x509.X509Certificate(root.certificatePem);
  const der = Buffer.from(root.keyPem.replace(/-----[A-Z ]+-----|\n/g, ''), 'base64');
  const signingKey = await webcrypto.subtle.importKey('pkcs8', der, EC_KEY, false, ['sign']);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: `CN=${request.commonName}`,
    issuer: issuer.subject,
    notBefore: request.notBefore,
    notAfter: request.notAfter,
    publicKey: request.publicKey,
    signingKey,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        ...request.dnsNames.map((value) => ({ type: 'dns' as const, value })),
        ...request.addresses.map((value) => ({ type: 'ip' as const, value })),
      ]),
      await x509.SubjectKeyIdentifierExtension.create(request.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return encodePem('CERTIFICATE', certificate.rawData);
}

/**
 * The authority kept in `dir`, created on first use: ECDSA P-256, ten years, path length 0, constrained to its domain,
 * localhost and its addresses. Throws when the stored one is unreadable or for other names: replacing it would break
 * every client's trust.
 */
export async function createAuthority(dir: string, options: AuthorityOptions): Promise<Authority> {
  const secretFile = join(dir, 'ca-key.pem');
  const certificateFile = join(dir, 'ca.pem');
  const stored = await readState(secretFile);
  if (stored === undefined) {
    const created = await createRoot(options);
    // Key and certificate go into one file, so that no crash leaves one without the other.
    await writeState(secretFile, created.keyPem + created.certificatePem);
    return openAuthority({ ...created, certificateFile });
  }
  const keyPem = findPem(stored, 'PRIVATE KEY');
  const certificatePem = findPem(stored, 'CERTIFICATE');
  if (keyPem === undefined || certificatePem === undefined) throw new Error(`${secretFile} holds no key and certificate`);
  // Every leaf would be refused by clients, each with another message: better said once, here.
  if (!new X509Certificate(certificatePem).raw.includes(constraintsOf(options))) {
    throw new Error(`the authority in ${dir} was made for another domain or other addresses`);
  }
  return openAuthority({ keyPem, certificatePem, certificateFile });
}

async function openAuthority(root: {
  keyPem: string;
  certificatePem: string;
  certificateFile: string;
}): Promise<Authority> {
  const { certificatePem, certificateFile } = root;
  if (!new X509Certificate(certificatePem).ca) throw new Error('the stored certificate is not an authority');
  if ((await readState(certificateFile)) !== certificatePem) await writeState(certificateFile, certificatePem);
  return { certificatePem, certificateFile, sign: (request) => signLeaf(root, request) };
}
