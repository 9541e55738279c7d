/** Why a dial or a stream ended; `closed` also when the path under an open stream died. */
export type OverlayErrorCode = 'unreachable' | 'refused' | 'timeout' | 'closed';

/** The only error that the overlay gives to its callers; its message never holds key material. */
export class OverlayError extends Error {
  readonly code: OverlayErrorCode;

  constructor(code: OverlayErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'OverlayError';
    this.code = code;
  }
}
