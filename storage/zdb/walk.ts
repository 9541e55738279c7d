import { decodeHead, MAX_KEY_BYTES, RECORD_HEADER_BYTES, valueChecksum, type RecordHead } from './record.ts';
import { readAt, SEGMENT_HEADER_BYTES, type Segment } from './segment.ts';

const HEAD_BYTES = RECORD_HEADER_BYTES + MAX_KEY_BYTES;
const READ_AHEAD_BYTES = 256 * 1024;
const HOP_BYTES = 4096;

export interface WalkedRecord {
  readonly offset: number;
  readonly head: RecordHead;
  /** False when the value was read and its CRC is wrong; true when it was right or not asked for. */
  readonly valueOk: boolean;
}

export interface WalkEnd {
  /** Where the last whole record ends. */
  readonly end: number;
  /** Present when something that is no record follows `end`. */
  readonly bad?: 'header' | 'short value';
}

/**
 * Calls `onRecord` for each record of a segment in file order, and says where and why it stopped.
 * Without `checkValues` it hops from header to header and leaves the values on disk, so that
 * a store of terabytes opens in the time of its index.
 */
export async function walkSegment(
  segment: Segment,
  checkValues: boolean,
  onRecord: (record: WalkedRecord) => void,
): Promise<WalkEnd> {
  const window = new Window(segment);
  let at = SEGMENT_HEADER_BYTES;
  while (at < segment.size) {
    const head = decodeHead(await window.view(at, HEAD_BYTES), segment.salt);
    if (!head) return { end: at, bad: 'header' };
    const length = RECORD_HEADER_BYTES + head.key.length + head.valueLength;
    if (at + length > segment.size) return { end: at, bad: 'short value' };
    let valueOk = true;
    if (checkValues) {
      const record = await window.view(at, length);
      valueOk = record.length === length && valueChecksum(record.subarray(length - head.valueLength)) === head.valueCrc;
    }
    onRecord({ offset: at, head, valueOk });
    at += length;
  }
  return { end: at };
}

/** A moving view of a segment: far reads while records are small, short ones when values are hopped over. */
class Window {
  private bytes: Buffer = Buffer.alloc(0);
  private start = 0;

  constructor(private readonly segment: Segment) {}

  /** Bytes from `offset`, `need` of them or as many as the segment has. */
  async view(offset: number, need: number): Promise<Buffer> {
    const wanted = Math.min(need, this.segment.size - offset);
    const end = this.start + this.bytes.length;
    if (offset < this.start || offset + wanted > end) {
      const near = offset >= this.start && offset <= end;
      const ahead = Math.max(wanted, near ? READ_AHEAD_BYTES : HOP_BYTES);
      this.bytes = await readAt(this.segment.file, offset, Math.min(ahead, this.segment.size - offset));
      this.start = offset;
    }
    const from = offset - this.start;
    return this.bytes.subarray(from, from + wanted);
  }
}
