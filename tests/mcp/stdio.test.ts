import { PassThrough } from 'node:stream';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { serveMcpStdio } from '../../bot/mcp/stdio.ts';
import { fixtureSurface } from './fixture-surface.ts';

const Line = z.looseObject({ jsonrpc: z.literal('2.0'), id: z.number().optional(), result: z.looseObject({}).optional(), error: z.looseObject({}).optional() });

it('speaks nothing but the protocol on its output, survives nonsense, and ends with its input', async () => {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const ended = serveMcpStdio(fixtureSurface(), { input, output, log: () => undefined });
  const lines: z.infer<typeof Line>[] = [];
  createInterface(output).on('line', (line) => { lines.push(Line.parse(JSON.parse(line))); });
  const say = (message: unknown): void => { input.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`); };
  say({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } } });
  say({ jsonrpc: '2.0', method: 'notifications/initialized' });
  say('{"jsonrpc": nonsense');
  say({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'test_simple_text', arguments: {} } });
  await expect.poll(() => lines.find(({ id }) => id === 2)?.result).toMatchObject({ content: [{ type: 'text' }] });
  expect(lines.find(({ id }) => id === 1)?.result).toMatchObject({ protocolVersion: '2025-11-25' });
  input.end();
  await ended;
});
