import type { Answerer } from '../../bot/chat/conversation.ts';
import { createModelAnswerer } from '../../bot/chat/model/answerer.ts';
import { type ModelSettings, readModelSettings } from '../../bot/chat/model/settings.ts';
import type { ToolContext } from '../../bot/tools/tool.ts';
import { competentAnswer } from './competent.ts';
import type { Answer } from './protocol.ts';
import { type ModelServer, startModelServer } from './server.ts';

/** What a script says that the model does next: one call, or the words that end its answer. */
export type ScriptedLine = { readonly tool: string; readonly input: object } | { readonly text: string };

export interface CompetentModel {
  readonly server: ModelServer;
  readonly answererOf: (context: ToolContext, dialogue: Answerer) => Answerer;
  /** The model's next answers, instead of its own rules. */
  readonly script: (lines: readonly ScriptedLine[]) => void;
  close(): Promise<void>;
}

/** Settings for a scripted server, read as a person's are. */
export async function settingsFor(url: string, changes: Partial<ModelSettings> = {}, key?: string): Promise<ModelSettings> {
  const read = await readModelSettings({ file: '/nonexistent/model.json', env: { THREEBOT_MODEL_URL: url, THREEBOT_MODEL_NAME: 'scripted', ...(key !== undefined && { THREEBOT_MODEL_KEY: key }) } });
  if (!read.ok || !read.settings) throw new Error('the settings of the scripted server were refused');
  return { ...read.settings, ...changes };
}

/** A scripted model on a real server, and answerers that ask it: the same conversation scripts run with the dialogue and with this. */
export async function startCompetentModel(): Promise<CompetentModel> {
  const queue: Answer[] = [];
  const server = await startModelServer({ answer: (request) => queue.shift() ?? competentAnswer(request) });
  const settings = await settingsFor(server.url, { restSeconds: 0 });
  return {
    server,
    answererOf: (context, dialogue) => createModelAnswerer({ context, dialogue, settings }),
    script: (lines) => { queue.push(...lines.map((line) => ('text' in line ? { text: line.text } : { calls: [{ name: line.tool, arguments: line.input }] }))); },
    close: () => server.close(),
  };
}
