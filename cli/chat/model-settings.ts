import { readModelSettings } from '../../bot/chat/model/settings.ts';
import type { ToolRefusal } from '../../bot/context.ts';
import type { StateDir } from '../state-dir.ts';

/** What the settings of a language model come to, as far as it can be seen from here: its name, why it is refused, or neither. Nothing is sent to it. */
export async function checkModel(state: StateDir): Promise<{ readonly model?: string; readonly refused?: ToolRefusal }> {
  const read = await readModelSettings({ file: state.part('model.json'), env: process.env });
  if (!read.ok) return { refused: read };
  return read.settings ? { model: read.settings.model } : {};
}
