import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError, RespParser, type RespLimits } from './resp-parser.ts';
import { encodeResp, errorReply, type Resp } from './resp.ts';

const LIMITS: RespLimits = { arrayItems: 16, bulkBytes: 100_000, messageBytes: 400_000, depth: 4 };

const line = fc.string({ maxLength: 40 }).map((s) => s.replace(/[\r\n]/g, ' '));
const leaf: fc.Arbitrary<Resp> = fc.oneof(
  fc.maxSafeInteger().map((n) => n % 1e15),
  fc.constant(null),
  fc.uint8Array({ maxLength: 200 }).map((b) => Buffer.from(b)),
  fc.nat(60_000).map((n) => Buffer.alloc(n, '\r\n$1*')),
  line.map((simple) => ({ simple: Buffer.from(simple).toString('latin1') })),
  line.map((error) => ({ error })),
);
const { value } = fc.letrec<{ value: Resp }>((tie) => ({
  value: fc.oneof({ depthSize: 'small', maxDepth: 4 }, leaf, fc.array(tie('value'), { maxLength: 5 })),
}));

function parse(bytes: Buffer, cuts: number[]): Resp[] {
  const parser = new RespParser(LIMITS);
  const places = [...new Set(cuts.map((c) => c % (bytes.length + 1)))].sort((a, b) => a - b);
  const edges = [0, ...places, bytes.length];
  const messages = edges.slice(1).flatMap((end, i) => parser.push(Buffer.from(bytes.subarray(edges[i], end))));
  expect(parser.partial).toBe(false);
  return messages;
}

describe('RespParser', () => {
  it('gives back what was encoded, however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 4 }), fc.array(fc.nat(), { maxLength: 20 }), (messages, cuts) => {
        const bytes = Buffer.concat(messages.flatMap(encodeResp));
        assert.deepEqual(parse(bytes, cuts), messages);
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  it('gives the same for every single byte alone', () => {
    const message: Resp = [Buffer.from('SET'), Buffer.from('k\r\n'), Buffer.alloc(0), null, -5, { simple: 'x' }, []];
    const bytes = Buffer.concat(encodeResp(message));
    expect(parse(bytes, [...bytes.keys()])).toEqual([message]);
  });

  it.each([
    ['inline command', 'PING\r\n'],
    ['inline command without an end', 'x'],
    ['bulk over the limit', '*1\r\n$100001\r\n'],
    ['array over the limit', '*17\r\n'],
    ['negative bulk', '$-2\r\n'],
    ['number with a sign', '*+1\r\n'],
    ['huge number', '$99999999999999999999\r\n'],
    ['no CRLF after a bulk', '$1\r\nabc'],
    ['bare LF', '*1\n'],
    ['too deep', '*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n'],
    ['endless line', `+${'a'.repeat(2000)}`],
    ['message too big', `*16\r\n${`$90000\r\n${'a'.repeat(90_000)}\r\n`.repeat(5)}`],
  ])('refuses: %s', (_, text) => {
    expect(() => new RespParser(LIMITS).push(Buffer.from(text))).toThrow(ProtocolError);
  });

  it('keeps an error reply on one line', () => {
    expect(Buffer.concat(encodeResp(errorReply('ERR', 'a\r\n+OK\r\nb'))).toString()).toBe('-ERR a +OK b\r\n');
  });
});
