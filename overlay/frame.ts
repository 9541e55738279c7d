import { TAG_LENGTH } from './cipher-state.ts';
import { ID_LENGTH, nodeIdFromBytes } from './identity.ts';

/** What travels on a link between neighbours, one frame a WebSocket message. */
export const FrameType = {
  init: 1, // first handshake message of a session
  accept: 2, // second handshake message
  toResponder: 3, // sealed by the session's initiator
  toInitiator: 4, // sealed by the session's responder
  unreachable: 5, // the frame of this session could not be delivered
  ping: 6, // between neighbours; the session number is the nonce to give back
  pong: 7,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** Largest frame in bytes; larger WebSocket messages close the link before they are buffered. */
export const MAX_FRAME = 128 * 1024;
export const SESSION_NUMBER_LENGTH = 8;

// tag(16) type(1) ttl(1) dst(32) src(32) session(8) body. The tag is the link's and covers what `linkAuthenticated` says.
const AT_TYPE = TAG_LENGTH;
const AT_TTL = AT_TYPE + 1;
const AT_DST = AT_TTL + 1;
const AT_SRC = AT_DST + ID_LENGTH;
const AT_SESSION = AT_SRC + ID_LENGTH;
export const FRAME_HEADER = AT_SESSION + SESSION_NUMBER_LENGTH;

/** Relays a frame may still pass. One: a relay forwards for its own neighbours only, so that no loop can exist. */
export const INITIAL_TTL = 1;

const TYPES: ReadonlySet<number> = new Set(Object.values(FrameType));

export interface FrameHeader {
  type: FrameType;
  dst: Buffer;
  src: Buffer;
  session: Buffer;
}

/** A frame with room for `bodyLength` bytes from FRAME_HEADER on; the link fills in the tag. */
export function allocateFrame(header: FrameHeader, bodyLength: number): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER + bodyLength);
  frame[AT_TYPE] = header.type;
  frame[AT_TTL] = INITIAL_TTL;
  frame.set(header.dst, AT_DST);
  frame.set(header.src, AT_SRC);
  frame.set(header.session, AT_SESSION);
  return frame;
}

export function encodeFrame(header: FrameHeader, body: Uint8Array): Buffer {
  const frame = allocateFrame(header, body.length);
  frame.set(body, FRAME_HEADER);
  return frame;
}

/** The frame's type, or undefined when these bytes are no frame. */
export function frameType(frame: Buffer): FrameType | undefined {
  const type = frame[AT_TYPE];
  return frame.length >= FRAME_HEADER && frame.length <= MAX_FRAME && type !== undefined && TYPES.has(type) ? (type as FrameType) : undefined;
}

export const frameDst = (frame: Buffer): Buffer => frame.subarray(AT_DST, AT_SRC);
export const frameSrc = (frame: Buffer): Buffer => frame.subarray(AT_SRC, AT_SESSION);
export const frameSession = (frame: Buffer): Buffer => frame.subarray(AT_SESSION, FRAME_HEADER);
export const frameBody = (frame: Buffer): Buffer => frame.subarray(FRAME_HEADER);
export const frameSource = (frame: Buffer): string => nodeIdFromBytes(frameSrc(frame));
export const frameTag = (frame: Buffer): Buffer => frame.subarray(0, TAG_LENGTH);

/** Lowers the time to live; false when the frame may go no further. */
export function lowerTtl(frame: Buffer): boolean {
  const ttl = frame[AT_TTL] ?? 0;
  if (ttl === 0) return false;
  frame[AT_TTL] = ttl - 1;
  return true;
}

/**
 * The bytes that the link's tag covers: the header, and the body too unless the session seals it anyway.
 * So nobody between two neighbours can forge, replay or reorder frames, and bulk data is encrypted once only.
 */
export function linkAuthenticated(frame: Buffer): Buffer {
  const type = frame[AT_TYPE];
  const sealed = type === FrameType.toResponder || type === FrameType.toInitiator;
  return frame.subarray(AT_TYPE, sealed ? FRAME_HEADER : frame.length);
}
