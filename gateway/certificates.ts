import { createPrivateKey, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { BACKDATE_MS, exportKeyPem, generateLeafKey, type Authority } from './authority.ts';
import { findPem } from './pem.ts';
import type { Log } from './ports.ts';
import { readState, writeState } from './state-file.ts';

const DAY_MS = 86_400_000;
export const LEAF_LIFE_MS = 90 * DAY_MS;
/** A leaf is replaced when this share of its life is over. */
const RENEW_AT = 2 / 3;
/** Upper bound of a common name (RFC 5280, ub-common-name). */
const MAX_COMMON_NAME = 64;

/** Key and certificate of one TLS server, PEM. */
export interface Leaf {
  keyPem: string;
  certificatePem: string;
  notAfter: Date;
}

export interface LeafNames {
  /** File name of the leaf; a DNS label, or `_gateway` for the default certificate. */
  id: string;
  dnsNames: string[];
  addresses: string[];
}

interface LeafStoreOptions {
  dir: string;
  ca: Authority;
  now: () => number;
  log: Log;
}

/** The leaf certificates of this gateway, kept on disk and renewed when due. */
export class LeafStore {
  readonly #options: LeafStoreOptions;

  constructor(options: LeafStoreOptions) {
    this.#options = options;
  }

  /** The stored leaf while it is fresh, of our authority and for exactly these names; otherwise a new one. */
  async obtain(names: LeafNames): Promise<Leaf> {
    const file = join(this.#options.dir, `${names.id}.pem`);
    const stored = await readState(file);
    const usable = stored === undefined ? undefined : this.#accept(stored, names);
    if (usable) return usable;
    const issued = await this.#issue(names);
    await writeState(file, issued.keyPem + issued.certificatePem);
    this.#options.log({ event: 'certificate_issued', name: names.id, notAfter: issued.notAfter.toISOString() });
    return issued;
  }

  #accept(text: string, names: LeafNames): Leaf | undefined {
    const keyPem = findPem(text, 'PRIVATE KEY');
    const certificatePem = findPem(text, 'CERTIFICATE');
    if (keyPem === undefined || certificatePem === undefined) return undefined;
    try {
      const certificate = new X509Certificate(certificatePem);
      const from = Date.parse(certificate.validFrom);
      const to = Date.parse(certificate.validTo);
      const now = this.#options.now();
      const fresh = now >= from && now < from + (to - from) * RENEW_AT;
      const ours =
        certificate.verify(new X509Certificate(this.#options.ca.certificatePem).publicKey) &&
        certificate.checkPrivateKey(createPrivateKey(keyPem)) &&
        certificate.subjectAltName === printNames(names);
      return fresh && ours ? { keyPem, certificatePem, notAfter: new Date(to) } : undefined;
    } catch {
      // A damaged file is worth no more than a missing one: a leaf can be issued again at any time.
      return undefined;
    }
  }

  async #issue(names: LeafNames): Promise<Leaf> {
    const keys = await generateLeafKey();
    // Certificates know whole seconds only.
    const notBefore = new Date(Math.floor((this.#options.now() - BACKDATE_MS) / 1000) * 1000);
    const notAfter = new Date(notBefore.getTime() + LEAF_LIFE_MS);
    const certificatePem = await this.#options.ca.sign({
      commonName: names.id.slice(0, MAX_COMMON_NAME),
      dnsNames: names.dnsNames,
      addresses: names.addresses,
      publicKey: keys.publicKey,
      notBefore,
      notAfter,
    });
    return { keyPem: await exportKeyPem(keys.privateKey), certificatePem, notAfter };
  }
}

/** The names as OpenSSL prints a subjectAltName. */
function printNames(names: LeafNames): string {
  return [
    ...names.dnsNames.map((name) => `DNS:${name}`),
    ...names.addresses.map((address) => `IP Address:${address}`),
  ].join(', ');
}
