import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verifySignature } from '../signer/verify.ts';
import { openCheckpoint, originOf, signCheckpoint } from './checkpoint.ts';
import { newGrid, newSigner } from './grid.fixture.ts';
import { leafHash } from './merkle.ts';

const grid = newGrid();
const origin = originOf(grid.grid);
const judge = { origin, key: grid.signer.key, verify: verifySignature };
const root = leafHash(Uint8Array.of(1));
const note = signCheckpoint({ size: 41, root }, origin, grid.signer);

describe('checkpoints', () => {
  it('are signed notes that say origin, size and root', () => {
    const [first, size, hash, empty, signature, end, ...rest] = note.split('\n');
    expect([first, size, hash, empty, end, rest.length]).toEqual([origin, '41', Buffer.from(root).toString('base64'), '', '', 0]);
    expect(signature?.startsWith(`— ${origin} `)).toBe(true);
    expect(openCheckpoint(note, judge)).toEqual({ ok: true, checkpoint: { size: 41, root } });
    expect(note.length).toBeLessThan(400);
  });

  it('are of one log and one key', () => {
    expect(openCheckpoint(note, { ...judge, key: newSigner().key })).toMatchObject({ ok: false });
    expect(openCheckpoint(note, { ...judge, origin: originOf(newGrid().grid) })).toMatchObject({ ok: false });
    expect(openCheckpoint(signCheckpoint({ size: 41, root }, origin, newSigner()), judge)).toMatchObject({ ok: false });
  });

  it('have one text: no changed character passes', () => {
    fc.assert(fc.property(fc.nat(note.length - 1), fc.string({ minLength: 0, maxLength: 2 }), (at, other) => {
      const changed = note.slice(0, at) + other + note.slice(at + 1);
      fc.pre(changed !== note);
      expect(openCheckpoint(changed, judge).ok).toBe(false);
    }), { seed: 2, numRuns: 500 });
    for (const spoiled of [`${note}\n`, `\n${note}`, note.replace('\n41\n', '\n041\n'), note.replaceAll('\n', '\r\n'), note + note.split('\n')[4]!, '', note.replace('41', '9007199254740993')]) {
      expect(openCheckpoint(spoiled, judge).ok, JSON.stringify(spoiled)).toBe(false);
    }
    // Signatures are over the text: an equal one on another line is not enough.
    expect(openCheckpoint(note.replace('\n41\n', '\n42\n'), judge)).toMatchObject({ ok: false, code: 'checkpoint_invalid', message: expect.stringContaining('signature') as string });
  });

  it('have one encoding of the signature', () => {
    const last = note.at(-3)!;
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    for (const letter of alphabet) {
      if (letter !== last) expect(openCheckpoint(`${note.slice(0, -3)}${letter}=\n`, judge).ok, letter).toBe(false);
    }
  });
});
