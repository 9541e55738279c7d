import { Client as NewClient, StreamableHTTPClientTransport as NewHttp } from '@modelcontextprotocol/client';
import { StdioClientTransport as NewStdio } from '@modelcontextprotocol/client/stdio';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as OldStdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as OldHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema, ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';

/** The two revisions, each with the client library that speaks it. */
export const REVISIONS = ['2025-11-25', '2026-07-28'] as const;
export type Revision = (typeof REVISIONS)[number];

/** Where the server is. */
export type Address = { readonly command: string; readonly args: readonly string[] } | { readonly url: string; readonly token?: string | undefined };

/** What a server asked the person. */
export const Asked = z.looseObject({ message: z.string(), mode: z.enum(['form', 'url']).default('form'), url: z.string().optional(), requestedSchema: z.looseObject({ properties: z.record(z.string(), z.looseObject({})), required: z.array(z.string()).optional() }).optional() });
export type Asked = z.infer<typeof Asked>;
export interface Answered { readonly action: 'accept' | 'decline' | 'cancel'; readonly content?: Record<string, string | number | boolean> }

const Content = z.looseObject({ type: z.string(), text: z.string().optional() });
const Called = z.looseObject({ content: z.array(Content), structuredContent: z.record(z.string(), z.unknown()).optional(), isError: z.boolean().optional() });

export interface Result {
  readonly refused: boolean;
  readonly text: string;
  readonly structured: Record<string, unknown>;
}

export interface CallOptions { readonly progress?: (message: string, done: number) => void; readonly signal?: AbortSignal }

export interface TestClient {
  readonly revision: Revision;
  call(tool: string, args?: Record<string, unknown>, options?: CallOptions): Promise<Result>;
  tools(): Promise<{ name: string; description?: string | undefined; inputSchema: unknown; outputSchema?: unknown; annotations?: Record<string, unknown> | undefined }[]>;
  read(uri: string): Promise<{ text: string; mimeType: string | undefined }>;
  resources(): Promise<string[]>;
  templates(): Promise<string[]>;
  prompt(name: string, args: Record<string, string>): Promise<string>;
  complete(template: string, argument: string, value: string): Promise<string[]>;
  /** Calls the listener when the server says that the resource has changed. */
  watch(uri: string, listener: () => void): Promise<void>;
  /** Every message of this session, both ways. */
  traffic(): string;
  close(): Promise<void>;
}

export interface ClientOptions {
  readonly revision: Revision;
  readonly at: Address;
  /** Answers what the server asks; absent: a client that shows no forms. */
  readonly person?: (asked: Asked) => Promise<Answered> | Answered;
}

interface Wire { onmessage?: ((message: never) => void) | undefined; send(message: never, options?: never): Promise<void> }

/** Keeps all that is sent and heard, whatever carries it. */
function tapped<T extends Wire>(transport: T, heard: string[]): T {
  const send = transport.send.bind(transport);
  transport.send = (message, options) => {
    heard.push(JSON.stringify(message));
    return send(message, options);
  };
  let onmessage: Wire['onmessage'];
  Object.defineProperty(transport, 'onmessage', {
    get: () => onmessage,
    set: (listener: Wire['onmessage']) => {
      // A client that is done with the first question takes its listener away.
      onmessage = listener && ((message: never, ...rest: []) => { heard.push(JSON.stringify(message)); listener(message, ...rest); });
    },
  });
  return transport;
}

const INFO = { name: '3bot-test', version: '1.0.0' };
const LONG_MS = 170_000;

