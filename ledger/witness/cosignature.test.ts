import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeDidKey } from '../../contract/principal.ts';
import { verifySignature } from '../../signer/verify.ts';
import { MAX_COSIGNATURES, openCosigned, originOf, parseNote, signCheckpoint } from '../checkpoint.ts';
import { newGrid, newSigner } from '../grid.fixture.ts';
import { leafHash } from '../merkle.ts';
import { cosign, cosignersOf, openCosignature, parseVerifierKey, verifierKeyOf, type Witness, witnessId } from './cosignature.ts';
import { parseRequest } from './request.ts';

/**
 * A checkpoint of a public staging log with its signatures, as the log and four witnesses made them, and the published
 * verifier keys of the log and of one witness. Source: the tests of a tlog-tiles client (`TestCheckpointVerification`);
 * none of it is ours, so our reading of https://c2sp.org/tlog-cosignature is held against somebody else's.
 */
const PUBLIC_NOTE = `arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

\u2014 arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
\u2014 arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
\u2014 transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
\u2014 witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
\u2014 remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
\u2014 witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
`;
const REMORA = 'remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2';
const LOG_KEY = 'TS8eaUYJL8903xvY5oaYqmssjwcoz50njvbGAViHXl8=';

/** The examples of the specifications themselves; their keys are not published, so only the form can be held against them. */
const SPECIFIED_NOTE = `example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
\u2014 witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
`;
const SPECIFIED_REQUEST = `old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\u2014 example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
\u2014 example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
`;

const grid = newGrid();
const origin = originOf(grid.grid);
const plain = signCheckpoint({ size: 7, root: leafHash(Uint8Array.of(7)) }, origin, grid.signer);
const text = parseNote(plain)!.text;
const NOW = 1_790_000_000;

function newWitness(name: string, signer = newSigner()): { witness: Witness; sign: (seconds?: number) => string } {
  return { witness: { name, key: signer.key }, sign: (seconds = NOW) => cosign(text, { name, signer, seconds }) };
}

describe('cosignatures that others made', () => {
  it('are verified with the witness\'s published key, and with no other', () => {
    const parsed = parseNote(PUBLIC_NOTE)!;
    const remora = parseVerifierKey(REMORA)!;
    expect(verifierKeyOf(remora)).toBe(REMORA);
    const times = cosignersOf(parsed, { witnesses: [remora], verify: verifySignature, latest: Number.MAX_SAFE_INTEGER });
    expect([...times]).toEqual([[remora.key, 0x6a122120]]);
    expect(cosignersOf(parsed, { witnesses: [{ ...remora, key: newSigner().key }], verify: verifySignature, latest: Number.MAX_SAFE_INTEGER }).size).toBe(0);
    const changed = parseNote(PUBLIC_NOTE.replace('1432088532', '1432088533'))!;
    expect(cosignersOf(changed, { witnesses: [remora], verify: verifySignature, latest: Number.MAX_SAFE_INTEGER }).size).toBe(0);
  });

  it('do not keep the log\'s own signature from being found among signatures of other kinds', () => {
    const key = encodeDidKey(Uint8Array.from(Buffer.from(LOG_KEY, 'base64')));
    const expected = { origin: 'arche2025h1.staging.ct.transparency.dev', key, verify: verifySignature };
    expect(openCosigned(PUBLIC_NOTE, expected)).toMatchObject({ ok: true, checkpoint: { size: 1432088532 } });
    expect(openCosigned(PUBLIC_NOTE.replace('1432088532', '1432088533'), expected).ok).toBe(false);
  });

  it('have the form of the specifications\' examples', () => {
    const parsed = parseNote(SPECIFIED_NOTE)!;
    expect(parsed).toMatchObject({ origin: 'example.com/behind-the-sofa', checkpoint: { size: 20852163 } });
    expect(parsed.signatures.map(({ name, keyId, payload }) => [name, Buffer.from(keyId).toString('hex'), payload.length])).toEqual([['example.com/behind-the-sofa', '033de0ae', 64], ['witness.example.com/w1', '8d66cf3f', 72]]);
    expect(new DataView(parsed.signatures[1]!.payload.buffer).getBigUint64(0)).toBe(1679315147n);
    const request = parseRequest(SPECIFIED_REQUEST)!;
    expect([request.old, request.proof.length, request.parsed.signatures.length]).toEqual([20852014, 4, 2]);
  });
});

