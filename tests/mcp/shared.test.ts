import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

/** What the official suites test is what people use: one dispatcher, one transport, and nobody else makes a server. */

const ROOT = path.join(import.meta.dirname, '../..');
const source = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');
const MACHINERY = /\b(new McpServer|new Server\(|createMcpHandler\(|serveStdio\(|new WebStandardStreamableHTTPServerTransport|new StdioServerTransport|setRequestHandler\(|registerTool\()/;

it('serves the fixture and the product by the same function', () => {
  for (const file of ['cli/commands/mcp.ts', 'tests/mcp/fixture-server.ts']) {
    expect(source(file)).toMatch(/import \{ serveMcpHttp \} from '(\.\.\/)+bot\/mcp\/http\.ts';/);
    expect(source(file)).toMatch(/serveMcpHttp\((surface|fixtureSurface\(\)), \{/);
  }
  for (const file of ['bot/mcp/http.ts', 'bot/mcp/sessions.ts', 'bot/mcp/stdio.ts']) expect(source(file)).toMatch(/createSession\((this\.#)?dispatch, \{/);
});

it('makes servers and transports nowhere else', () => {
  const makers = ['bot/mcp', 'tests/mcp', 'cli/commands'].flatMap((folder) => readdirSync(path.join(ROOT, folder)).filter((name) => name.endsWith('.ts') && !/\.(test|fixture)\.ts$/.test(name)).map((name) => `${folder}/${name}`)).filter((file) => MACHINERY.test(source(file)));
  expect(makers.sort()).toEqual(['bot/mcp/http.ts', 'bot/mcp/server.ts', 'bot/mcp/sessions.ts', 'bot/mcp/stdio.ts']);
});
