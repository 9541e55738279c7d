import { completable, fromJsonSchema, ProtocolError, ProtocolErrorCode, ResourceNotFoundError, ResourceTemplate, type CallToolResult } from '@modelcontextprotocol/server';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { McpPrompt, McpResource, McpTool } from '../../bot/mcp/surface.ts';

/** One red pixel, and a sound of no length. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
const WAV = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=';
const STEP_MS = 50;

const text = (value: string): CallToolResult => ({ content: [{ type: 'text', text: value }] });
const image = { type: 'image', data: PNG, mimeType: 'image/png' } as const;
const embedded = (uri: string, value: string, mimeType = 'text/plain') => ({ type: 'resource', resource: { uri, mimeType, text: value } }) as const;

export function tool(name: string, run: McpTool['run'], more: Partial<McpTool> = {}): McpTool {
  return { name, title: name, description: `Conformance: ${name}.`, scope: 'read', run, ...more };
}

const SCHEMA_2020 = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: { address: { $anchor: 'addressDef', type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } } } },
  properties: { name: { type: 'string' }, address: { $ref: '#/$defs/address' }, contactMethod: { type: 'string', enum: ['phone', 'email'] }, phone: { type: 'string' }, email: { type: 'string' } },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
};

/** Its argument is also said in a header of the request. */
const SCHEMA_HEADER = { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } }, required: ['region'] };

/** What a tool can answer, say on the way, and refuse. */
export function contentTools(changed: (kind: 'tools' | 'prompts') => void): McpTool[] {
  const log = (data: string) => ({ method: 'notifications/message' as const, params: { level: 'info' as const, data } });
  return [
    tool('test_simple_text', async () => text('This is a simple text response for testing.')),
    tool('test_image_content', async () => ({ content: [image] })),
    tool('test_audio_content', async () => ({ content: [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }] })),
    tool('test_embedded_resource', async () => ({ content: [embedded('test://embedded-resource', 'This is an embedded resource content.')] })),
    tool('test_multiple_content_types', async () => ({ content: [{ type: 'text', text: 'Multiple content types test:' }, image, embedded('test://mixed-content-resource', '{"test":"data","value":123}', 'application/json')] })),
    tool('test_error_handling', async () => ({ isError: true, content: [{ type: 'text', text: 'This tool intentionally returns an error for testing' }] })),
    tool('test_tool_with_progress', async (_, { progress }) => {
      for (const done of [0, 50, 100]) {
        progress(`Completed step ${done} of 100`, done, 100);
        await sleep(STEP_MS);
      }
      return text('done');
    }),
    tool('test_tool_with_logging', async (_, { raw }) => {
      for (const said of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
        await raw.mcpReq.notify(log(said));
        await sleep(STEP_MS);
      }
      return text('Tool with logging executed successfully');
    }),
    // By the way that asks whether the client wants to hear it.
    tool('test_logging_tool', async (_, { raw }) => {
      await raw.mcpReq.log('info', 'said only to whoever asked for it');
      return text('logged');
    }),
    tool('test_reconnection', async (_, { raw }) => {
      raw.http?.closeSSE?.();
      await sleep(2 * STEP_MS);
      return text('Reconnection test completed successfully.');
    }),
    tool('test_trigger_tool_change', async () => { changed('tools'); return text('changed'); }),
    tool('test_trigger_prompt_change', async () => { changed('prompts'); return text('changed'); }),
    tool('json_schema_2020_12_tool', async (args) => text(JSON.stringify(args)), { input: fromJsonSchema(SCHEMA_2020) }),
    tool('test_custom_header', async (args) => text(JSON.stringify(args)), { input: fromJsonSchema(SCHEMA_HEADER) }),
  ];
}

export const contentResources: readonly McpResource[] = [
  { name: 'static-text', uri: 'test://static-text', about: { mimeType: 'text/plain' }, read: async ({ href }) => ({ contents: [{ uri: href, mimeType: 'text/plain', text: 'This is the content of the static text resource.' }] }) },
  { name: 'static-binary', uri: 'test://static-binary', about: { mimeType: 'image/png' }, read: async ({ href }) => ({ contents: [{ uri: href, mimeType: 'image/png', blob: PNG }] }) },
  { name: 'watched', uri: 'test://watched-resource', about: { mimeType: 'text/plain' }, read: async ({ href }) => ({ contents: [{ uri: href, mimeType: 'text/plain', text: 'Watched resource content' }] }) },
  {
    name: 'template', uri: new ResourceTemplate('test://template/{id}/data', { list: undefined, complete: { id: (value) => ['123', '456'].filter((id) => id.startsWith(value)) } }), about: { mimeType: 'application/json' },
    read: async ({ href }, { id }) => {
      if (typeof id !== 'string') throw new ResourceNotFoundError(href);
      return { contents: [{ uri: href, mimeType: 'application/json', text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }) }] };
    },
  },
];

const Two = z.object({ arg1: completable(z.string(), (value) => ['paris', 'park', 'party'].filter((word) => word.startsWith(value))), arg2: z.string() });
const Embedding = z.object({ resourceUri: z.string() });
const user = <T>(content: T) => ({ role: 'user' as const, content });
const prompt = (name: string, get: McpPrompt['get'], args?: McpPrompt['args']): McpPrompt => ({ name, title: name, description: `Conformance: ${name}.`, get, ...(args && { args }) });

export const contentPrompts: readonly McpPrompt[] = [
  prompt('test_simple_prompt', async () => ({ messages: [user({ type: 'text', text: 'This is a simple prompt for testing.' })] })),
  prompt('test_prompt_with_arguments', async (args) => {
    const { arg1, arg2 } = Two.parse(args);
    return { messages: [user({ type: 'text', text: `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'` })] };
  }, Two),
  prompt('test_prompt_with_embedded_resource', async (args) => {
    const { resourceUri } = Embedding.parse(args);
    if (!URL.canParse(resourceUri)) throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'no such resource');
    return { messages: [user(embedded(resourceUri, 'Embedded resource content for testing.')), user({ type: 'text', text: 'Please process the embedded resource above.' })] };
  }, Embedding),
  prompt('test_prompt_with_image', async () => ({ messages: [user(image), user({ type: 'text', text: 'Please analyze the image above.' })] })),
];
