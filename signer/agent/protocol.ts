import { z } from 'zod';
import { DidKey } from '../../contract/principal.ts';

/**
 * What a key agent is asked over its socket: one JSON document a line each way, one request after the other. Only uses of keys:
 * there is no message that gives one out.
 */

/** Longest line either way, in bytes: base64 of the largest entry (128 KiB) and its head fits. */
export const MAX_LINE = 192 * 1024;
const MAX_KEYS = 1000;

const Keystore = z.string().min(1).max(4096);
const Name = z.string().min(1).max(63);

export const AgentRequest = z.discriminatedUnion('op', [
  z.strictObject({ op: z.literal('list'), keystore: Keystore }),
  /** `message`: base64 of a DSSE pre-authentication encoding; `key` guards against a rotation in between. */
  z.strictObject({ op: z.literal('sign'), keystore: Keystore, name: Name, key: DidKey, message: z.base64() }),
  /** `ciphertext`: base64 of an age file for `recipient`. */
  z.strictObject({ op: z.literal('unseal'), keystore: Keystore, name: Name, recipient: z.string().max(128), ciphertext: z.base64().max(16_384) }),
]);
export type AgentRequest = z.infer<typeof AgentRequest>;

export const HeldKey = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('signing'), name: Name, key: DidKey }),
  z.strictObject({ type: z.literal('sealing'), name: Name, recipient: z.string().max(128) }),
]);
export type HeldKey = z.infer<typeof HeldKey>;

export const AgentReply = z.discriminatedUnion('ok', [
  z.strictObject({ ok: z.literal(true), keys: z.array(HeldKey).max(MAX_KEYS).optional(), /** base64: 64 bytes of signature, or what was sealed. */ bytes: z.base64().optional() }),
  z.strictObject({ ok: z.literal(false), code: z.enum(['request_invalid', 'not_held', 'not_an_entry', 'declined', 'failed']), message: z.string().max(500) }),
]);
export type AgentReply = z.infer<typeof AgentReply>;
export type AgentRefusal = Extract<AgentReply, { ok: false }>;
