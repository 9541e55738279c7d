import { z } from 'zod';
import { toolsFor } from '../../tools/catalogue.ts';
import { takesToken } from './access.ts';
import { ConversationDocument, ListedDocument, NewConversation, RefusalDocument, ReplyDocument, Say } from './documents.ts';

type JsonSchema = Readonly<Record<string, unknown>>;

const REFUSAL = { $ref: '#/components/schemas/Refusal' } as const;
const TOKEN = [{ token: [] }];
const ID = { name: 'id', in: 'path', required: true, schema: { type: 'string', pattern: '^[0-9a-f]{16}$' } } as const;

function schemaOf(type: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(type, { target: 'draft-2020-12', io });
  return schema;
}

const json = (schema: object): object => ({ 'application/json': { schema } });
/** What a success holds, beside `ok: true`. */
const success = (shape: z.ZodRawShape): JsonSchema => schemaOf(z.object({ ok: z.literal(true), ...shape }), 'output');
const answered = (description: string, shape: z.ZodRawShape): object => ({ description, content: json({ oneOf: [success(shape), REFUSAL] }) });
const refused = (description: string): object => ({ description, content: json(REFUSAL) });

/** The description of this API in OpenAPI 3.1, made from the schemas that it checks by. */
export function openApi(url: string): object {
  const denied = refused('The token is missing or wrong.');
  const tools = Object.fromEntries(toolsFor('http').map((tool) => [`/v1/tools/${tool.name}`, {
    post: {
      operationId: tool.name, summary: tool.title, description: tool.description, tags: ['tools'],
      ...(takesToken(tool) && { security: TOKEN }),
      requestBody: { required: true, content: json(schemaOf(tool.input, 'input')) },
      responses: { 200: answered('Done, or an expected refusal.', tool.output.shape), 400: refused('The input does not fit.'), ...(takesToken(tool) && { 401: denied }), 415: refused('The body is not application/json.'), 429: refused('Too many requests on this connection, without the token.'), 503: refused('Too many requests at once, without the token.') },
    },
  }]));
  const unknown = refused('There is no such conversation.');
  return {
    openapi: '3.1.0',
    info: { title: '3bot', version: '1', description: 'The bot of one person, on loopback. What changes anything or waits, and conversations, take the bearer token of the state folder (bot/token).', license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url }],
    paths: {
      '/v1/status': { get: { operationId: 'status', summary: 'How the bot stands', tags: ['bot'], responses: { 200: { description: 'The bot follows its ledger.', content: json({ type: 'object' }) }, 503: { description: 'It has stopped following.', content: json({ type: 'object' }) } } } },
      '/v1/openapi.json': { get: { operationId: 'openapi', summary: 'This document', tags: ['bot'], responses: { 200: { description: 'OpenAPI 3.1.', content: json({ type: 'object' }) } } } },
      ...tools,
      '/v1/conversations': {
        post: { operationId: 'begin_conversation', summary: 'Begin a conversation', tags: ['conversations'], security: TOKEN, requestBody: { required: false, content: json(schemaOf(NewConversation, 'input')) }, responses: { 201: { description: 'Begun.', content: json(success({ id: z.string() })) }, 401: denied } },
        get: { operationId: 'list_conversations', summary: 'List conversations, newest first', tags: ['conversations'], security: TOKEN, responses: { 200: { description: 'At most 50 of them.', content: json(success({ conversations: z.array(ListedDocument) })) }, 401: denied } },
      },
      '/v1/conversations/{id}': {
        parameters: [ID],
        get: { operationId: 'read_conversation', summary: 'Read a conversation', tags: ['conversations'], security: TOKEN, responses: { 200: { description: 'The conversation.', content: json(success({ conversation: ConversationDocument })) }, 401: denied, 404: unknown } },
        delete: { operationId: 'forget_conversation', summary: 'Forget a conversation', tags: ['conversations'], security: TOKEN, responses: { 200: { description: 'Forgotten.', content: json(success({ id: z.string() })) }, 401: denied, 404: unknown } },
      },
      '/v1/conversations/{id}/messages': {
        parameters: [ID],
        post: {
          operationId: 'say', summary: 'Say something', tags: ['conversations'], security: TOKEN,
          description: 'Answers with JSON, or, when `Accept: text/event-stream` asks for it, with events `progress`, `text`, and at the end `reply` or `error`. A proposal is made only by a yes to the plan that the reply before has shown, and whose `turn` the message names as `seen`.',
          requestBody: { required: true, content: json(schemaOf(Say, 'input')) },
          responses: { 200: { description: 'The reply.', content: { ...json(success({ reply: ReplyDocument })), 'text/event-stream': { schema: { type: 'string' } } } }, 400: refused('The message does not fit.'), 401: denied, 404: unknown, 409: refused('The message before is not answered yet.'), 429: refused('Too many messages wait for an answer.') },
        },
      },
      '/v1/conversations/{id}/live': {
        parameters: [ID],
        get: { operationId: 'live', summary: 'A WebSocket of this conversation', tags: ['conversations'], security: TOKEN, description: 'In: {"type":"say","text","seen"} and {"type":"stop"}. Out: {"type":"ready"|"progress"|"text"|"reply"|"error", …}.', responses: { 101: { description: 'Switching protocols.' }, 401: denied, 404: unknown } },
      },
    },
    components: { schemas: { Refusal: schemaOf(RefusalDocument, 'output') }, securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  };
}
