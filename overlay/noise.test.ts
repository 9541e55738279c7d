import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Hex, readVectors } from '../contract/vectors/vectors.fixture.ts';
import { HandshakeState } from './noise.ts';
import type { HandshakeResult, PatternName } from './noise.ts';
import { dhKeyFromPrivate, generateDhKey } from './x25519.ts';

const hex = Hex.transform((bytes) => Buffer.from(bytes));
const Vector = z.strictObject({
  name: z.string(), expect: z.literal('accept'),
  init_prologue: hex, init_static: hex, init_ephemeral: hex, init_remote_static: hex.optional(),
  resp_prologue: hex, resp_static: hex, resp_ephemeral: hex, handshake_hash: hex,
  messages: z.array(z.strictObject({ payload: hex, ciphertext: hex })).min(4),
});
const vectors = readVectors(new URL('vectors/noise.json', import.meta.url), Vector);

describe('Noise against the cacophony vectors', () => {
  for (const pattern of ['IK', 'XX'] as const) {
    it(`${pattern} gives the published bytes, keys and hash`, () => {
      const v = vectors.find(({ name }) => name === `Noise_${pattern}_25519_AESGCM_SHA256`);
      if (v === undefined) throw new Error('vector missing');
      const initiator = new HandshakeState({
        pattern, initiator: true, prologue: v.init_prologue, staticKey: dhKeyFromPrivate(v.init_static), ephemeral: dhKeyFromPrivate(v.init_ephemeral),
        ...(v.init_remote_static === undefined ? {} : { remoteStatic: v.init_remote_static }),
      });
      const responder = new HandshakeState({
        pattern, initiator: false, prologue: v.resp_prologue, staticKey: dhKeyFromPrivate(v.resp_static), ephemeral: dhKeyFromPrivate(v.resp_ephemeral),
      });
      const steps = pattern === 'IK' ? 2 : 3;
      let ends: [HandshakeResult, HandshakeResult] | undefined;
      v.messages.forEach((message, index) => {
        const fromInitiator = index % 2 === 0;
        if (index < steps) {
          const [writer, reader] = fromInitiator ? [initiator, responder] : [responder, initiator];
          const written = writer.writeMessage(message.payload);
          expect(written.toString('hex')).toBe(message.ciphertext.toString('hex'));
          expect(reader.readMessage(written)).toEqual(message.payload);
          if (index === steps - 1) ends = [initiator.finish(), responder.finish()];
          return;
        }
        if (ends === undefined) throw new Error('no transport keys');
        const [writer, reader] = fromInitiator ? ends : [ends[1], ends[0]];
        const sealed = writer.send.encrypt(Buffer.alloc(0), message.payload);
        expect(sealed.toString('hex')).toBe(message.ciphertext.toString('hex'));
        expect(reader.receive.decrypt(Buffer.alloc(0), sealed)).toEqual(message.payload);
      });
      expect(ends?.[0].hash.toString('hex')).toBe(v.handshake_hash.toString('hex'));
      expect(ends?.[1].hash.toString('hex')).toBe(v.handshake_hash.toString('hex'));
    });
  }
});

function pair(pattern: PatternName, prologues: [string, string] = ['grid', 'grid'], responderKey = generateDhKey()): [HandshakeState, HandshakeState] {
  return [
    new HandshakeState({ pattern, initiator: true, prologue: Buffer.from(prologues[0]), staticKey: generateDhKey(), remoteStatic: responderKey.publicKey }),
    new HandshakeState({ pattern, initiator: false, prologue: Buffer.from(prologues[1]), staticKey: responderKey }),
  ];
}

describe('Noise refusals', () => {
  it('another prologue does not authenticate', () => {
    const [initiator, responder] = pair('IK', ['grid-a', 'grid-b']);
    const message = initiator.writeMessage(Buffer.alloc(0));
    expect(() => responder.readMessage(message)).toThrow();
  });

  it('a flipped bit in any byte of the first IK message is refused', () => {
    const key = generateDhKey();
    const [initiator, responder] = pair('IK', ['grid', 'grid'], key);
    const message = initiator.writeMessage(Buffer.from('x'));
    for (let at = 0; at < message.length; at += 1) {
      const spoiled = Buffer.from(message);
      spoiled.writeUInt8(spoiled.readUInt8(at) ^ (1 << (at % 8)), at);
      const [, fresh] = pair('IK', ['grid', 'grid'], key);
      expect(() => fresh.readMessage(spoiled)).toThrow();
    }
    expect(responder.readMessage(message).toString()).toBe('x');
  });

  it('a truncated message, a message out of turn and an early finish are refused', () => {
    const [initiator, responder] = pair('IK');
    expect(() => initiator.finish()).toThrow(/not finished/);
    expect(() => responder.writeMessage(Buffer.alloc(0))).toThrow(/out of turn/);
    const message = initiator.writeMessage(Buffer.alloc(0));
    expect(() => initiator.writeMessage(Buffer.alloc(0))).toThrow(/out of turn/);
    expect(() => responder.readMessage(message.subarray(0, 40))).toThrow(/too short/);
  });

  it('a point of small order gives no secret', () => {
    const [, responder] = pair('XX');
    expect(() => {
      responder.readMessage(Buffer.alloc(32));
      responder.writeMessage(Buffer.alloc(0));
    }).toThrow();
  });

  it('after rekey both sides go on, and the old key opens nothing', () => {
    const [initiator, responder] = pair('IK');
    responder.readMessage(initiator.writeMessage(Buffer.alloc(0)));
    initiator.readMessage(responder.writeMessage(Buffer.alloc(0)));
    const [a, b] = [initiator.finish(), responder.finish()];
    const nothing = Buffer.alloc(0);
    expect(b.receive.decrypt(nothing, a.send.encrypt(nothing, Buffer.from('before'))).toString()).toBe('before');
    a.send.rekey();
    const sealed = a.send.encrypt(nothing, Buffer.from('after'));
    expect(() => b.receive.decrypt(nothing, sealed)).toThrow();
    b.receive.rekey();
    expect(b.receive.decrypt(nothing, sealed).toString()).toBe('after');
  });
});
