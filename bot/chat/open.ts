import { closeSync, openSync, renameSync } from 'node:fs';
import type { BotContext } from '../context.ts';
import { PlanStore } from '../tools/plan-store.ts';
import { type ToolContext, toolContextOf } from '../tools/tool.ts';
import type { Answerer } from './conversation.ts';
import { createDialogue } from './dialogue/dialogue.ts';
import { type Memory, openMemory } from './memory.ts';
import { readModelSettings } from './model/settings.ts';
import { createSession, type Session } from './session.ts';

export interface Chat {
  readonly session: Session;
  /** For tools that are called over HTTP, with plans of their own. */
  readonly tools: ToolContext;
  /** Tells where the signing page is, once that is known. */
  serveAt(url: string): void;
}

export interface OpenChatOptions {
  /** Where conversations are kept. */
  readonly file: string;
  /** Settings of a language model; without it, and without THREEBOT_MODEL_URL, the dialogue answers. */
  readonly modelFile: string;
  readonly env: NodeJS.ProcessEnv;
  readonly warn: (text: string) => void;
}

/** Everything that a bot converses with. A language model is loaded only where one is set. */
export async function openChat(context: BotContext, { file, modelFile, env, warn }: OpenChatOptions): Promise<Chat> {
  let url = '';
  // Each sees the one bot as it is: its library is replaced when authors publish more.
  const view = (): ToolContext => toolContextOf(Object.create(context) as BotContext, { plans: new PlanStore(), signUrl: (contract) => `${url}/sign#${contract}` });
  const talking = view();
  const dialogue = createDialogue(talking);
  const memory = openKept(file, warn);
  const settings = await readModelSettings({ file: modelFile, env });
  if (!settings.ok) warn(`language model: ${settings.message} (${settings.code})${settings.hint === undefined ? '' : `; ${settings.hint}`}`);
  const answerer: Answerer = settings.ok && settings.settings ? (await import('./model/answerer.ts')).createModelAnswerer({ context: talking, dialogue, settings: settings.settings }) : dialogue;
  return { session: createSession({ memory, answerer, dialogue }), tools: view(), serveAt: (at) => { url = at; } };
}

/** Conversations are worth less than the bot: a file that cannot be read is put aside, and kept. */
function openKept(file: string, warn: (text: string) => void): Memory {
  const open = (): Memory => {
    // Made by us first, so that it and what SQLite puts beside it are nobody else's to read.
    closeSync(openSync(file, 'a', 0o600));
    return openMemory(file);
  };
  try {
    return open();
  } catch (error) {
    warn(`conversations: ${error instanceof Error ? error.message : String(error)}; ${file} is put aside as ${file}.damaged`);
    renameSync(file, `${file}.damaged`);
    return open();
  }
}
