/** Why the store refuses a command. `NOSPACE`, `FENCED` and `CORRUPT` are the first words of the RESP error too. */
export type RefusalCode = 'NOSPACE' | 'FENCED' | 'CORRUPT' | 'IOERR' | 'ERR';

export interface Refusal {
  readonly ok: false;
  readonly code: RefusalCode;
  readonly message: string;
}

export const refuse = (code: RefusalCode, message: string): Refusal => ({ ok: false, code, message });
