import { afterAll, beforeAll, describe, it } from 'vitest';
import { startCompetentModel } from '../model-server/answerer.ts';
import { runScript } from './run.ts';
import { loadScripts } from './script.ts';

const scripts = loadScripts().filter(({ script }) => script.only !== 'dialogue');
let model: Awaited<ReturnType<typeof startCompetentModel>>;

beforeAll(async () => { model = await startCompetentModel(); });
afterAll(async () => { await model.close(); });

describe('the same conversations with a language model (a scripted one, over real HTTP)', () => {
  it.each(scripts.map(({ file, script }) => [file.replace('.yaml', ''), script.name, script] as const))('%s: %s', async (_, __, script) => {
    await runScript(script, { mode: 'model', answererOf: (context, dialogue) => model.answererOf(context, dialogue), instruct: (lines) => { if (lines) model.script(lines as never); } });
  });
});
