import { once } from 'node:events';
import { createServer } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { paint, present } from './output.ts';
import { createProgress } from './progress.ts';
import { Refusal } from './refusal.ts';

const ESC = '\x1b';
/** Clears the screen, forges a line, hides what follows, turns it around, and ends with a C1 control. */
const HOSTILE = `a${ESC}[2J${ESC}[8mb\rc\nok  signed\u202ed\u009b31m`;
/** What a terminal would obey; a line break is allowed. */
const OBEYED = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b-\u200f]/;

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

const isCallback = (value: unknown): value is () => void => typeof value === 'function';

/** What the command wrote, with what it says to a pipe. */
async function shown(run: () => Promise<{ json: Record<string, unknown>; text: string }>, json = false): Promise<{ out: string; err: string }> {
  const seen = { out: '', err: '' };
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk: unknown, ...rest: unknown[]) => {
    seen.out += String(chunk);
    rest.filter(isCallback).forEach((done) => { done(); });
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk: unknown) => {
    seen.err += String(chunk);
    return true;
  });
  await present(json, run);
  vi.restoreAllMocks();
  return seen;
}

it('says that a port is taken, and what to do', async () => {
  const first = createServer().listen(0, '127.0.0.1');
  await once(first, 'listening');
  const address = first.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  try {
    const { out } = await shown(async () => { await once(createServer().listen(port, '127.0.0.1'), 'listening'); return { json: {}, text: '' }; }, true);
    expect(JSON.parse(out)).toMatchObject({ ok: false, error: { code: 'port_in_use', hint: expect.stringContaining('another port') as string } });
  } finally {
    first.close();
  }
});

describe('what others wrote', () => {
  it.each([
    ['a refusal', new Refusal({ code: 'principal_unknown', message: HOSTILE, hint: HOSTILE })],
    ['an error with the code of another', Object.assign(new Error(HOSTILE), { code: HOSTILE, hint: HOSTILE })],
    ['an error', new Error(HOSTILE)],
  ])('moves no cursor and forges no line in %s', async (_, error) => {
    const { out, err } = await shown(() => Promise.reject(error));
    expect(out).toBe('');
    expect(err).toContain('signed');
    expect(err).not.toMatch(OBEYED);
    expect(err).not.toMatch(/^ {0,5}ok /m);
  });

  it('is the same in the document for programs, escaped', async () => {
    const { out } = await shown(() => Promise.reject(new Refusal({ code: 'x', message: HOSTILE })), true);
    expect(JSON.parse(out)).toMatchObject({ error: { message: HOSTILE } });
    expect(out).not.toContain(ESC);
  });

  it('is harmless where a text of ours was left open to it; our own styles stay', async () => {
    const style = `${ESC}[31mred${ESC}[0m`;
    const { out } = await shown(() => Promise.resolve({ json: {}, text: `one\n${style}\n${HOSTILE}` }));
    expect(out.startsWith(`one\n${style}\na`)).toBe(true);
    expect(out.replace(style, '')).not.toMatch(OBEYED);
    expect(paint('red', 'red', Object.assign(new PassThrough(), { isTTY: true }) as unknown as NodeJS.WriteStream)).toBe(process.env['NO_COLOR'] ? 'red' : style);
  });

  it.each([true, false])('is harmless in what a progress tells (terminal: %s)', (isTTY) => {
    const written: string[] = [];
    const stream = Object.assign(new PassThrough(), { isTTY, columns: 80, write: (text: string) => written.push(text) > 0 }) as unknown as NodeJS.WriteStream;
    const progress = createProgress(stream);
    progress.update(HOSTILE);
    progress.note(HOSTILE);
    progress.done(HOSTILE);
    progress.stop();
    // What redraws the line is ours.
    const text = written.join('').replaceAll(`\r${ESC}[2K`, '').replaceAll(`${ESC}[36m`, '').replaceAll(`${ESC}[32m`, '').replaceAll(`${ESC}[0m`, '');
    expect(text).toContain('signed');
    expect(text).not.toMatch(OBEYED);
  });
});
