import { explainContractTool, followContractTool, listContractsTool, showContractTool, verifyContractTool } from './catalogue/contracts.ts';
import { listNodesTool, searchBlueprintsTool, showBlueprintTool } from './catalogue/grid.ts';
import { compareTool, explainPlanTool, planTool, proposeTool, readContractTool, understandTool, withdrawTool } from './catalogue/requests.ts';
import type { Surface, Tool } from './tool.ts';

/**
 * Every action of the bot that can be called by name. Deciding on a contract (approve, reject, accept, cancel) is not
 * among them: it takes a person's key, and only surfaces that a person holds in hand call those functions.
 */
export const CATALOGUE: readonly Tool[] = [
  understandTool, searchBlueprintsTool, showBlueprintTool, planTool, explainPlanTool, compareTool, proposeTool, withdrawTool,
  listContractsTool, showContractTool, explainContractTool, verifyContractTool, followContractTool, readContractTool, listNodesTool,
];

/** The tools of a surface, in the order of the catalogue. */
export function toolsFor(surface: Surface): readonly Tool[] {
  return CATALOGUE.filter((tool) => tool.surfaces.includes(surface));
}
