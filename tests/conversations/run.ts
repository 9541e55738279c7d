import { expect } from 'vitest';
import { openMemory } from '../../bot/chat/memory.ts';
import type { Answerer, Conversation, Reply } from '../../bot/chat/conversation.ts';
import { createDialogue } from '../../bot/chat/dialogue/dialogue.ts';
import { createSession } from '../../bot/chat/session.ts';
import type { ToolContext } from '../../bot/tools/tool.ts';
import type { Script, Step } from './script.ts';
import { startWorld, type World } from './world.ts';

export interface RunOptions {
  readonly mode: 'dialogue' | 'model';
  readonly answererOf?: ((context: ToolContext, dialogue: Answerer) => Answerer) | undefined;
  /** Told what the scripted model is to do next; undefined where its own rules will do. */
  readonly instruct?: ((model: Step['model']) => void) | undefined;
}

/** Longest turn; the machine may be busy. */
const TURN_MS = 20_000;
const STOP_AFTER_MS = 50;

/** Plays one script against a world of its own, through the same session as every surface, and checks every step. */
export async function runScript(script: Script, { mode, answererOf, instruct }: RunOptions): Promise<void> {
  const world = await startWorld(script.world);
  try {
    for (const { blueprint, parameters, as, approve, report } of script.contracts) {
      const contract = await world.propose(blueprint, parameters, as);
      if (approve || report) await world.approve(contract);
      if (report) await world.report(contract, report);
    }
    const dialogue = createDialogue(world.context);
    const memory = openMemory(':memory:');
    const session = createSession({ memory, dialogue, answerer: answererOf ? answererOf(world.context, dialogue) : dialogue });
    const id = session.begin();
    for (const [n, step] of script.steps.entries()) {
      await happen(world, session.load(id), step);
      instruct?.(step.model);
      const signal = AbortSignal.timeout(step.stop ? STOP_AFTER_MS : TURN_MS);
      const said = await session.say({ id, text: step.me, seen: session.load(id)?.turn, signal });
      const where = `step ${n + 1}: ${step.me}`;
      if (!said.ok) throw new Error(`${where}: ${said.code} ${said.message}`);
      const conversation = session.load(id);
      if (!conversation) throw new Error('the conversation is gone');
      check({ step, where, mode, reply: said.reply, conversation, world });
    }
    memory.close();
  } finally {
    await world.close();
  }
}

async function happen(world: World, conversation: Conversation | undefined, { do: happening }: Step): Promise<void> {
  if (!happening) return;
  const contract = conversation?.contract;
  if (contract === undefined) throw new Error('no contract is talked about that something could happen to');
  if (happening.approve !== undefined) await world.approve(contract, happening.approve === 'all' ? undefined : happening.approve);
  if (happening.reject !== undefined) await world.reject(contract, happening.reject);
  if (happening.report) await world.report(contract, happening.report, happening.only);
}

interface Checking { readonly step: Step; readonly where: string; readonly mode: RunOptions['mode']; readonly reply: Reply; readonly conversation: Conversation; readonly world: World }

function check({ step, where, mode, reply, conversation, world }: Checking): void {
  const { text } = reply;
  const at = `${where}\n--- answered:\n${text}\n---`;
  if (mode === 'dialogue') {
    for (const pattern of step.bot ?? []) expect(text, at).toMatch(new RegExp(pattern, 'u'));
    if (step.refused !== undefined) expect(text, at).toContain(`(${step.refused})`);
    if (step.choices !== undefined) expect(reply.choices, at).toEqual(step.choices);
    if (step.asked !== undefined) expect(conversation.draft?.asked, at).toBe(step.asked);
  }
  for (const pattern of step.never ?? []) expect(text, at).not.toMatch(new RegExp(pattern, 'u'));
  // Whoever answers: nothing that a terminal would obey.
  expect(/[^\P{C}\n]/u.test(text), at).toBe(false);
  const { draft } = conversation;
  if (step.draft !== undefined) expect(draft?.blueprint ?? 'none', at).toBe(step.draft);
  if (step.parameters !== undefined) expect(draft?.parameters, at).toEqual(step.parameters);
  if (step.plan !== undefined) {
    expect(draft?.plan !== undefined, at).toBe(step.plan);
    if (reply.plan !== undefined) expect(text, at).toMatch(/\d[\d,]*\.\d\d EUR/);
  }
  const state = world.context.follower.state();
  if (step.ledger !== undefined) {
    const counts: Record<string, number> = {};
    for (const { status, header } of Object.values(state.contracts)) if (header.requester === world.context.requester.id) counts[status] = (counts[status] ?? 0) + 1;
    expect(counts, at).toEqual(step.ledger);
  }
  // A plan that can be agreed to is one that was shown here.
  if (draft?.plan !== undefined) expect(reply.plan, at).toBe(draft.plan);
}
