import type { DhKey } from './x25519.ts';
import { DH_LENGTH } from './x25519.ts';

/** One node as the ledger knows it. */
export interface PeerInfo {
  /** NodeId: `sha256:` and 64 hex digits. */
  id: string;
  /** X25519 public key, base64url of 32 bytes. */
  overlayKey: string;
  /** `ws://host:port` addresses; empty when the node only dials out. */
  endpoints: string[];
}

/** The ledger's view of the grid; its answers may change at any time. */
export interface Directory {
  get(id: string): PeerInfo | undefined;
  byKey(overlayKey: string): PeerInfo | undefined;
  relays(): PeerInfo[];
}

/** Who we are, and by what we judge others. */
export interface Identity {
  readonly id: string;
  readonly staticKey: DhKey;
  readonly grid: string;
  readonly directory: Directory;
}

const NODE_ID = /^sha256:[0-9a-f]{64}$/;

/** Bytes of a node id on the wire. */
export const ID_LENGTH = 32;

/** The 32 bytes of a node id, or undefined when it is not one. */
export function nodeIdBytes(id: string): Buffer | undefined {
  return NODE_ID.test(id) ? Buffer.from(id.slice('sha256:'.length), 'hex') : undefined;
}

export function nodeIdFromBytes(bytes: Buffer): string {
  return `sha256:${bytes.toString('hex')}`;
}

/** The X25519 key that the directory gives for a node, or undefined when it is malformed. */
export function overlayKeyBytes(info: PeerInfo): Buffer | undefined {
  const key = Buffer.from(info.overlayKey, 'base64url');
  return key.length === DH_LENGTH && key.toString('base64url') === info.overlayKey ? key : undefined;
}

/** The node whose registered key this is; both directions of the directory must agree. */
export function nodeByKey(directory: Directory, key: Uint8Array): PeerInfo | undefined {
  const encoded = Buffer.from(key).toString('base64url');
  const info = directory.byKey(encoded);
  if (info === undefined || nodeIdBytes(info.id) === undefined) return undefined;
  return directory.get(info.id)?.overlayKey === encoded ? info : undefined;
}

/**
 * What both sides must agree on before a handshake authenticates: the purpose, the grid, the responder and the session's number.
 * A message of one purpose, grid or session is therefore worthless in any other.
 */
export function prologue(purpose: 'link' | 'session', facts: { grid: string; responder: string; number?: Uint8Array }): Buffer {
  return Buffer.concat([Buffer.from(`3bot/overlay/1\0${purpose}\0${facts.grid}\0${facts.responder}\0`), facts.number ?? Buffer.alloc(0)]);
}
