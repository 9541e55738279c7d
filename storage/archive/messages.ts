import { z } from 'zod';
import { isBucketName } from './s3/buckets.ts';
import { DATA_KEY_BYTES } from './seal.ts';
import type { ArchiveStatus } from './status.ts';

const MAX_SLOTS = 30;
/** The kernel's bound for a Unix socket's path is 107 bytes. */
const MAX_SOCKET_PATH_BYTES = 100;

const socketPath = z.string().startsWith('/').refine((path) => Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES, 'socket path is too long');
const slots = z.array(z.strictObject({
  slot: z.number().int().min(0).max(MAX_SLOTS - 1),
  epoch: z.number().int().min(1).safe(),
  // An opaque token for the daemon's dialler; it becomes a request target, so it may not break out of its line.
  address: z.string().min(1).max(512).regex(/^[\x21-\x7e]+$/),
})).min(2).max(MAX_SLOTS);

/** What the node daemon sends to the process. */
export const daemonMessage = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('start'),
    socket: socketPath,
    /** The daemon gives every engine a directory; the archive keeps nothing on disk. */
    scratch: z.string().min(1).max(4096).optional(),
    slots,
    dataShards: z.number().int(),
    parityShards: z.number().int(),
    dialSocket: socketPath,
    region: z.string().regex(/^[a-z0-9-]{1,64}$/),
    credentials: z.strictObject({ accessKeyId: z.string().regex(/^[A-Za-z0-9._-]{3,128}$/), secretAccessKey: z.string().min(16).max(256) }),
    dataKey: z.string().refine((text) => Buffer.from(text, 'base64').length === DATA_KEY_BYTES, `must be the base64 of ${DATA_KEY_BYTES} bytes`),
    retention: z.strictObject({ days: z.number().int().min(0).max(36_500), immutable: z.boolean() }).optional(),
    bucket: z.string().refine(isBucketName, 'is not a bucket name').optional(),
  }),
  z.strictObject({ type: z.literal('slots'), slots }),
  z.strictObject({
    type: z.literal('lease'),
    validForMs: z.number().min(0),
    /** See `Lease.issuedAt` of the zdb's fence. */
    issuedAt: z.string().regex(/^[0-9]{1,20}$/).optional(),
  }),
  z.strictObject({ type: z.literal('status') }),
  z.strictObject({ type: z.literal('stop') }),
]);

export type DaemonMessage = z.infer<typeof daemonMessage>;

/** What the process sends to the node daemon. */
export type ArchiveMessage =
  | { readonly type: 'ready' }
  | ({ readonly type: 'status' } & ArchiveStatus)
  | { readonly type: 'failed'; readonly code: ArchiveFailure; readonly message: string };

export type ArchiveFailure = 'bad_message' | 'bad_layout' | 'io';
