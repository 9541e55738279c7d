/** A non-negative decimal integer that a number holds exactly; undefined for anything else. */
export function readInteger(bytes: Buffer | undefined): number | undefined {
  const text = bytes?.toString('latin1') ?? '';
  return /^(0|[1-9][0-9]{0,14})$/.test(text) ? Number(text) : undefined;
}

/** A number of bytes as non-negative decimal; undefined for anything else. */
export function readBytes(bytes: Buffer | undefined): bigint | undefined {
  const text = bytes?.toString('latin1') ?? '';
  return /^(0|[1-9][0-9]{0,29})$/.test(text) ? BigInt(text) : undefined;
}
