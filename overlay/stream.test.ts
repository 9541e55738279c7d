import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestGrid, closed, echo, readAll, until } from './grid-fixture.ts';
import type { TestNode } from './grid-fixture.ts';
import { MAX_WINDOW } from './stream.ts';

let grid: TestGrid;
let a: TestNode;
let b: TestNode;
let far: TestNode;
beforeAll(async () => {
  grid = new TestGrid();
  await grid.node('relay', { listen: true, relay: true });
  a = await grid.node('a');
  b = await grid.node('b', { listen: true });
  far = await grid.node('far');
});
afterAll(() => grid.close());

/** Reproducible bytes that do not repeat within a stream. */
function bytes(length: number, seed: number): Buffer {
  const out = Buffer.alloc(length);
  let state = seed | 1;
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    out[at] = state >>> 16;
  }
  return out;
}

async function writeInPieces(stream: Duplex, pieces: readonly Buffer[], pauseEvery: number): Promise<void> {
  for (const [index, piece] of pieces.entries()) {
    if (!stream.write(piece)) await once(stream, 'drain');
    if (index % pauseEvery === pauseEvery - 1) await delay(1);
  }
  stream.end();
}

/** Reads `size` bytes at a time with pauses, as a slow consumer does. */
function readInPieces(stream: Duplex, size: number, pauseEvery: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let reading = false;
    const pump = async (): Promise<void> => {
      if (reading) return;
      reading = true;
      for (let reads = 1; ; reads += 1) {
        const chunk = stream.read(size) as Buffer | null ?? stream.read() as Buffer | null;
        if (chunk === null) break;
        chunks.push(chunk);
        if (reads % pauseEvery === 0) await delay(1);
      }
      reading = false;
    };
    stream.on('readable', () => void pump());
    stream.once('end', () => resolve(Buffer.concat(chunks)));
    stream.once('close', () => reject(stream.errored ?? new Error('closed before its end')));
  });
}

describe('content', () => {
  it.each([['direct', 25], ['through the relay', 15]])('%s: whatever the chunks and the pace, the same bytes arrive on both sides', async (way, numRuns) => {
    const target = way === 'direct' ? b : far;
    echo(target);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 60_000, max: 70_000 }), fc.integer({ min: 0, max: 700_000 })), { maxLength: 12 }),
        fc.integer({ min: 5_000, max: 2_000_000 }), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }),
        async (lengths, readSize, writePause, readPause) => {
          const stream = await a.agent.dial({ node: target.id, service: 'echo' });
          const pieces = lengths.map((length, index) => bytes(length, index + length));
          const [answer] = await Promise.all([readInPieces(stream, readSize, readPause), writeInPieces(stream, pieces, writePause)]);
          expect(answer.equals(Buffer.concat(pieces))).toBe(true);
        },
      ),
      { seed: 20_261_120, numRuns },
    );
    await until(() => a.agent.status().streams === 0 && target.agent.status().streams === 0);
  }, 20_000);

  it('fifty streams at once do not mix, and a stalled one does not hold up the others', async () => {
    b.agent.handle((stream, { service }) => {
      if (service !== 'stalled') stream.pipe(stream);
    });
    const stalled = await a.agent.dial({ node: b.id, service: 'stalled' });
    stalled.write(Buffer.alloc(8 * MAX_WINDOW));
    await Promise.all(Array.from({ length: 50 }, async (_, index) => {
      const stream = await a.agent.dial({ node: b.id, service: 'echo' });
      const content = bytes(200_000 + index, index);
      stream.end(content);
      expect((await readAll(stream)).equals(content)).toBe(true);
    }));
    stalled.destroy();
    await until(() => b.agent.status().streams === 0);
  });
});

describe('backpressure', () => {
  it.each(['direct', 'relay'])('%s: a reader that does not read stops the writer within a window, and nothing is lost when it goes on', async (way) => {
    const target = way === 'direct' ? b : far;
    let slow: Duplex | undefined;
    target.agent.handle((stream) => (slow = stream));
    const stream = await a.agent.dial({ node: target.id, service: 'slow' });
    const hash = createHash('sha256');
    const chunk = bytes(64 * 1024, 5);
    let taken = 0;
    let finish = false;
    const writing = (async () => {
      while (!finish) {
        hash.update(chunk);
        taken += chunk.length;
        if (!stream.write(chunk)) await Promise.race([once(stream, 'drain'), closed(stream)]);
      }
      stream.end();
    })();
    await delay(300);
    const stoppedAt = taken;
    expect(stoppedAt).toBeLessThan(MAX_WINDOW + 1024 * 1024);
    await delay(100);
    expect(taken).toBe(stoppedAt);
    const received = createHash('sha256');
    slow?.on('data', (data: Buffer) => received.update(data));
    await until(() => taken > 4 * stoppedAt);
    finish = true;
    if (slow !== undefined) await once(slow, 'end');
    await writing;
    expect(received.digest('hex')).toBe(hash.digest('hex'));
    slow?.destroy();
    stream.destroy();
  });
});
