import { CLIENT_CAPABILITIES_META_KEY, inputRequired, inputResponse, type CallToolResult, type ElicitRequestFormParams, type InputRequests } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { McpCall, McpPrompt, McpTool } from '../../bot/mcp/surface.ts';
import { tool } from './fixture-content.ts';

type Fields = ElicitRequestFormParams['requestedSchema']['properties'];

const text = (value: string): CallToolResult => ({ content: [{ type: 'text', text: value }] });
const form = (message: string, properties: Fields, required: string[] = Object.keys(properties)) => inputRequired.elicit({ message, requestedSchema: { type: 'object', properties, required } });
const sample = (said: string, maxTokens = 100) => inputRequired.createMessage({ messages: [{ role: 'user', content: { type: 'text', text: said } }], maxTokens });
const NAME = form('What is your name?', { name: { type: 'string' } });

/** The answer to a form, as a JSON text; undefined while there is none. */
function answered(call: McpCall, key: string): string | undefined {
  const view = inputResponse(call.answers, key);
  return view.kind === 'elicit' ? `action=${view.action}, content=${JSON.stringify(view.content ?? {})}` : undefined;
}

function field(call: McpCall, key: string, name: string): string | undefined {
  const view = inputResponse(call.answers, key);
  const value = view.kind === 'elicit' && view.action === 'accept' ? view.content?.[name] : undefined;
  return typeof value === 'string' ? value : undefined;
}

function sampled(call: McpCall, key: string): string | undefined {
  const view = inputResponse(call.answers, key);
  return view.kind === 'sampling' ? JSON.stringify(view.result.content) : undefined;
}

function roots(call: McpCall): string | undefined {
  const view = inputResponse(call.answers, 'client_roots');
  return view.kind === 'roots' ? view.roots.map(({ uri }) => uri).join(', ') : undefined;
}

/** Asks once and tells the answer. */
function asking(name: string, requests: (args: Readonly<Record<string, unknown>>, call: McpCall) => InputRequests, told: (call: McpCall) => string | undefined, input?: McpTool['input']): McpTool {
  return tool(name, async (args, call) => {
    const answer = told(call);
    return answer === undefined ? inputRequired({ inputRequests: requests(args, call) }) : text(answer);
  }, input && { input });
}

const Message = z.object({ message: z.string() });
const Prompt = z.object({ prompt: z.string() });
const OPTIONS = ['option1', 'option2', 'option3'];
const titled = (what: string) => ['First', 'Second', 'Third'].map((word, i) => ({ const: `value${i + 1}`, title: `${word} ${what}` }));

/** What a tool can ask: a person by forms, a model, the client's folders; in one round or several. */
export const roundTools: readonly McpTool[] = [
  asking('test_elicitation', (args) => ({ answer: form(Message.parse(args).message, { username: { type: 'string', description: 'User\'s response' }, email: { type: 'string', description: 'User\'s email address' } }) }), (call) => prefixed('User response: ', answered(call, 'answer')), Message),
  asking('test_sampling', (args) => ({ answer: sample(Prompt.parse(args).prompt) }), (call) => prefixed('LLM response: ', sampled(call, 'answer')), Prompt),
  asking('test_elicitation_sep1034_defaults', () => ({
    answer: form('Please review the fields', {
      name: { type: 'string', default: 'John Doe' }, age: { type: 'integer', default: 30 }, score: { type: 'number', default: 95.5 },
      status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' }, verified: { type: 'boolean', default: true },
    }, []),
  }), (call) => prefixed('Elicitation completed: ', answered(call, 'answer'))),
  asking('test_elicitation_sep1330_enums', () => ({
    answer: form('Please select', {
      untitledSingle: { type: 'string', enum: OPTIONS },
      titledSingle: { type: 'string', oneOf: titled('Option') },
      legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['Option One', 'Option Two', 'Option Three'] },
      untitledMulti: { type: 'array', minItems: 1, maxItems: 3, items: { type: 'string', enum: OPTIONS } },
      titledMulti: { type: 'array', minItems: 1, maxItems: 3, items: { anyOf: titled('Choice') } },
    }, []),
  }), (call) => prefixed('Elicitation completed: ', answered(call, 'answer'))),
  asking('test_missing_capability', () => ({ answer: sample('Say yes') }), (call) => sampled(call, 'answer')),
  asking('test_streaming_elicitation', () => ({ user_name: NAME }), (call) => field(call, 'user_name', 'name')),
  asking('test_input_required_result_elicitation', () => ({ user_name: NAME }), (call) => prefixed('Hello, ', field(call, 'user_name', 'name'))),
  asking('test_input_required_result_sampling', () => ({ capital_question: sample('What is the capital of France?') }), (call) => sampled(call, 'capital_question')),
  asking('test_input_required_result_list_roots', () => ({ client_roots: inputRequired.listRoots() }), roots),
  asking('test_input_required_result_capabilities', (_, { raw }) => {
    const said: Readonly<Record<string, unknown>> = raw.mcpReq.envelope ?? {};
    const can = z.looseObject({}).catch({}).parse(said[CLIENT_CAPABILITIES_META_KEY]);
    return { ...('elicitation' in can && { user_name: NAME }), ...('sampling' in can && { capital_question: sample('What is the capital of France?') }), ...('roots' in can && { client_roots: inputRequired.listRoots() }) };
  }, (call) => field(call, 'user_name', 'name') ?? sampled(call, 'capital_question') ?? roots(call)),
  tool('test_input_required_result_multiple_inputs', async (_, call) => {
    const all = [field(call, 'user_name', 'name'), sampled(call, 'greeting'), roots(call)];
    if (call.sealed() === 'all' && !all.includes(undefined)) return text(all.join('; '));
    return inputRequired({ inputRequests: { user_name: NAME, greeting: sample('Generate a greeting', 50), client_roots: inputRequired.listRoots() }, requestState: await call.seal('all') });
  }),
  tool('test_input_required_result_multi_round', async (_, call) => {
    if (call.sealed() === 'two' && field(call, 'step2', 'color') !== undefined) return text(`It is ${field(call, 'step2', 'color')}.`);
    if (call.sealed() === 'one' && field(call, 'step1', 'name') !== undefined) return inputRequired({ inputRequests: { step2: form('Step 2: What is your favorite color?', { color: { type: 'string' } }) }, requestState: await call.seal('two') });
    return inputRequired({ inputRequests: { step1: form('Step 1: What is your name?', { name: { type: 'string' } }) }, requestState: await call.seal('one') });
  }),
  ...['test_input_required_result_request_state', 'test_input_required_result_tampered_state'].map((name) => tool(name, async (_, call) => {
    if (call.sealed() === 'asked' && answered(call, 'confirm') !== undefined) return text('state-ok');
    return inputRequired({ inputRequests: { confirm: form('Please confirm', { ok: { type: 'boolean' } }) }, requestState: await call.seal('asked') });
  })),
];

export const roundPrompts: readonly McpPrompt[] = [{
  name: 'test_input_required_result_prompt', title: 'A prompt that asks', description: 'Conformance: a prompt that asks.',
  get: async (_, call) => {
    const context = field(call, 'user_context', 'context');
    if (context === undefined) return inputRequired({ inputRequests: { user_context: form('What context should the prompt use?', { context: { type: 'string' } }) } });
    return { messages: [{ role: 'user', content: { type: 'text', text: `Context: ${context}` } }] };
  },
}];

function prefixed(before: string, value: string | undefined): string | undefined {
  return value === undefined ? undefined : `${before}${value}`;
}
