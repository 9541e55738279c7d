/** Why a request is refused. */
export interface Problem {
  readonly code: 'not_understood' | 'unsafe_request' | 'unknown_place' | 'invalid_value' | 'ambiguous';
  readonly message: string;
  readonly hint: string;
}
