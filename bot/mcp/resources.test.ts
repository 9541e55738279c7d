import { describe, expect, it } from 'vitest';
import { digestOf } from '../../contract/digest.ts';
import { parseBlueprint } from '../../knowledge/blueprint.ts';
import { emptyState } from '../../ledger/state/machine.ts';
import type { ToolContext } from '../tools/tool.ts';
import { productResources } from './resources.ts';

describe('lists of resources', () => {
  it('show nothing that hides, moves or forges', async () => {
    const evil = 'A\u001b[2J\u202e\u3164B';
    const made = parseBlueprint('blueprint: x\nversion: 1.0.0\ntitle: x\ndescription: x\nauthor: x\nparameters: {}\nintents: {nouns: [x], examples: [x]}\npolicy: {all: [{role: legal}]}\nautonomy: {replace: false}\nworkloads:\n  - {type: zdb, name: a, group: a, resources: {disk: 1 GB, memory: 1 GB, cpu: 1}, spec: {}}\n');
    if (!made.ok) throw new Error(made.problems.map(({ message }) => message).join('; '));
    const source = new TextEncoder().encode(`title: ${evil}`);
    const context: Pick<ToolContext, 'library' | 'follower'> = {
      library: [{ file: 'x.yaml', source, blueprint: { ...made.blueprint, title: evil }, digest: digestOf('x') }],
      follower: { state: () => emptyState() } as ToolContext['follower'],
    };
    const resource = productResources({ contextOf: () => context as ToolContext, maxOutput: 1000 }).find(({ name }) => name === 'blueprint')!;
    if (typeof resource.uri === 'string') throw new Error('the blueprints have no template');
    expect(JSON.stringify(await resource.uri.listCallback?.({} as never))).toContain('"title":"A·[2J··B"');
    const read = await resource.read(new URL('threebot://blueprint/x'), { name: 'x' }, { visitor: 'somebody' } as never);
    expect(read.contents).toEqual([expect.objectContaining({ text: 'title: A·[2J··B' })]);
  });
});
