import { z } from 'zod';
import { Country, formatBytes } from '../../../contract/units.ts';
import { WorkloadType } from '../../../contract/workload.ts';
import type { PrincipalId } from '../../../contract/principal.ts';
import { parametersOf } from '../../../knowledge/blueprint.ts';
import { formatValue } from '../../../knowledge/parameter.ts';
import { searchBlueprints } from '../../../knowledge/search.ts';
import { candidateOf } from '../../../ledger/state/views.ts';
import { page, paged, pageOf } from '../paging.ts';
import { defineTool } from '../tool.ts';

export const searchBlueprintsTool = defineTool({
  name: 'search_blueprints',
  title: 'Find blueprints',
  description: 'What can be asked for on this grid: blueprints that trusted authors have published, best match first; all of them without a query.',
  input: z.strictObject({ query: z.string().max(200).default(''), ...page }),
  output: z.object({ blueprints: z.array(z.object({ name: z.string(), version: z.string(), title: z.string(), description: z.string(), example: z.string(), required: z.array(z.string()) })), ...paged }),
  surfaces: ['model', 'mcp', 'http', 'chat', 'cli'],
  effect: 'reads',
  run: ({ library }, { query, limit, cursor }) => {
    const { items, ...rest } = pageOf(searchBlueprints(library.map(({ blueprint }) => blueprint), query), { limit, cursor });
    return { ok: true, blueprints: items.map(({ blueprint: b }) => ({ name: b.blueprint, version: b.version, title: b.title, description: b.description, example: b.intents.examples[0] ?? '', required: Object.entries(b.parameters).filter(([, p]) => p.required).map(([name]) => name) })), ...rest };
  },
});

export const showBlueprintTool = defineTool({
  name: 'show_blueprint',
  title: 'Show a blueprint',
  description: 'One blueprint: every parameter with its type, bounds, default and what it means, who must sign, and example requests.',
  input: z.strictObject({ blueprint: z.string().min(1).max(63) }),
  output: z.object({
    name: z.string(), version: z.string(), digest: z.string(), title: z.string(), description: z.string(), author: z.string(), examples: z.array(z.string()),
    parameters: z.array(z.object({ name: z.string(), type: z.string(), required: z.boolean(), default: z.string().optional(), choices: z.array(z.string()).optional(), description: z.string() })),
  }),
  surfaces: ['model', 'mcp', 'http', 'chat', 'cli'],
  effect: 'reads',
  run: ({ library }, { blueprint: name }) => {
    const entry = library.find((e) => e.blueprint.blueprint === name);
    if (!entry) return { ok: false, code: 'blueprint_unknown', message: `no blueprint is called ${name}`, hint: `there are: ${library.map((e) => e.blueprint.blueprint).join(', ')}` };
    const { blueprint: b, digest } = entry;
    const parameters = Object.entries(parametersOf(b)).map(([parameter, p]) => ({
      name: parameter, type: p.type, required: p.required, description: p.description,
      ...(p.default !== undefined && { default: formatValue(p, p.default) }),
      ...(p.type === 'choice' && { choices: Object.keys(p.choices) }),
    }));
    return { ok: true, name: b.blueprint, version: b.version, digest, title: b.title, description: b.description, author: b.author, examples: b.intents.examples, parameters };
  },
});

export const listNodesTool = defineTool({
  name: 'list_nodes',
  title: 'List nodes',
  description: 'The machines of this grid: where they are, whether they are alive, which workload types they run, what they have free and what they charge.',
  input: z.strictObject({ country: Country.optional(), type: WorkloadType.optional(), ...page }),
  output: z.object({ nodes: z.array(z.object({ node: z.string(), label: z.string(), country: z.string(), city: z.string(), alive: z.boolean(), types: z.array(z.string()), freeDisk: z.string().describe('Bytes.'), freeDiskText: z.string(), thin: z.boolean() })), ...paged }),
  surfaces: ['model', 'mcp', 'http', 'chat', 'cli'],
  effect: 'reads',
  run: ({ follower }, { country, type, limit, cursor }) => {
    const state = follower.state();
    const all = (Object.keys(state.nodes) as PrincipalId[]).flatMap((id) => {
      const node = state.nodes[id];
      if (!node?.offer) return [];
      const place = node.attested ?? node.offer.location;
      if ((country !== undefined && place.country !== country) || (type !== undefined && !node.offer.capabilities.includes(type))) return [];
      const candidate = candidateOf(state, id, state.time);
      const free = candidate?.free.disk ?? '0';
      return [{ node: id, label: node.offer.label, country: place.country, city: place.city, alive: candidate !== undefined, types: [...node.offer.capabilities], freeDisk: free, freeDiskText: formatBytes(BigInt(free)), thin: node.offer.thin }];
    });
    const { items, ...rest } = pageOf(all.sort((a, b) => (a.label < b.label ? -1 : 1)), { limit, cursor });
    return { ok: true, nodes: items, ...rest };
  },
});
