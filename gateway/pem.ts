/** DER bytes as a PEM block with 64-column lines. */
export function encodePem(label: string, der: ArrayBuffer): string {
  const lines = Buffer.from(der).toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** The first PEM block with this label in `text`, or undefined. */
export function findPem(text: string, label: string): string | undefined {
  return new RegExp(`-----BEGIN ${label}-----\\n[A-Za-z0-9+/=\\n]+-----END ${label}-----\\n`).exec(text)?.[0];
}
