import {
  type CallToolResult, CLIENT_CAPABILITIES_META_KEY, createRequestStateCodec, type InputRequiredResult, isInputRequiredResult, McpServer, ProtocolError, ProtocolErrorCode, requireScopes, type ServerContext, type Variables,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { clean, cleanText } from './clean.ts';
import { describeFailure, refused } from './refusal.ts';
import type { Abilities, Change, McpCall, McpTool, Surface } from './surface.ts';

/** Members and elements that the arguments of one call may have. */
const MAX_ARGUMENT_ELEMENTS = 2000;
const MAX_SUBSCRIPTIONS = 256;
const Elicitation = z.object({ elicitation: z.object({ form: z.looseObject({}).optional(), url: z.looseObject({}).optional() }).optional() });
/** How long a person may take to fill in a form. */
const ANSWER_MS = 600_000;

/** What all sessions of one process share. */
export interface Dispatch {
  readonly surface: Surface;
  /** At least 32 random bytes: seals what goes through the client from one round of a call to the next. */
  readonly key: Uint8Array;
  readonly log: (line: string) => void;
}

/** One connection's server, and how it is told that something changed. */
export interface Session {
  readonly server: McpServer;
  readonly announce: (change: Change) => void;
}

/**
 * Makes the server of one connection, session or request: the only place where calls are dispatched, whatever surface is
 * served over whatever transport. `visitor` names whose session it is.
 */
export function createSession({ surface, key, log }: Dispatch, { visitor, era }: { readonly visitor: string; readonly era: 'legacy' | 'modern' }): Session {
  const codec = createRequestStateCodec({ key, ttlSeconds: ANSWER_MS / 1000, bind: (ctx) => [ctx.mcpReq.method, visitor, ctx.http?.authInfo?.clientId ?? ''].join('\0') });
  const server = new McpServer(surface.info, {
    capabilities: { tools: { listChanged: true }, resources: { listChanged: true, subscribe: true }, prompts: { listChanged: true }, completions: {}, ...(surface.logging && { logging: {} }) },
    ...(surface.instructions !== undefined && { instructions: surface.instructions }),
    requestState: { verify: (state, ctx) => codec.verify(state, ctx) },
    inputRequired: { roundTimeoutMs: ANSWER_MS },
    maxToolInputElements: MAX_ARGUMENT_ELEMENTS,
  });
  const callOf = (ctx: ServerContext): McpCall => ({
    visitor,
    abilities: abilitiesOf(server, ctx),
    signal: ctx.mcpReq.signal,
    progress: progressOf(ctx),
    seal: (state) => codec.mint(state, ctx),
    sealed: () => ctx.mcpReq.requestState(),
    answers: ctx.mcpReq.inputResponses,
    auth: ctx.http?.authInfo,
    raw: ctx,
  });
  for (const tool of surface.tools) registerTool(server, tool, { callOf, log });
  for (const resource of surface.resources) {
    const { name, uri, about } = resource;
    const answer = async (at: URL, variables: Variables, ctx: ServerContext) => clean(await resource.read(at, variables, callOf(ctx)));
    const scope = { scopeChallenge: requireScopes('read') };
    if (typeof uri === 'string') server.registerResource(name, uri, { ...about, ...scope }, (at, ctx) => answer(at, {}, ctx));
    else server.registerResource(name, uri, { ...about, ...scope }, answer);
  }
  for (const prompt of surface.prompts) {
    const { name, title, description, args } = prompt;
    const about = { title, description, scopeChallenge: requireScopes('read') };
    if (args === undefined) server.registerPrompt(name, about, async (ctx) => prompt.get({}, callOf(ctx)));
    else server.registerPrompt(name, { ...about, argsSchema: args }, async (given, ctx) => prompt.get(given as Record<string, unknown>, callOf(ctx)));
  }
  return { server, announce: announcer(server, era, log) };
}

function registerTool(server: McpServer, tool: McpTool, { callOf, log }: { readonly callOf: (ctx: ServerContext) => McpCall; readonly log: (line: string) => void }): void {
  const { name, title, description, annotations, input, output, scope } = tool;
  const run = async (args: unknown, ctx: ServerContext): Promise<CallToolResult | InputRequiredResult> => {
    const call = callOf(ctx);
    // The transport has asked for the scope already; where that gate is left out, the call still ends here.
    if (call.auth && !call.auth.scopes.includes(scope)) return refused({ code: 'scope_missing', message: `${name} needs a token with the scope ${scope}`, hint: 'connect with another token' });
    try {
      const result = await tool.run(args as Record<string, unknown>, call);
      return isInputRequiredResult(result) ? result : clean(result);
    } catch (error) {
      if (error instanceof ProtocolError || call.signal.aborted) throw error;
      return refused(describeFailure(error, (line) => { log(`${name}: ${line}`); }));
    }
  };
  const about = { title, description, scopeChallenge: requireScopes(scope), ...(annotations && { annotations }), ...(output && { outputSchema: output }) };
  if (input === undefined) server.registerTool(name, about, (ctx) => run({}, ctx));
  else server.registerTool(name, { ...about, inputSchema: input }, run);
}

/** In the newer revision each request says what its client can do, in the older one the first message of the session did. */
function abilitiesOf(server: McpServer, ctx: ServerContext): Abilities {
  const said: Readonly<Record<string, unknown>> | undefined = ctx.mcpReq.envelope;
  const declared = Elicitation.safeParse(said?.[CLIENT_CAPABILITIES_META_KEY] ?? server.server.getClientCapabilities());
  const elicitation = declared.data?.elicitation;
  if (!elicitation) return { form: false, url: false };
  // Before there were two ways to ask, an empty object meant forms.
  return { form: elicitation.form !== undefined || elicitation.url === undefined, url: elicitation.url !== undefined };
}

function progressOf({ mcpReq }: ServerContext): McpCall['progress'] {
  const token = mcpReq._meta?.progressToken;
  let last = -1;
  return (message, done = 0, total) => {
    if (token === undefined || mcpReq.signal.aborted) return;
    // It must grow with every message, also while nothing but the message has changed.
    last = done > last ? done : last + 0.001;
    mcpReq.notify({ method: 'notifications/progress', params: { progressToken: token, progress: last, message: cleanText(message), ...(total !== undefined && total >= last && { total }) } }).catch(() => undefined);
  };
}

/** The older revision is told of resources that it subscribed to; in the newer one the transport knows who listens to what. */
function announcer(server: McpServer, era: 'legacy' | 'modern', log: (line: string) => void): Session['announce'] {
  const subscribed = new Set<string>();
  if (era === 'legacy') {
    server.server.setRequestHandler('resources/subscribe', ({ params: { uri } }) => {
      if (subscribed.size >= MAX_SUBSCRIPTIONS) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `a session watches ${MAX_SUBSCRIPTIONS} resources at most`);
      subscribed.add(uri);
      return {};
    });
    server.server.setRequestHandler('resources/unsubscribe', ({ params: { uri } }) => {
      subscribed.delete(uri);
      return {};
    });
  }
  const send = async (change: Change): Promise<void> => {
    switch (change.kind) {
      case 'resource': return era === 'modern' || subscribed.has(change.uri) ? server.server.sendResourceUpdated({ uri: change.uri }) : undefined;
      case 'resources': return server.server.sendResourceListChanged();
      case 'tools': return server.server.sendToolListChanged();
      case 'prompts': return server.server.sendPromptListChanged();
    }
  };
  return (change) => {
    if (server.isConnected()) send(change).catch((error: unknown) => { log(`could not tell of a change: ${error instanceof Error ? error.message : String(error)}`); });
  };
}
