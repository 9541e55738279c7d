import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { digestOf } from '../../contract/digest.ts';
import type { Plan } from '../planner/plan.ts';
import { CATALOGUE, toolsFor } from './catalogue.ts';
import { pageOf } from './paging.ts';
import { PlanStore } from './plan-store.ts';
import { defineTool, quietCall, type ToolContext } from './tool.ts';

describe('the catalogue', () => {
  it('has each name once, in snake_case, with schemas that other programs can read', () => {
    expect(new Set(CATALOGUE.map(({ name }) => name)).size).toBe(CATALOGUE.length);
    for (const { name, input, output, description } of CATALOGUE) {
      expect(name).toMatch(/^[a-z]+(?:_[a-z]+)*$/);
      expect(description.length).toBeGreaterThan(40);
      expect(z.toJSONSchema(input, { io: 'input' })).toMatchObject({ type: 'object', additionalProperties: false });
      expect(z.toJSONSchema(output)).toMatchObject({ type: 'object' });
    }
  });

  it('hands a model nothing that changes anything', () => {
    expect(toolsFor('model').length).toBeGreaterThan(5);
    expect(toolsFor('model').filter(({ effect }) => effect !== 'reads')).toEqual([]);
    expect(toolsFor('http').filter(({ effect }) => effect !== 'reads')).toEqual([]);
  });

  it('has no tool that decides, signs or pays for somebody, on any surface', () => {
    expect(CATALOGUE.filter(({ name }) => /approve|sign|accept|reject|cancel|key|transfer|pay/.test(name))).toEqual([]);
  });

  it('is for nobody until it says for whom', () => {
    const tool = defineTool({ name: 'x', title: 'x', description: 'x', input: z.strictObject({}), output: z.object({ done: z.boolean() }), effect: 'reads', run: () => ({ ok: true, done: true }) });
    expect(tool.surfaces).toEqual([]);
  });

  it('refuses what is not in the input schema, and throws on output that is not in its own', async () => {
    const tool = defineTool({ name: 'twice', title: '', description: '', input: z.strictObject({ n: z.int() }), output: z.object({ n: z.int().max(10) }), effect: 'reads', run: (_, { n }) => ({ ok: true, n: 2 * n }) });
    const context = {} as ToolContext;
    expect(await tool.run(context, { n: 2 }, quietCall())).toEqual({ ok: true, n: 4 });
    expect(await tool.run(context, { n: 2, m: 1 }, quietCall())).toMatchObject({ ok: false, code: 'input_invalid' });
    expect(await tool.run(context, 'n', quietCall())).toMatchObject({ ok: false, code: 'input_invalid' });
    await expect(tool.run(context, { n: 6 }, quietCall())).rejects.toThrow();
    await expect(tool.run(context, { n: 2 }, quietCall(AbortSignal.abort()))).rejects.toThrow();
  });
});

describe('PlanStore', () => {
  it('plans without parameters as with none, and says in words that an id is too short', async () => {
    const plan = CATALOGUE.find(({ name }) => name === 'plan');
    expect(plan?.input.safeParse({ blueprint: 'archive' })).toMatchObject({ success: true, data: { parameters: {} } });
    expect(await plan?.run({} as ToolContext, { update: 'ab' }, quietCall())).toMatchObject({ ok: false, code: 'input_invalid', message: expect.stringContaining('6 hex digits') as string });
  });

  it('keeps the plans shown last, and no more than 64', () => {
    const store = new PlanStore();
    const plan = (n: number): Plan => ({ contract: digestOf(n) }) as Plan;
    for (let n = 0; n < 64; n++) store.put(plan(n));
    store.put(plan(0));
    store.put(plan(64));
    expect(store.get(digestOf(0))).toBeDefined();
    expect(store.get(digestOf(1))).toBeUndefined();
    expect(store.get(digestOf(64))).toBeDefined();
  });
});

describe('pageOf', () => {
  it('gives every item once, page by page', () => {
    fc.assert(fc.property(fc.array(fc.integer(), { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (all, limit) => {
      const seen: number[] = [];
      let cursor: string | undefined;
      do {
        const page = pageOf(all, { limit, cursor });
        expect(page.items.length).toBeLessThanOrEqual(limit);
        expect(page.total).toBe(all.length);
        seen.push(...page.items);
        cursor = page.next;
      } while (cursor !== undefined);
      expect(seen).toEqual(all);
    }));
  });
});
