import type { CallToolResult } from '@modelcontextprotocol/server';
import { cleanText } from './clean.ts';

export interface McpRefusal { readonly code: string; readonly message: string; readonly hint?: string | undefined }

/** Where programs find the parts of a refusal; clients hold structured content against the schema of a success. */
export const REFUSAL_META = 'threebot/refusal';

/** A refusal as a model reads it: what failed and what to do next, marked as an error. */
export function refused({ code, message, hint }: McpRefusal): CallToolResult {
  const parts = { code, message: cleanText(message), ...(hint !== undefined && { hint: cleanText(hint) }) };
  return { isError: true, content: [{ type: 'text', text: `refused (${code}): ${parts.message}${parts.hint === undefined ? '' : `\n${parts.hint}`}` }], _meta: { [REFUSAL_META]: parts } };
}

/** What failed is told when it was expected; a fault of ours goes to the log, and its text to nobody. */
export function describeFailure(error: unknown, log: (line: string) => void): McpRefusal {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string' && /^[a-z_]{3,40}$/.test(error.code)) {
    return { code: error.code, message: error.message, ...('hint' in error && typeof error.hint === 'string' && { hint: error.hint }) };
  }
  log(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return { code: 'internal', message: 'the bot failed to answer', hint: 'this is a fault of 3bot; its log tells more' };
}
