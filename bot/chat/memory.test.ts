import { fork } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openMemory } from './memory.ts';

let folder = '';
beforeAll(() => { folder = mkdtempSync(path.join(os.tmpdir(), '3bot-memory-')); });
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

const time = '2026-11-20T10:00:00.000Z';
const end = { text: 'an answer', time, draft: undefined, contract: undefined, choices: undefined };

describe('the memory of conversations', () => {
  it('keeps messages, draft, contract and choices across a start', () => {
    const file = path.join(folder, 'kept.db');
    const first = openMemory(file);
    const id = first.begin({ time, model: false });
    first.hear(id, 'an archive in CH', time);
    const draft = { blueprint: 'archive', parameters: { countries: ['CH'] }, asked: 'capacity' };
    first.finish(id, { text: 'Which size?', time, draft, contract: `sha256:${'a'.repeat(64)}`, choices: ['1 TB'] });
    first.close();
    const second = openMemory(file);
    expect(second.load(id)).toEqual({ id, model: false, draft, contract: `sha256:${'a'.repeat(64)}`, choices: ['1 TB'], turn: 2, messages: [{ from: 'person', text: 'an archive in CH', time }, { from: 'bot', text: 'Which size?', time }] });
    expect(second.list()).toMatchObject([{ id, messages: 2, first: 'an archive in CH' }]);
    expect(second.remove(id)).toBe(true);
    expect(second.load(id)).toBeUndefined();
    expect(second.remove(id)).toBe(false);
    second.close();
  });

  it('leaves nothing in its files of what is forgotten', () => {
    const file = path.join(folder, 'forgotten.db');
    const memory = openMemory(file);
    const id = memory.begin({ time, model: false });
    memory.hear(id, 'the canary of 1 TB', time);
    memory.finish(id, { ...end, draft: { blueprint: 'container', parameters: { env: { NAME: 'the canary too' } } } });
    const holds = (): boolean => readdirSync(folder).filter((name) => name.startsWith('forgotten.db')).some((name) => readFileSync(path.join(folder, name)).includes('the canary'));
    expect(holds()).toBe(true);
    memory.remove(id);
    expect(holds()).toBe(false);
    memory.close();
    expect(holds()).toBe(false);
  });

  it('is bounded: messages of one, conversations, length of a text, size of a draft', () => {
    const memory = openMemory(':memory:');
    const id = memory.begin({ time, model: true });
    for (let n = 0; n < 130; n++) {
      memory.hear(id, `message ${n}`, time);
      memory.finish(id, { ...end, text: 'x'.repeat(20_000), draft: { blueprint: 'a', parameters: { text: 'y'.repeat(40_000) } } });
    }
    const kept = memory.load(id);
    expect(kept?.messages).toHaveLength(200);
    expect(kept?.messages[0]?.text).toBe('message 30');
    expect(kept?.messages.at(-1)?.text).toHaveLength(16_000);
    expect(kept?.draft).toBeUndefined();
    for (let n = 0; n < 205; n++) memory.begin({ time, model: true });
    expect(memory.load(id)).toBeUndefined();
    expect(memory.list(1000)).toHaveLength(200);
    memory.close();
  });

  it('begins a draft of another form anew, and refuses a file of a newer version', () => {
    const file = path.join(folder, 'strange.db');
    const memory = openMemory(file);
    const id = memory.begin({ time, model: true });
    memory.finish(id, { ...end, draft: { blueprint: 'archive', parameters: {}, colour: 'red' } as never });
    expect(memory.load(id)?.draft).toBeUndefined();
    memory.close();
    writeFileSync(path.join(folder, 'garbage.db'), 'this is no database, but some other file of enough bytes to be looked at');
    expect(() => openMemory(path.join(folder, 'garbage.db'))).toThrow(/not a database/);
  });

  it('has every turn that it said it had, after kill -9', async () => {
    const program = path.join(folder, 'writer.cjs');
    await build({
      stdin: { contents: `import { openMemory } from './memory.ts';\nconst memory = openMemory(process.argv[2]);\nconst id = memory.begin({ time: '${time}', model: true });\nprocess.send({ id });\nfor (let n = 0; n < 90; n++) { memory.hear(id, 'turn ' + n, '${time}'); memory.finish(id, { text: 'answer ' + n, time: '${time}', draft: undefined, contract: undefined, choices: undefined }); process.send({ n }); }\nsetInterval(() => undefined, 1000);`, resolveDir: import.meta.dirname, loader: 'ts' },
      bundle: true, platform: 'node', format: 'cjs', external: ['better-sqlite3'], outfile: program, logLevel: 'silent',
    });
    const file = path.join(folder, 'killed.db');
    const child = fork(program, [file], { env: { ...process.env, NODE_PATH: path.join(import.meta.dirname, '../../node_modules') }, execArgv: [] });
    const heard: { id: string; last: number } = { id: '', last: -1 };
    await new Promise<void>((resolve, reject) => {
      child.on('error', reject);
      child.on('message', (message: { id?: string; n?: number }) => {
        if (message.id !== undefined) heard.id = message.id;
        if (message.n !== undefined) heard.last = message.n;
        if (heard.last === 40) child.kill('SIGKILL');
      });
      child.on('exit', () => { resolve(); });
    });
    expect(heard.last).toBeGreaterThanOrEqual(40);
    const memory = openMemory(file);
    const texts = memory.load(heard.id)?.messages.map(({ text }) => text) ?? [];
    for (let n = 0; n <= heard.last; n++) expect(texts.slice(2 * n, 2 * n + 2)).toEqual([`turn ${n}`, `answer ${n}`]);
    memory.close();
  });
});
