export { createAgent } from './agent.ts';
export type { Agent, AgentEvent, AgentOptions, StreamHandler } from './agent.ts';
export { OverlayError } from './errors.ts';
export type { OverlayErrorCode } from './errors.ts';
export type { Directory, PeerInfo } from './identity.ts';
