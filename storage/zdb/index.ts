export { createZdbClient, ZdbError, type Key, type ScanPage, type TailPage, type ZdbClient, type ZdbClientOptions, type ZdbErrorCode } from './client.ts';
export { Fence, type Lease } from './fence.ts';
export type { DaemonMessage, ZdbFailure, ZdbMessage } from './messages.ts';
export { startZdb, type Zdb, type ZdbOptions } from './server.ts';
export { verifyLog, type LogVerification } from './verify.ts';
