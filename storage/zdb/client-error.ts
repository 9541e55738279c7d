/**
 * `unavailable`: the stream could not be opened, died, or did not answer in time, or the server is
 * busy or broken; a write may have happened.
 * `fenced`: the store has no lease. `nospace`: full. `refused`: the command itself.
 */
export type ZdbErrorCode = 'unavailable' | 'fenced' | 'nospace' | 'refused';

export class ZdbError extends Error {
  override readonly name = 'ZdbError';
  constructor(
    readonly code: ZdbErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The error that a RESP error reply stands for. */
export function errorOfReply(text: string): ZdbError {
  if (text.startsWith('FENCED ')) return new ZdbError('fenced', text);
  if (text.startsWith('NOSPACE ')) return new ZdbError('nospace', text);
  if (text.startsWith('BUSY ') || text.startsWith('IOERR ')) return new ZdbError('unavailable', text);
  return new ZdbError('refused', text);
}