export async function openClient({ revision, at, person }: ClientOptions): Promise<TestClient> {
  const heard: string[] = [];
  const capabilities = person ? { elicitation: { form: {}, url: {} } } : {};
  const answer = async (params: unknown): Promise<Answered> => (person ? person(Asked.parse(params)) : { action: 'cancel' });
  const headers = 'url' in at && at.token !== undefined ? { requestInit: { headers: { authorization: `Bearer ${at.token}` } } } : {};
  const listeners = new Map<string, () => void>();
  const updated = (uri: string): void => { listeners.get(uri)?.(); };
  return revision === '2025-11-25' ? openOld() : openNew();

  async function openOld(): Promise<TestClient> {
    const client = new OldClient(INFO, { capabilities });
    if (person) client.setRequestHandler(ElicitRequestSchema, async ({ params }) => ({ ...(await answer(params)) }));
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => { updated(params.uri); });
    await client.connect(tapped('url' in at ? new OldHttp(new URL(at.url), headers) : new OldStdio({ command: at.command, args: [...at.args], stderr: 'pipe' }), heard));
    return shaped({
      call: (name, args, { progress, signal } = {}) => client.callTool({ name, arguments: args }, undefined, { timeout: LONG_MS, ...(signal && { signal }), ...(progress && { onprogress: ({ message, progress: done }) => { progress(message ?? '', done); } }) }),
      tools: async () => (await client.listTools()).tools,
      read: (uri) => client.readResource({ uri }),
      resources: async () => (await client.listResources()).resources,
      templates: async () => (await client.listResourceTemplates()).resourceTemplates,
      prompt: (name, args) => client.getPrompt({ name, arguments: args }),
      complete: (uri, name, value) => client.complete({ ref: { type: 'ref/resource', uri }, argument: { name, value } }),
      watch: async (uri) => { await client.subscribeResource({ uri }); },
      close: () => client.close(),
    });
  }

  async function openNew(): Promise<TestClient> {
    const client = new NewClient(INFO, { capabilities, versionNegotiation: { mode: { pin: revision } } });
    if (person) client.setRequestHandler('elicitation/create', async ({ params }) => ({ ...(await answer(params)) }));
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => { updated(params.uri); });
    await client.connect(tapped('url' in at ? new NewHttp(new URL(at.url), headers) : new NewStdio({ command: at.command, args: [...at.args], stderr: 'pipe' }), heard));
    return shaped({
      call: (name, args, { progress, signal } = {}) => client.callTool({ name, arguments: args }, { timeout: LONG_MS, ...(signal && { signal }), ...(progress && { onprogress: ({ message, progress: done }) => { progress(message ?? '', done); } }) }),
      tools: async () => (await client.listTools()).tools,
      read: (uri) => client.readResource({ uri }),
      resources: async () => (await client.listResources()).resources,
      templates: async () => (await client.listResourceTemplates()).resourceTemplates,
      prompt: (name, args) => client.getPrompt({ name, arguments: args }),
      complete: (uri, name, value) => client.complete({ ref: { type: 'ref/resource', uri }, argument: { name, value } }),
      watch: async (uri) => { await client.listen({ resourceSubscriptions: [uri] }); },
      close: () => client.close(),
    });
  }

  interface Library {
    call(name: string, args: Record<string, unknown>, options?: CallOptions): Promise<unknown>;
    tools(): Promise<Awaited<ReturnType<TestClient['tools']>>>;
    read(uri: string): Promise<{ contents: unknown[] }>;
    resources(): Promise<{ uri: string }[]>;
    templates(): Promise<{ uriTemplate: string }[]>;
    prompt(name: string, args: Record<string, string>): Promise<{ messages: unknown[] }>;
    complete(uri: string, name: string, value: string): Promise<{ completion: { values: string[] } }>;
    watch(uri: string): Promise<void>;
    close(): Promise<void>;
  }

  function shaped(library: Library): TestClient {
    return {
      revision,
      call: async (tool, args = {}, options = {}) => {
        const { content, structuredContent = {}, isError = false } = Called.parse(await library.call(tool, args, options));
        return { refused: isError, text: content.map(({ text }) => text ?? '').join('\n'), structured: structuredContent };
      },
      tools: () => library.tools(),
      read: async (uri) => {
        const [first] = z.array(z.looseObject({ text: z.string(), mimeType: z.string().optional() })).parse((await library.read(uri)).contents);
        return { text: first?.text ?? '', mimeType: first?.mimeType };
      },
      resources: async () => (await library.resources()).map(({ uri }) => uri),
      templates: async () => (await library.templates()).map(({ uriTemplate }) => uriTemplate),
      prompt: async (name, args) => z.array(z.looseObject({ content: Content })).parse((await library.prompt(name, args)).messages).map(({ content }) => content.text ?? '').join('\n'),
      complete: async (uri, name, value) => (await library.complete(uri, name, value)).completion.values,
      watch: async (uri, listener) => {
        listeners.set(uri, listener);
        await library.watch(uri);
      },
      traffic: () => heard.join('\n'),
      close: () => library.close(),
    };
  }
}
