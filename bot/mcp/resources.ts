import { ResourceNotFoundError, ResourceTemplate, type ReadResourceResult } from '@modelcontextprotocol/server';
import { findContract, listContracts } from '../tools/contracts.ts';
import { CATALOGUE } from '../tools/catalogue.ts';
import { MAX_LIMIT } from '../tools/paging.ts';
import { quietCall, type ToolContext, type ToolResult } from '../tools/tool.ts';
import { clean, cleanText } from './clean.ts';
import { shorten } from './output.ts';
import type { McpCall, McpResource } from './surface.ts';

/** A scheme begins with a letter (RFC 3986, section 3.1), so that of these URIs is not `3bot`. */
export const SCHEME = 'threebot';
export const contractUri = (contract: string): string => `${SCHEME}://contract/${contract}`;
const blueprintUri = (name: string): string => `${SCHEME}://blueprint/${name}`;
const nodeUri = (label: string): string => `${SCHEME}://node/${label}`;

/** Most resources of a kind in a list; the others have their templates. */
const MAX_LISTED = 100;
const JSON_TYPE = 'application/json';

export interface ResourceOptions {
  readonly contextOf: (visitor: string) => ToolContext;
  readonly maxOutput: number;
}

/** Contracts, blueprints and nodes, each with a list, a template and completions. */
export function productResources({ contextOf, maxOutput }: ResourceOptions): McpResource[] {
  // What is listed and completed is of the grid, whoever asks.
  const anybody = contextOf('anybody');
  const contracts = () => listContracts(anybody).reverse();
  const blueprints = () => anybody.library.map(({ blueprint }) => blueprint);
  const nodes = () => Object.values(anybody.follower.state().nodes).flatMap(({ offer }) => (offer ? [offer] : [])).sort((a, b) => (a.label < b.label ? -1 : 1));
  const json = (uri: URL, value: object): ReadResourceResult => {
    const { value: shownValue, left } = shorten(clean({ ...value }), maxOutput);
    return { contents: [{ uri: uri.href, mimeType: JSON_TYPE, text: JSON.stringify(left.length === 0 ? shownValue : { ...shownValue, leftOut: left }) }] };
  };
  return [
    {
      name: 'contract',
      uri: new ResourceTemplate(`${SCHEME}://contract/{id}`, {
        list: () => clean({ resources: contracts().slice(0, MAX_LISTED).map(({ contract, title, status }) => ({ uri: contractUri(contract), name: contract, title: `${title} (${status})`, mimeType: JSON_TYPE })) }),
        complete: { id: (value) => starting(contracts().map(({ contract }) => contract), value) },
      }),
      about: { title: 'A contract', description: 'Status, signatures, workloads, and what it means in people\'s words.', mimeType: JSON_TYPE },
      read: async (uri, { id }, call) => {
        const context = contextOf(call.visitor);
        const found = findContract(context, decoded(id));
        if (!found.ok) throw notFound(uri);
        const shown = await ask(context, call, 'show_contract', { contract: found.contract });
        if (!shown.ok) throw notFound(uri);
        const explained = await ask(context, call, 'explain_contract', { contract: found.contract });
        const { ok: _ok, ...rest } = shown;
        return json(uri, { ...rest, explanation: explained.ok ? explained['explanation'] : { refused: explained.code, message: explained.message } });
      },
    },
    {
      name: 'blueprint',
      uri: new ResourceTemplate(`${SCHEME}://blueprint/{name}`, {
        list: () => clean({ resources: blueprints().slice(0, MAX_LISTED).map(({ blueprint, title }) => ({ uri: blueprintUri(blueprint), name: blueprint, title })) }),
        complete: { name: (value) => starting(blueprints().map(({ blueprint }) => blueprint), value) },
      }),
      about: { title: 'A blueprint', description: 'Its source, as its author published it.', mimeType: 'application/yaml' },
      read: async (uri, { name }, call) => {
        const entry = contextOf(call.visitor).library.find(({ blueprint }) => blueprint.blueprint === decoded(name));
        if (!entry) throw notFound(uri);
        return { contents: [{ uri: uri.href, mimeType: 'application/yaml', text: cleanText(new TextDecoder().decode(entry.source)).slice(0, maxOutput) }] };
      },
    },
    {
      name: 'node',
      uri: new ResourceTemplate(`${SCHEME}://node/{label}`, {
        list: () => clean({ resources: nodes().slice(0, MAX_LISTED).map(({ label, location }) => ({ uri: nodeUri(label), name: label, title: `${label}, ${location.city}`, mimeType: JSON_TYPE })) }),
        complete: { label: (value) => starting(nodes().map(({ label }) => label), value) },
      }),
      about: { title: 'A node', description: 'Where it is, what it runs, what it has free.', mimeType: JSON_TYPE },
      read: async (uri, { label }, call) => {
        for (let cursor: string | undefined; ;) {
          const page = await ask(contextOf(call.visitor), call, 'list_nodes', { limit: MAX_LIMIT, ...(cursor !== undefined && { cursor }) });
          const rows = page.ok && Array.isArray(page['nodes']) ? (page['nodes'] as Record<string, unknown>[]) : [];
          const row = rows.find((each) => each['label'] === decoded(label));
          if (row) return json(uri, row);
          if (!page.ok || typeof page['next'] !== 'string') throw notFound(uri);
          cursor = page['next'];
        }
      },
    },
  ];
}

function notFound(uri: URL): ResourceNotFoundError {
  return new ResourceNotFoundError(uri.href);
}

/** A variable of a template as text; a list of them is nobody's name. */
function decoded(variable: string | string[] | undefined): string {
  return typeof variable === 'string' ? decodeURIComponent(variable) : '';
}

async function ask(context: ToolContext, { signal }: McpCall, tool: string, input: object): Promise<ToolResult> {
  const found = CATALOGUE.find(({ name }) => name === tool);
  if (!found) throw new Error(`there is no tool ${tool}`);
  return found.run(context, input, quietCall(signal));
}

const MAX_COMPLETIONS = 100;
export function starting(all: readonly string[], value: string): string[] {
  // Ids are told without the name of their hash as well.
  return all.filter((each) => each.startsWith(value) || each.startsWith(`sha256:${value}`)).slice(0, MAX_COMPLETIONS);
}
