import { createInterface } from 'node:readline';
import { beginConversation, type Bot, listConversations, type Live, openLive, type ReplyShape } from '../chat/live.ts';
import { keepHistory, readHistory } from '../chat/history.ts';
import { chooseConversation } from '../chat/resume.ts';
import { checkModel } from '../chat/model-settings.ts';
import { type Outcome, paint } from '../output.ts';
import { createProgress, type Progress } from '../progress.ts';
import { confirm, openTerminal, type Terminal } from '../prompt.ts';
import { Refusal } from '../refusal.ts';
import { printable, printableText } from '../render/printable.ts';
import { requireGrid } from '../running.ts';
import { type StateDir, stateDir } from '../state-dir.ts';
import { readBotToken } from '../up/bot-token.ts';

export interface ChatFlags { readonly state?: string; readonly json?: boolean; readonly new?: boolean; readonly resume?: string; readonly list?: boolean; readonly offline?: boolean }

/** A row of a plan: what its label takes of the line. */
const LABEL = /^ {2}(?=.{15})(\p{L}[\p{L} ]{12}[\p{L} ]) (?=\S)/u;

/** A conversation with the running bot, which keeps it: at a terminal with a prompt, else a line in, a block of lines out. */
export async function chatCommand(flags: ChatFlags): Promise<Outcome> {
  const state = stateDir(flags.state);
  const { bot: url } = await requireGrid(state);
  const bot: Bot = { url, token: await readBotToken(state) };
  if (flags.list) return listed(bot);
  if (flags.new && flags.resume !== undefined) throw new Refusal({ code: 'invalid_parameter', message: '--new begins another conversation, --resume goes on with one that is kept', hint: 'leave one of them out' });
  const id = flags.new ? undefined : chooseConversation(await listConversations(bot), flags.resume);
  if (!flags.offline) await warnOfModel(state);
  const live = await openLive(bot, id ?? (await beginConversation(bot, !flags.offline)));
  const chat = new Chat({ state, live, json: flags.json ?? false });
  try {
    await (process.stdin.isTTY && !flags.json ? chat.atTerminal() : chat.ofLines());
  } finally {
    live.close();
  }
  return { json: undefined, text: '', exitCode: chat.failed ? 1 : 0 };
}

/** Settings that the bot had to refuse: without this line, a person would wonder who answers. */
async function warnOfModel(state: StateDir): Promise<void> {
  const { refused } = await checkModel(state);
  // Whether a key is set is known to the bot's environment, not to this one.
  if (!refused || refused.code === 'model_key_missing') return;
  process.stderr.write(`${paint('yellow', 'the language model is not used')}: ${printable(refused.message)} (${printable(refused.code)}); the rules answer\n${refused.hint === undefined ? '' : `  ${printable(refused.hint)}, then start the grid again\n`}`);
}

async function listed(bot: Bot): Promise<Outcome> {
  const conversations = await listConversations(bot);
  const rows = conversations.map(({ id, used, messages, first }) => `${id}  ${used.slice(0, 16).replace('T', ' ')}  ${String(messages).padStart(4)}  ${printable(first).slice(0, 60)}`);
  return { json: { ok: true, conversations }, text: rows.length > 0 ? rows.join('\n') : 'no conversations yet' };
}

class Chat {
  readonly #state: StateDir;
  readonly #live: Live;
  readonly #json: boolean;
  readonly #progress: Progress = createProgress();
  #waiting: AbortController | undefined;
  failed = false;

  constructor({ state, live, json }: { readonly state: StateDir; readonly live: Live; readonly json: boolean }) {
    this.#state = state;
    this.#live = live;
    this.#json = json;
  }

