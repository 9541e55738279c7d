import type { ToolContext } from '../../tools/tool.ts';
import type { Answerer, Reply, Turn } from '../conversation.ts';
import { isDecision } from '../dialogue/acts.ts';
import { rowLines } from '../dialogue/compare.ts';
import { changeLines } from '../dialogue/drafting.ts';
import { languageOf } from '../dialogue/language.ts';
import { planLines, proposeQuestion } from '../dialogue/plan-text.ts';
import { sayIn } from '../dialogue/words/messages.ts';
import type { Agent } from './agent.ts';
import { Breaker } from './breaker.ts';
import { ConversationTokens, TurnBudget } from './budget.ts';
import { BudgetSpent, causeOf, ModelFailure } from './failure.ts';
import { messagesFor } from './prompt.ts';
import { TurnRecord, withoutPlan } from './record.ts';
import type { ModelSettings } from './settings.ts';
import { Speaker } from './speaker.ts';
import { statusLine } from './status.ts';
import { WORDING } from './wording.ts';

export interface ModelAnswererOptions {
  readonly context: ToolContext;
  /** Decides what changes anything, and answers when the model does not. */
  readonly dialogue: Answerer;
  readonly settings: ModelSettings;
  /** Monotonic clock in ms, for the time that a failed model is left alone. */
  readonly now?: () => number;
}

/**
 * Answers with a language model. The model chooses among the tools of its surface and says something; draft, plan, price and
 * status in the reply come from what the tools gave and from the ledger. A yes, a no and whatever else changes something never
 * reaches it.
 */
export function createModelAnswerer({ context, dialogue, settings, now }: ModelAnswererOptions): Answerer {
  const breaker = new Breaker({ restMs: settings.restSeconds * 1000, ...(now && { now }) });
  const tokens = new ConversationTokens();
  let opened: Promise<Agent> | undefined;
  const agent = (): Promise<Agent> => (opened ??= import('./agent.ts').then(({ openAgent }) => openAgent(settings)).catch(() => { throw new ModelFailure('failed', 'its libraries cannot be loaded'); }));

  return {
    reply: async (turn) => {
      if (isDecision(turn)) return dialogue.reply(turn);
      const { conversation, text, signal } = turn;
      const language = languageOf(conversation, text);
      const used = tokens.of(conversation.id, conversation.messages);
      if (used >= settings.maxConversationTokens) return fallBack(turn, { dialogue, language, why: 'this conversation has used up its tokens' });
      if (!breaker.enter()) return fallBack(turn, { dialogue, language, why: 'it failed a moment ago' });

      const record = new TurnRecord(context, conversation);
      const said = [text, ...conversation.messages.map((message) => message.text)].join('\n').toLowerCase();
      const speaker = new Speaker({ onText: turn.onText, seen: (word) => record.told(word.toLowerCase()) || said.includes(word.toLowerCase()) });
      const budget = new TurnBudget({ steps: settings.maxSteps, tokens: Math.min(settings.maxTurnTokens, settings.maxConversationTokens - used) });
      let stopped: string | undefined;
      try {
        await (await agent()).run({
          messages: messagesFor({ context, conversation, text, language, historyTokens: settings.historyTokens }),
          tools: { context, record, signal, onProgress: turn.onProgress },
          budget, signal,
          onPiece: (piece) => { speaker.model(piece); },
          onMessage: () => { speaker.pause(); },
        });
        breaker.worked();
      } catch (error) {
        if (signal.aborted) return ended(turn, speaker, language);
        const cause = causeOf(error);
        if (!cause) throw error;
        // Slow or talkative is not dead; but who has no plan to show gets an answer from the dialogue.
        if (cause instanceof BudgetSpent && cause.budget !== 'time') breaker.worked();
        else breaker.failed();
        speaker.pause();
        if (!record.shown) return await fallBack(turn, { dialogue, language, why: cause.message, speaker });
        stopped = cause.message;
      } finally {
        tokens.set(conversation.id, used + budget.used);
      }
      return await compose(turn, { context, record, speaker, language, stopped });
    },
  };
}

const QUESTION = /[?？؟]/;

type Language = ReturnType<typeof languageOf>;

/** Under the model's words: the plan that was made, as we show it, and what the ledger says. */
async function compose(turn: Turn, { context, record, speaker, language, stopped }: { context: ToolContext; record: TurnRecord; speaker: Speaker; language: Language; stopped: string | undefined }): Promise<Reply> {
  if (stopped !== undefined) speaker.paragraph(WORDING[language].stopped(stopped));
  const { shown, compared, offered } = record;
  const asked = QUESTION.test(speaker.text);
  if (compared) {
    const say = sayIn(language);
    speaker.paragraph([say('compared'), ...rowLines(say, compared), ...(offered.length === 0 ? [] : ['', say(offered.length === 1 ? 'take_one' : 'take_which')])].join('\n'));
  }
  if (shown) {
    const blueprint = context.library.find((entry) => entry.blueprint.blueprint === shown.blueprint.name)?.blueprint;
    const update = shown.supersedes !== undefined;
    const changes = update ? await changeLines({ context, turn, text: turn.text, language, say: sayIn(language) }, shown.plan) : [];
    speaker.paragraph([...planLines(shown, language, blueprint), ...changes, '', proposeQuestion(language, update)].join('\n'));
  }
  // Whatever the calls of this turn were: a plan of it that is not shown here cannot be agreed to.
  const plan = record.draft?.plan;
  if (plan !== shown?.plan && plan !== turn.conversation.draft?.plan) record.dropPlan();
  // A yes means what was shown before only where it cannot mean anything else, and where that can be named again.
  if (!shown && offered.length === 0 && (asked || (record.draft?.plan !== undefined && !context.plans.get(record.draft.plan)))) record.dropPlan();
  speaker.paragraph(statusLine(context, record, language));
  return { text: speaker.text, draft: record.draft, contract: record.contract, by: 'model', ...(shown && { plan: shown.plan }), ...(offered.length > 0 && { choices: offered.map(({ label }) => label) }) };
}

/** What was there before the turn stays; nothing that the model was shown to do in it counts. */
function ended({ conversation: { draft, contract } }: Turn, speaker: Speaker, language: Language): Reply {
  const asked = QUESTION.test(speaker.text);
  speaker.paragraph(WORDING[language].ended);
  return { text: speaker.text, draft: asked && draft ? withoutPlan(draft) : draft, contract, by: 'model' };
}

/** The dialogue's answer to the same message, after a word on why; what the model had said already stays, since it was seen. */
async function fallBack(turn: Turn, { dialogue, language, why, speaker = new Speaker({ onText: turn.onText, seen: () => true }) }: { dialogue: Answerer; language: Language; why: string; speaker?: Speaker }): Promise<Reply> {
  speaker.paragraph(WORDING[language].fallback(why));
  const reply = await dialogue.reply({ ...turn, onText: () => undefined });
  speaker.paragraph(reply.text);
  return { ...reply, text: speaker.text, by: 'fallback' };
}
