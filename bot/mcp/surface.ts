import type {
  AuthInfo, CallToolResult, GetPromptResult, Implementation, InputRequiredResult, ReadResourceResult, ResourceMetadata, ResourceTemplate, ServerContext, StandardSchemaWithJSON, ToolAnnotations, Variables,
} from '@modelcontextprotocol/server';

/** What a token may do here: look, or also register and take back proposals. */
export const SCOPES = ['read', 'propose'] as const;
export type Scope = (typeof SCOPES)[number];

/** What the program at the other end can ask its person. */
export interface Abilities {
  /** Fields to fill in, and yes or no. */
  readonly form: boolean;
  /** A page to open. */
  readonly url: boolean;
}

/** One call of a tool, a resource or a prompt. */
export interface McpCall {
  /** Whose session this is: plans that were shown belong to it. */
  readonly visitor: string;
  readonly abilities: Abilities;
  readonly signal: AbortSignal;
  /** Reaches whoever asked for progress; dropped where nobody did. */
  readonly progress: (message: string, done?: number, total?: number) => void;
  /** Seals what the next round of this call is to know; nobody else can make it, and it ends after ten minutes. */
  readonly seal: (state: unknown) => Promise<string>;
  /** What an earlier round of this call sealed; undefined in the first round. */
  readonly sealed: () => unknown;
  /** Answers of the person to what the round before asked: the client's word. */
  readonly answers: Readonly<Record<string, unknown>> | undefined;
  readonly auth: AuthInfo | undefined;
  readonly raw: ServerContext;
}

export interface McpTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input?: StandardSchemaWithJSON;
  readonly output?: StandardSchemaWithJSON;
  readonly annotations?: ToolAnnotations;
  readonly scope: Scope;
  run(args: Readonly<Record<string, unknown>>, call: McpCall): Promise<CallToolResult | InputRequiredResult>;
}

export interface McpResource {
  readonly name: string;
  readonly uri: string | ResourceTemplate;
  readonly about: ResourceMetadata;
  /** @throws ResourceNotFoundError */
  read(uri: URL, variables: Variables, call: McpCall): Promise<ReadResourceResult | InputRequiredResult>;
}

export interface McpPrompt {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly args?: StandardSchemaWithJSON;
  get(args: Readonly<Record<string, unknown>>, call: McpCall): Promise<GetPromptResult | InputRequiredResult>;
}

/** Something that a client may have looked at is another now. */
export type Change = { readonly kind: 'resource'; readonly uri: string } | { readonly kind: 'resources' } | { readonly kind: 'tools' } | { readonly kind: 'prompts' };

/** All that a server offers, whatever it is spoken to over. */
export interface Surface {
  readonly info: Implementation;
  readonly instructions?: string;
  readonly tools: readonly McpTool[];
  readonly resources: readonly McpResource[];
  readonly prompts: readonly McpPrompt[];
  /** Sends log messages to clients of the older revision; deprecated since. */
  readonly logging?: boolean;
  /** Calls the listener until the returned function is called. */
  watch?(listener: (change: Change) => void): () => void;
}