  /** One answer for each line of the input; Ctrl-C ends it. */
  async ofLines(): Promise<void> {
    for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) if (line.trim() !== '') await this.#answer(line);
  }

  async atTerminal(): Promise<void> {
    const history = await readHistory(this.#state);
    // Ctrl-C ends what is waited for; when nothing is, the chat.
    const terminal = openTerminal(() => {
      if (this.#waiting) this.#waiting.abort();
      else terminal?.close();
    }, history);
    if (!terminal) throw new Refusal({ code: 'no_terminal', message: 'nobody is here to answer' });
    process.stderr.write(paint('dim', `${this.#live.messages > 0 ? 'Going on with the last conversation (--new begins another). ' : ''}Say what you need, or "help". Ctrl-C ends a wait, Ctrl-D the chat.\n`));
    for (let line = await terminal.ask(paint('cyan', 'you> ')); line !== undefined; line = await terminal.ask(paint('cyan', 'you> '))) {
      if (line.trim() === '') continue;
      history.unshift(line);
      await this.#turn(line, terminal);
    }
    terminal.close();
    await keepHistory(this.#state, history);
  }

  /** One message and its answer; after a proposal of a demonstration grid, the offer to sign it here. */
  async #turn(line: string, terminal: Terminal): Promise<void> {
    const reply = await this.#answer(line);
    if (reply?.contract === undefined || reply.contract !== this.#shown) return this.#remember(reply);
    this.#remember(reply);
    if (!(await confirm(terminal, 'This is a demonstration grid: its stakeholders\' keys are on this machine. Sign as them here, one by one?'))) return;
    this.#waiting = new AbortController();
    try {
      const { signAndWatch } = await import('../chat/signing.ts');
      const { text } = await signAndWatch({ state: this.#state, contract: reply.contract, terminal, progress: this.#progress, signal: this.#waiting.signal });
      process.stdout.write(`${printableText(text)}\n\n`);
    } catch (error) {
      this.#refuse(error);
    } finally {
      this.#waiting = undefined;
    }
  }

  /** The plan that was shown last: a contract of that id is a proposal that was agreed to just now. */
  #shown: string | undefined;
  #remember(reply: ReplyShape | undefined): void {
    if (reply) this.#shown = reply.plan ?? (reply.draft ? this.#shown : undefined);
  }

  async #answer(line: string): Promise<ReplyShape | undefined> {
    const waiting = new AbortController();
    this.#waiting = waiting;
    waiting.signal.addEventListener('abort', () => { this.#live.stop(); });
    let streamed = '';
    try {
      const reply = await this.#live.say(line, {
        onProgress: (text) => { if (!this.#json) this.#progress.update(text); },
        onText: (piece) => {
          if (this.#json || !process.stdout.isTTY) return;
          this.#progress.stop();
          streamed += piece;
          process.stdout.write(printableText(piece));
        },
      });
      this.#progress.stop();
      if (this.#json) process.stdout.write(`${JSON.stringify({ ok: true, ...reply })}\n`);
      else process.stdout.write(`${rest(reply.text, streamed)}${choiceLines(reply)}\n\n`);
      return reply;
    } catch (error) {
      this.#refuse(error);
      return undefined;
    } finally {
      this.#waiting = undefined;
    }
  }

  #refuse(error: unknown): void {
    this.#progress.stop();
    const aborted = error instanceof Error && error.name === 'AbortError';
    const refusal = error instanceof Refusal ? error : aborted ? new Refusal({ code: 'interrupted', message: 'interrupted', hint: 'the contract stands as it is' }) : undefined;
    if (!refusal || refusal.code === 'bot_unreachable') throw error;
    this.failed = true;
    if (this.#json) process.stdout.write(`${JSON.stringify({ ok: false, error: { code: refusal.code, message: refusal.message, ...(refusal.hint !== undefined && { hint: refusal.hint }) } })}\n`);
    else process.stderr.write(`${paint('red', 'refused')} ${printableText(refusal.message)} (${printable(refusal.code)})\n${refusal.hint === undefined ? '' : `  ${printableText(refusal.hint)}\n`}`);
  }
}

/** What of an answer has not been shown yet, for this terminal. */
function rest(text: string, streamed: string): string {
  const shown = streamed !== '' && text.startsWith(streamed) ? text.slice(streamed.length) : `${streamed === '' ? '' : '\n\n'}${text}`;
  return printableText(shown).split('\n').map((line) => line.replace(LABEL, (_, label: string) => `  ${paint('dim', label, process.stdout)} `)).join('\n');
}

function choiceLines({ choices, text }: ReplyShape): string {
  // A table that has its own numbers needs no second list.
  if (!choices || choices.length === 0 || /^ {2}1 {2}/m.test(text)) return '';
  return `\n${choices.map((choice, i) => `  ${i + 1}  ${printable(choice)}`).join('\n')}`;
}
