// The only file that loads LangChain, when a model is asked for the first time. By import() as it runs: in a bundle of one file, other imports of packages are hoisted to its start.
import type { AIMessage, BaseMessage } from '@langchain/core/messages';
import { GARBLED } from './answer-format.ts';
import { type TurnBudget, estimateTokens } from './budget.ts';
import { BudgetSpent, causeOf, ModelFailure } from './failure.ts';
import { type Said, SYSTEM_PROMPT } from './prompt.ts';
import type { ModelSettings } from './settings.ts';
import { answerCall, declareTools, type ToolTurn } from './tools.ts';
import { createTransport } from './transport.ts';

export interface AgentTurn {
  readonly messages: readonly Said[];
  readonly tools: ToolTurn;
  readonly budget: TurnBudget;
  readonly signal: AbortSignal;
  /** A piece of the model's words. */
  readonly onPiece: (piece: string) => void;
  /** A message of the model is whole. */
  readonly onMessage: () => void;
}

export interface Agent {
  /** Lets the model answer, with tools, until it has nothing more to call. Throws ModelFailure, BudgetSpent, or the signal's reason. */
  run(turn: AgentTurn): Promise<void>;
}

/** What the hooks below need to know of the turn that calls them. */
interface Running {
  readonly turn: AgentTurn;
  readonly stop: AbortController;
  /** The person's, or ours. */
  readonly signal: AbortSignal;
  /** Calls run one after the other, in the order the model made them. */
  queue: Promise<unknown>;
  remainingMs: number;
}

/** Variables by which LangChain would send conversations to its makers' service, or print them. */
const TELLTALES = ['LANGSMITH_TRACING', 'LANGSMITH_TRACING_V2', 'LANGCHAIN_TRACING', 'LANGCHAIN_TRACING_V2', 'LANGCHAIN_VERBOSE'];

export async function openAgent(settings: ModelSettings): Promise<Agent> {
  for (const name of TELLTALES) Reflect.deleteProperty(process.env, name);
  const [{ AIMessage, HumanMessage, SystemMessage, ToolMessage }, { ChatOpenAI, convertMessagesToCompletionsMessageParams }, { createAgent, createMiddleware }] = await Promise.all([import('@langchain/core/messages'), import('@langchain/openai'), import('langchain')]);

  const transport = createTransport(settings);
  // Says what a request looks like, for this model; what it would send by itself goes nowhere, since a client, its queue and its events cost more than the rest of a turn.
  const model = new ChatOpenAI({
    model: settings.model,
    useResponsesApi: false,
    apiKey: 'none',
    maxTokens: settings.maxAnswerTokens,
    streaming: settings.stream,
    ...(settings.temperature !== null && { temperature: settings.temperature }),
    configuration: { baseURL: settings.baseUrl, fetch: () => Promise.reject(new ModelFailure('refused', 'a request past the transport')), logLevel: 'off', organization: null, project: null },
  });
  const declared = declareTools().map((tool) => ({ ...tool }));
  // The same in every request: tools, limits.
  const head = JSON.stringify({ ...model.invocationParams({ tools: declared }), stream: settings.stream }).slice(0, -1);
  const bodyFor = (messages: BaseMessage[]): string => `${head},"messages":${JSON.stringify(convertMessagesToCompletionsMessageParams({ messages, model: settings.model }))}}`;

  const hooks = createMiddleware({
    name: 'turn',
    wrapModelCall: async (request) => {
      const running = runningOf(request.runtime.configurable);
      const { budget } = running.turn;
      budget.begin(promptTokens(request.messages));
      const began = performance.now();
      const timer = setTimeout(() => { running.stop.abort(new BudgetSpent('time')); }, Math.max(0, running.remainingMs));
      try {
        const { text, calls, tokens } = await transport(bodyFor([request.systemMessage, ...request.messages.map((message) => unnamed(message, AIMessage))]), {
          signal: running.signal,
          onText: (piece) => {
            budget.grow(piece);
            running.turn.onPiece(piece);
          },
        });
        if (text.trim() === '' && calls.length === 0) throw new ModelFailure('garbled', 'its answer is empty');
        for (const { args } of calls) budget.grow(JSON.stringify(args));
        budget.end(tokens);
        running.turn.onMessage();
        // Without an id, by which it could replace an earlier one.
        return new AIMessage({ content: text, tool_calls: calls.map((call) => ({ ...call, type: 'tool_call' as const })) });
      } finally {
        clearTimeout(timer);
        running.remainingMs -= performance.now() - began;
      }
    },
    wrapToolCall: async ({ toolCall, runtime }) => {
      const running = runningOf(runtime.configurable);
      const { id = '', name } = toolCall;
      const args = toolCall.args as Record<string, unknown>;
      const answered = running.queue.then(() => answerCall(running.turn.tools, { name, input: GARBLED in args ? undefined : args }));
      running.queue = answered.catch(() => undefined);
      return new ToolMessage({ content: await answered, tool_call_id: id, name: name.slice(0, 64) });
    },
  });
  // Declared, not bound to functions: every call goes through the hook, a forbidden or invented one too.
  const agent = createAgent({
    model, tools: declared,
    // As a message its content stays one text, which every server takes.
    systemPrompt: new SystemMessage(SYSTEM_PROMPT), middleware: [hooks],
  });

  return {
    run: async (turn) => {
      const stop = new AbortController();
      const signal = AbortSignal.any([turn.signal, stop.signal]);
      const running: Running = { turn, stop, signal, queue: Promise.resolve(), remainingMs: settings.turnSeconds * 1000 };
      try {
        const said = turn.messages.map(({ from, text }) => (from === 'person' ? new HumanMessage(text) : new AIMessage(text)));
        await agent.invoke({ messages: said }, { signal, configurable: { running }, recursionLimit: 2 * settings.maxSteps + 10 });
      } catch (error) {
        // Whatever still runs of it ends with the turn.
        stop.abort(error);
        turn.signal.throwIfAborted();
        throw causeOf(stop.signal.reason) ?? causeOf(error) ?? new ModelFailure('garbled', 'its answer cannot be used');
      }
    },
  };
}

function isAnswer(message: BaseMessage): message is AIMessage {
  return message.getType() === 'ai';
}

function runningOf(configurable: unknown): Running {
  if (typeof configurable === 'object' && configurable !== null && 'running' in configurable) return configurable.running as Running;
  throw new Error('the agent was called outside a turn');
}

/** LangChain names its answers after the agent; some servers take no names. */
function unnamed(message: BaseMessage, Message: typeof AIMessage): BaseMessage {
  if (!isAnswer(message) || message.name === undefined) return message;
  return new Message({ content: message.content, tool_calls: message.tool_calls ?? [] });
}

function textOf({ content }: BaseMessage): string {
  return typeof content === 'string' ? content : content.map((block) => (block.type === 'text' && typeof block['text'] === 'string' ? block['text'] : '')).join('');
}

const TOOLS_TOKENS = estimateTokens(JSON.stringify(declareTools()) + SYSTEM_PROMPT);

function promptTokens(messages: readonly BaseMessage[]): number {
  return TOOLS_TOKENS + messages.reduce((sum, message) => sum + estimateTokens(textOf(message)), 0);
}
