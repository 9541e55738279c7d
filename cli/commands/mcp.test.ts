import { expect, it } from 'vitest';
import { mcpCommand } from './mcp.ts';

it.each([
  [{ auth: false, http: 0, host: '0.0.0.0' }, 'auth_needed'],
  [{ auth: false, http: 0, host: '192.0.2.1' }, 'auth_needed'],
  [{ auth: true, tools: 'plan,approve' }, 'tool_unknown'],
  [{ auth: true, tools: '' }, 'tool_unknown'],
  [{ auth: true, maxOutput: 10 }, 'max_output_invalid'],
  [{ auth: true, maxOutput: 10_000_000 }, 'max_output_invalid'],
  [{ auth: true, state: '/nonexistent/3bot' }, 'grid_not_running'],
])('3bot mcp refuses %j before it serves anything', async (flags, code) => {
  await expect(mcpCommand(flags)).rejects.toMatchObject({ code });
});
