import { createInterface } from 'node:readline';
import { understandText } from '../../bot/tools/request.ts';
import { loadLibrary } from '../../knowledge/library.ts';
import { accept } from '../ask.ts';
import { blueprintsDir } from '../connect.ts';
import { formatBytes } from '../../contract/units.ts';
import { type Outcome, paint } from '../output.ts';
import { printable } from '../render/printable.ts';

/** What a sentence means, offline: no grid, no model, no side effects. */
export function understandCommand(text: string): Outcome {
  const understood = accept(understandText({ library: loadLibrary(blueprintsDir()) }, text));
  const shown = (value: unknown): string => (typeof value === 'string' && /^\d{7,}$/.test(value) ? formatBytes(BigInt(value)) : JSON.stringify(value));
  const said = (name: string): string => { const span = understood.spans[name]; return span === undefined ? '' : `  ${paint('dim', `“${printable(span.text)}”`, process.stdout)}`; };
  const lines = [
    ...Object.entries(understood.parameters).map(([name, value]) => `  ${name} = ${shown(value)}${said(name)}`),
    ...Object.entries(understood.defaults).map(([name, value]) => `  ${name} = ${shown(value)}  ${paint('dim', '(assumed)', process.stdout)}`),
  ];
  return { json: { ...understood }, text: [`blueprint ${understood.blueprint}`, ...lines, ...(understood.missing.length > 0 ? [`  missing: ${understood.missing.join(', ')}`] : [])].join('\n') };
}

/** One text a line in, one JSON a line out. */
export async function understandLines(): Promise<Outcome> {
  const library = loadLibrary(blueprintsDir());
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    const result = understandText({ library }, line);
    const document = result.ok ? result : { ok: false, error: { code: result.code, message: result.message, hint: result.hint } };
    if (!process.stdout.write(`${JSON.stringify(document)}\n`)) await new Promise((resolve) => process.stdout.once('drain', resolve));
  }
  return { json: {}, text: '' };
}
