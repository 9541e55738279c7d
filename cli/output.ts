import { Refusal } from './refusal.ts';
import { printable, printableText } from './render/printable.ts';

/** What a command gives back: a JSON document for programs, a text for people. */
export interface Outcome {
  /** Undefined when another outcome of the same command is the document. */
  readonly json: Record<string, unknown> | undefined;
  readonly text: string;
  /** 0 done (default), 1 refused or failed, 2 wrong usage. */
  readonly exitCode?: number;
}

/** Codes of a call that could never succeed, whatever the ledger says: those end as other wrong usage does. */
const WRONG_USAGE = new Set(['nothing_asked', 'role_needed', 'reason_needed', 'invalid_parameter', 'id_invalid', 'format_unknown']);

/** Runs a command and prints its outcome: one JSON document on stdout with --json, else text; refusals go to stderr. */
export async function present(json: boolean, run: () => Promise<Outcome>): Promise<void> {
  try {
    const outcome = await run();
    if (!json) await write(outcome.text && `${printableText(outcome.text)}\n`);
    else if (outcome.json) await write(`${JSON.stringify(outcome.json)}\n`);
    process.exitCode = outcome.exitCode ?? 0;
  } catch (error) {
    const { code, message, hint } = describe(error);
    process.exitCode = WRONG_USAGE.has(code) ? 2 : 1;
    if (json) await write(`${JSON.stringify({ ok: false, error: { code, message, ...(hint !== undefined && { hint }) } })}\n`);
    else process.stderr.write(`${paint('red', 'refused')} ${linesOf(message)} (${printable(code)})\n${hint === undefined ? '' : `  ${linesOf(hint)}\n`}`);
  }
}

/** Code, message and hint may be a ledger's, a relay's or a chain's words: their lines are shown further in than any of ours. */
function linesOf(text: string): string {
  return text.split('\n').map(printable).join('\n      ');
}

function describe(error: unknown): { code: string; message: string; hint?: string | undefined } {
  if (error instanceof Refusal) return { code: error.code, message: error.message, hint: error.hint };
  if (error instanceof Error && error.name === 'AbortError') return { code: 'interrupted', message: 'interrupted', hint: 'what was acknowledged is kept; ask again to go on' };
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return { code: 'port_in_use', message: `somebody listens there already: ${error.message}`, hint: 'give another port, or 0 for any free one' };
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return { code: error.code.toLowerCase(), message: error.message, ...('hint' in error && typeof error.hint === 'string' && { hint: error.hint }) };
  return { code: 'internal', message: error instanceof Error ? error.message : String(error), hint: 'this is a fault of 3bot; `3bot doctor` may tell more' };
}

function write(text: string): Promise<void> {
  return new Promise((resolve) => { process.stdout.write(text, () => { resolve(); }); });
}

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

/** Colours for people at a terminal; plain when piped or with NO_COLOR. */
export function paint(style: keyof typeof CODES, text: string, stream: NodeJS.WriteStream = process.stderr): string {
  return stream.isTTY && !process.env['NO_COLOR'] ? `\x1b[${CODES[style]}m${text}\x1b[0m` : text;
}
