import { loadLibrary, shippedDirectory } from '../../../knowledge/library.ts';
import type { Blueprint } from '../../../knowledge/blueprint.ts';

/** Every blueprint that is shipped. */
export const library: readonly Blueprint[] = loadLibrary(shippedDirectory()).map(({ blueprint }) => blueprint);

export function shipped(name: string): Blueprint {
  const found = library.find(({ blueprint }) => blueprint === name);
  if (!found) throw new Error(`no blueprint ${name}`);
  return found;
}
