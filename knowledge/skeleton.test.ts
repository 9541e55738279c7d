import { describe, expect, it } from 'vitest';
import { parseBlueprint } from './blueprint.ts';
import { lintBlueprint } from './lint.ts';
import { blueprintSkeleton } from './skeleton.ts';
import { runBlueprintTests } from './test.ts';

describe('the blueprint that an author begins with', () => {
  it.each(['scratchpad', 'cold-storage', 'x', '3d', `a${'b'.repeat(61)}c`, 'true', 'null', '007'])('%s: lint finds nothing, and its tests pass', (name) => {
    const source = blueprintSkeleton(name);
    expect(lintBlueprint(source)).toEqual([]);
    const parsed = parseBlueprint(source);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    expect(parsed.blueprint.blueprint).toBe(name);
    expect(runBlueprintTests(parsed.blueprint).map(({ ok, failures }) => (ok ? 'ok' : failures))).toEqual(['ok', 'ok', 'ok', 'ok']);
  });
});
