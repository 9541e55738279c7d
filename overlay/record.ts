import { TAG_LENGTH } from './cipher-state.ts';
import { MAX_NOISE_MESSAGE } from './noise.ts';

/** What travels inside a session, one record a Noise transport message. */
export const RecordType = {
  open: 1, // service name; by the session's initiator only
  accept: 2,
  data: 3,
  credit: 4, // bytes more that the receiver takes on this stream
  end: 5, // no more data from this side
  reset: 6, // one byte: ResetCode
  ping: 7,
  received: 8, // bytes of data that arrived, whatever became of them: the pace of the session
  rekey: 9, // the last record under this key
  close: 10,
} as const;
export type RecordType = (typeof RecordType)[keyof typeof RecordType];

export const ResetCode = { refused: 1, cancelled: 2, full: 3 } as const;
export type ResetCode = (typeof ResetCode)[keyof typeof ResetCode];

/** type(1) stream(4) */
export const RECORD_HEADER = 5;
/** Longest payload of a record in bytes. */
export const MAX_RECORD_PAYLOAD = MAX_NOISE_MESSAGE - TAG_LENGTH - RECORD_HEADER;

export interface SessionRecord {
  type: RecordType;
  stream: number;
  payload: Buffer;
}

const TYPES: ReadonlySet<number> = new Set(Object.values(RecordType));

export function recordHeader(type: RecordType, stream: number): Buffer {
  const header = Buffer.allocUnsafe(RECORD_HEADER);
  header[0] = type;
  header.writeUInt32BE(stream, 1);
  return header;
}

/** The record, or undefined when these bytes are none; `credit` and `received` carry exactly four bytes, `reset` one. */
export function parseRecord(plaintext: Buffer): SessionRecord | undefined {
  const type = plaintext[0];
  if (plaintext.length < RECORD_HEADER || type === undefined || !TYPES.has(type)) return undefined;
  const payload = plaintext.subarray(RECORD_HEADER);
  if ((type === RecordType.credit || type === RecordType.received) && payload.length !== 4) return undefined;
  if (type === RecordType.reset && payload.length !== 1) return undefined;
  return { type: type as RecordType, stream: plaintext.readUInt32BE(1), payload };
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
