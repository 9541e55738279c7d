/** S3 error codes this front end answers with, and their HTTP status (Amazon S3 API reference, "Error responses"). */
const STATUS = {
  AccessDenied: 403, AuthorizationHeaderMalformed: 400, AuthorizationQueryParametersError: 400, BadDigest: 400,
  BucketNotEmpty: 409, EntityTooLarge: 400, EntityTooSmall: 400, IncompleteBody: 400,
  InternalError: 500, InvalidAccessKeyId: 403, InvalidArgument: 400, InvalidBucketName: 400, InvalidDigest: 400,
  InvalidPart: 400, InvalidPartOrder: 400, InvalidRange: 416, InvalidRequest: 400, InvalidURI: 400, KeyTooLongError: 400,
  MalformedXML: 400, MetadataTooLarge: 400, MethodNotAllowed: 405, MissingContentLength: 411, NoSuchBucket: 404,
  NoSuchBucketPolicy: 404, NoSuchCORSConfiguration: 404, NoSuchKey: 404, NoSuchLifecycleConfiguration: 404, NoSuchTagSet: 404,
  NoSuchUpload: 404, NoSuchWebsiteConfiguration: 404, NotImplemented: 501, ObjectLockConfigurationNotFoundError: 404,
  PreconditionFailed: 412, QuotaExceeded: 507, RequestTimeTooSkewed: 403, RequestTimeout: 400,
  ServerSideEncryptionConfigurationNotFoundError: 404, SignatureDoesNotMatch: 403, SlowDown: 503,
  XAmzContentSHA256Mismatch: 400, AccessControlListNotSupported: 400,
} as const;

export type RefusalCode = keyof typeof STATUS;

/**
 * A request that is refused. Thrown, because a body is refused from deep inside its stream; router.ts is the one
 * place that catches it and turns it into an answer.
 */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly status: number;
  /** Further elements of the error document, such as the region to use. */
  readonly facts: Readonly<Record<string, string>>;
  constructor(code: RefusalCode, message: string, facts: Record<string, string> = {}) {
    super(message);
    this.name = 'Refusal';
    this.code = code;
    this.status = STATUS[code];
    this.facts = facts;
  }
}
