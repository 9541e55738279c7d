import type { Change, Surface } from '../../bot/mcp/surface.ts';
import { contentPrompts, contentResources, contentTools } from './fixture-content.ts';
import { roundPrompts, roundTools } from './fixture-rounds.ts';

/** What the official suites want to find, as a surface like the product's: transport and dispatcher are the same code. */
export function fixtureSurface(): Surface {
  const listeners = new Set<(change: Change) => void>();
  const changed = (kind: 'tools' | 'prompts'): void => { for (const listener of listeners) listener({ kind }); };
  return {
    info: { name: '3bot-conformance', version: '1.0.0' },
    logging: true,
    tools: [...contentTools(changed), ...roundTools],
    resources: contentResources,
    prompts: [...contentPrompts, ...roundPrompts],
    watch: (listener) => {
      listeners.add(listener);
      return () => { listeners.delete(listener); };
    },
  };
}
