import { z } from 'zod';
import { MAX_NAMESPACES, mode, namespaceName } from './catalogue.ts';
import { MAX_SOCKET_PATH_BYTES } from './server.ts';

/** What the node daemon sends to the process. */
export const daemonMessage = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('start'),
    dir: z.string().min(1).max(4096),
    socket: z.string().startsWith('/').max(MAX_SOCKET_PATH_BYTES),
    /** Bytes, decimal. */
    capacity: z.string().regex(/^(0|[1-9][0-9]{0,29})$/),
    namespaces: z.array(namespaceName).max(MAX_NAMESPACES - 1).optional(),
    /** Absent, as daemons said it before there were modes: user. */
    mode: mode.optional(),
  }),
  z.strictObject({
    type: z.literal('lease'),
    validForMs: z.number().min(0),
    /** See `Lease.issuedAt`. */
    issuedAt: z.string().regex(/^[0-9]{1,20}$/).optional(),
  }),
  z.strictObject({ type: z.literal('status') }),
  z.strictObject({ type: z.literal('stop') }),
]);

export type DaemonMessage = z.infer<typeof daemonMessage>;

/** What the process sends to the node daemon; byte counts are decimal strings. */
export type ZdbMessage =
  | { readonly type: 'ready'; readonly version: string }
  | { readonly type: 'status'; readonly bytes: string; readonly records: number; readonly fenced: boolean }
  | { readonly type: 'failed'; readonly code: ZdbFailure; readonly message: string };

export type ZdbFailure = 'bad_message' | 'locked' | 'corrupt' | 'wrong_mode' | 'io';
