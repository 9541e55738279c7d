import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldWhole, GARBLED, type ModelAnswer, StreamFold } from './answer-format.ts';
import { ModelFailure } from './failure.ts';

const chunk = (delta: object, finish: string | null = null): string => `data: ${JSON.stringify({ id: 'same', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const END = chunk({}, 'stop');

/** The answer, and the text of it piece by piece. */
function fold(text: string, cut = Infinity): { answer: ModelAnswer; outs: string[] } {
  const fold = new StreamFold();
  const bytes = new TextEncoder().encode(text);
  const outs: string[] = [];
  for (let at = 0; at < bytes.length; at += cut === Infinity ? bytes.length : cut) outs.push(fold.push(bytes.slice(at, cut === Infinity ? undefined : at + cut)));
  const answer = fold.end();
  expect(outs.join('')).toBe(answer.text);
  return { outs, answer };
}
const callsOf = ({ calls }: ModelAnswer): object[] => calls.map(({ name, args }) => ({ name, args }));

describe('StreamFold', () => {
  it('passes text on as it comes, in one piece what came together', () => {
    expect(fold([chunk({ role: 'assistant', content: '' }), chunk({ content: 'one ' }), chunk({ content: 'two' }), END].join('')).outs).toEqual(['one two']);
    const piecewise = new StreamFold();
    expect([chunk({ content: 'one ' }), chunk({ content: 'two' }), END].map((text) => piecewise.push(new TextEncoder().encode(text)))).toEqual(['one ', 'two', '']);
    expect(piecewise.end()).toEqual({ text: 'one two', calls: [], tokens: undefined });
  });

  it('gives the same however the bytes are cut, in the middle of characters too', () => {
    const text = [chunk({ content: 'Größe 😀 ' }), ': a comment\r\n', 'event: message\r\n', chunk({ content: 'ü' }).replaceAll('\n', '\r\n'), END].join('');
    fc.assert(fc.property(fc.integer({ min: 1, max: 50 }), (cut) => {
      expect(fold(text, cut).answer.text).toBe('Größe 😀 ü');
    }), { seed: 2, numRuns: 50 });
  });

  it.each<[string, object[]]>([
    ['in pieces, as OpenAI does', [{ tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'plan', arguments: '' } }] }, { tool_calls: [{ index: 0, function: { arguments: '{"a"' } }] }, { tool_calls: [{ index: 0, function: { arguments: ':1}' } }] }]],
    ['whole', [{ tool_calls: [{ index: 0, id: 'a', function: { name: 'plan', arguments: '{"a":1}' } }] }]],
    ['without an index', [{ tool_calls: [{ id: 'a', function: { name: 'plan', arguments: '{"a"' } }] }, { tool_calls: [{ function: { arguments: ':1}' } }] }]],
    ['as an object', [{ tool_calls: [{ index: 0, id: 'a', function: { name: 'plan', arguments: { a: 1 } } }] }]],
    ['with the name again in each piece', [{ tool_calls: [{ index: 0, id: 'a', function: { name: 'plan', arguments: '{"a":' } }] }, { tool_calls: [{ index: 0, id: 'a', function: { name: 'plan', arguments: '1}' } }] }]],
  ])('reads a call that comes %s', (_, deltas) => {
    expect(callsOf(fold(deltas.map((delta) => chunk(delta)).join('') + chunk({}, 'tool_calls')).answer)).toEqual([{ name: 'plan', args: { a: 1 } }]);
  });

  it('gives ids of its own, since some servers give the same to all', () => {
    const one = { index: 0, id: 'same', function: { name: 'x', arguments: '{}' } };
    const ids = [1, 2].flatMap(() => fold(chunk({ tool_calls: [one, { ...one, index: 1 }] }) + END).answer.calls.map(({ id }) => id));
    expect(new Set(ids).size).toBe(4);
    for (const id of ids) expect(id).toMatch(/^answer-\d+-[01]$/);
  });

  it.each(['{"a":1', '[1]', '"x"', 'null', `{"a":"${'x'.repeat(17_000)}"}`])('marks arguments that are no JSON object of bearable length: %.20s', (text) => {
    const call = { id: 'a', function: { name: 'plan', arguments: text } };
    expect(callsOf(fold(chunk({ tool_calls: [{ index: 0, ...call }] }) + END).answer)).toEqual([{ name: 'plan', args: { [GARBLED]: true } }]);
    expect(callsOf(foldWhole(JSON.stringify({ choices: [{ message: { content: null, tool_calls: [call] }, finish_reason: 'tool_calls' }] })))).toEqual([{ name: 'plan', args: { [GARBLED]: true } }]);
  });

  it('keeps no line that does not end', () => {
    const endless = new StreamFold();
    const bytes = new TextEncoder().encode('x'.repeat(10_000));
    expect(() => { for (let n = 0; n < 14; n++) endless.push(bytes); }).toThrow(expect.objectContaining({ name: ModelFailure.name, kind: 'garbled' }) as Error);
    expect(() => fold(chunk({ content: 'x'.repeat(130_000) }) + END)).toThrow(expect.objectContaining({ kind: 'garbled' }) as Error);
    expect(fold(chunk({ content: 'x'.repeat(100_000) }) + END, 1000).answer.text).toHaveLength(100_000);
  });

  it('reads at most eight calls', () => {
    const calls = Array.from({ length: 1000 }, (_, index) => ({ index, id: `${index}`, function: { name: 'x', arguments: '{}' } }));
    expect(fold(chunk({ tool_calls: calls }) + END).answer.calls).toHaveLength(8);
  });

  it('passes on what the server counted, and leaves out what it cannot have counted', () => {
    const usage = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };
    expect(fold(`${END}data: ${JSON.stringify({ choices: [], usage })}\n\ndata: [DONE]\n\n`).answer.tokens).toBe(7);
    expect(fold(`${END}data: ${JSON.stringify({ choices: [], usage: { ...usage, total_tokens: -7 } })}\n\n`).answer.tokens).toBeUndefined();
  });

  it.each([
    ['', 'unreachable'], [chunk({ content: 'x' }), 'unreachable'], [`${chunk({ content: 'x' })}data: [DONE]\n\n`, 'unreachable'],
    ['data: {\n\n', 'garbled'], ['data: 5\n\n', 'garbled'], ['data: {"choices":[{"delta":{"content":{"a":1}}}]}\n\n', 'garbled'],
    ['data: {"error":{"message":"sk-canary"}}\n\n', 'failed'],
  ])('refuses %j: %s', (text, kind) => {
    expect(() => fold(text)).toThrow(expect.objectContaining({ name: ModelFailure.name, kind, message: expect.not.stringContaining('canary') as string }) as Error);
  });

  it('never gives anything but an answer of its form, whatever comes', () => {
    fc.assert(fc.property(fc.array(fc.oneof(fc.string(), fc.json().map((text) => `data: ${text}\n`), fc.constantFrom('data:', '\n', chunk({ content: 'x' }), END)), { maxLength: 20 }), (parts) => {
      try {
        const { text, calls } = fold(parts.join('')).answer;
        expect(typeof text).toBe('string');
        for (const { args } of calls) expect(args).toBeTypeOf('object');
      } catch (error) {
        if (!(error instanceof ModelFailure)) throw error;
      }
    }), { seed: 4, numRuns: 300 });
  });
});
