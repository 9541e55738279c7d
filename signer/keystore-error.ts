export type KeystoreErrorCode =
  | 'key_missing' | 'key_exists' | 'key_name_invalid' | 'key_unreadable' | 'rotation_missing'
  | 'unlock_unsafe' | 'unlock_damaged' | 'keystore_missing' | 'keystore_locked' | 'keystore_protected'
  | 'passphrase_wrong' | 'passphrase_unfit'
  | 'agent_unreachable' | 'agent_refused';

/** A keystore says no. Neither message nor cause ever quotes a secret, or what was read in place of one. */
export class KeystoreError extends Error {
  override readonly name = 'KeystoreError';
  readonly code: KeystoreErrorCode;
  readonly hint: string | undefined;
  constructor(code: KeystoreErrorCode, message: string, hint?: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}