describe('our cosignatures', () => {
  it('are over time and text, under a key id of their own kind', () => {
    const { witness, sign } = newWitness('witness.example/w1');
    const note = parseNote(plain + sign())!;
    expect(openCosignature(note.text, note.signatures[1]!, { witness, verify: verifySignature })).toBe(NOW);
    expect(openCosigned(plain + sign(), { origin, key: grid.signer.key, verify: verifySignature })).toMatchObject({ ok: true, checkpoint: { size: 7 } });
    expect(openCosignature(note.text, note.signatures[0]!, { witness: { name: origin, key: grid.signer.key }, verify: verifySignature })).toBeUndefined();
    const bytes = note.signatures[1]!.payload;
    fc.assert(fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const payload = bytes.slice();
      payload[at]! ^= flip;
      expect(openCosignature(note.text, { ...note.signatures[1]!, payload }, { witness, verify: verifySignature })).toBeUndefined();
    }), { seed: 3, numRuns: 200 });
  });

  it('count once a key, whatever names it takes, and not from the future', () => {
    const signer = newSigner();
    const [one, two, other] = [newWitness('w/one', signer), newWitness('w/two', signer), newWitness('w/other')];
    const witnesses = [one.witness, two.witness, other.witness];
    const count = (note: string, latest = NOW): number => cosignersOf(parseNote(note)!, { witnesses, verify: verifySignature, latest }).size;
    expect(count(plain)).toBe(0);
    expect(count(plain + one.sign() + two.sign() + one.sign(NOW - 5))).toBe(1);
    expect(count(plain + one.sign() + other.sign())).toBe(2);
    expect(count(plain + one.sign() + other.sign(NOW + 1))).toBe(1);
    expect(count(plain + newWitness('w/one').sign() + newWitness('w/stranger').sign())).toBe(0);
    expect(cosignersOf(parseNote(plain + one.sign(NOW - 9) + one.sign(NOW - 5))!, { witnesses, verify: verifySignature, latest: NOW }).get(signer.key)).toBe(NOW - 5);
  });

  it('are bounded in number and length', () => {
    const lines = (count: number): string => plain + Array.from({ length: count }, (_, i) => newWitness(`w/${i}`).sign()).join('');
    expect(parseNote(lines(MAX_COSIGNATURES))?.signatures).toHaveLength(MAX_COSIGNATURES + 1);
    expect(parseNote(lines(MAX_COSIGNATURES + 1))).toBeUndefined();
    for (const spoiled of [`${plain}\n`, `${plain}\u2014 w AAAA\n`, `${plain}- w/1 AAAAAAAAAAAA\n`, plain.slice(0, -1), `${plain}\u2014 w/1 ${'A'.repeat(400)}\n`, plain.replace('\n\n', '\n')]) expect(parseNote(spoiled), JSON.stringify(spoiled)).toBeUndefined();
  });

  it('belong to verifier keys that name their own id', () => {
    const { witness } = newWitness('w/1');
    const key = verifierKeyOf(witness);
    expect(parseVerifierKey(key)).toEqual(witness);
    expect(key.split('+')[1]).toBe(witnessId(witness));
    for (const spoiled of [key.replace('w/1', 'w/2'), key.slice(0, -4), '', 'w+1+2', key.replace('+', '')]) expect(parseVerifierKey(spoiled)).toBeUndefined();
  });
});
