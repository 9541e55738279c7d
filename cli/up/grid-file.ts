import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { Country, Label, parseBytes } from '../../contract/units.ts';
import { parseYaml } from '../../knowledge/document.ts';

/** Most nodes that one machine is asked to run. */
const MAX_NODES = 200;

const Size = z.string().transform((text, context) => {
  const bytes = parseBytes(text);
  if (bytes !== undefined) return bytes.toString();
  context.addIssue({ code: 'custom', message: `expected a size such as 360 TB or 64 GiB, got ${JSON.stringify(text)}` });
  return z.NEVER;
});

/** `2.50 EUR` to millionths. */
const Money = z.string().transform((text, context) => {
  const match = /^(\d{1,12})(?:\.(\d{1,6}))? [A-Z]{3}$/.exec(text);
  if (match?.[1]) return (BigInt(match[1]) * 1_000_000n + BigInt((match[2] ?? '').padEnd(6, '0'))).toString();
  context.addIssue({ code: 'custom', message: `expected an amount such as 2.50 EUR, got ${JSON.stringify(text)}` });
  return z.NEVER;
});

const City = z.string().min(1).max(64);
const means = {
  disk: Size,
  memory: Size,
  cores: z.int().min(1).max(1024),
  thin: z.boolean(),
  rates: z.strictObject({ terabyte: Money, gibibyte: Money, core: Money }),
};

const GridFile = z.strictObject({
  grid: Label,
  currency: z.string().regex(/^[A-Z]{3}$/, 'expected a currency such as EUR'),
  lease_seconds: z.int().min(3).max(86_400),
  proposal_seconds: z.int().min(10).max(30 * 86_400),
  credit: Money,
  /** Witness processes; nodes then act only on what more than half of them have cosigned. */
  witnesses: z.int().min(0).max(8).default(0),
  defaults: z.strictObject(means),
  gateways: z.array(z.strictObject({ name: Label, country: Country, city: City })).min(1).max(4),
  nodes: z.array(z.strictObject({ name: Label, country: Country, city: City, relay: z.boolean().optional(), ...z.strictObject(means).partial().shape })).min(1).max(MAX_NODES),
}).superRefine((grid, context) => {
  const seen = new Set<string>();
  for (const [list, items] of [['gateways', grid.gateways], ['nodes', grid.nodes]] as const) {
    items.forEach(({ name }, i) => {
      if (seen.has(name)) context.addIssue({ code: 'custom', path: [list, i, 'name'], message: `the name ${name} is used twice` });
      seen.add(name);
    });
  }
  if (!grid.nodes.some((node) => node.relay)) context.addIssue({ code: 'custom', path: ['nodes'], message: 'no node is a relay, so that none could reach another' });
});

export type GridFile = z.infer<typeof GridFile>;
export type NodeSpec = GridFile['nodes'][number];

export type LoadedGrid = { ok: true; grid: GridFile } | { ok: false; code: 'grid_file_invalid'; message: string; hint: string };

/** Reads and checks a grid file; every problem is named with its line and column. */
export async function loadGridFile(file: string): Promise<LoadedGrid> {
  const invalid = (problems: string[]): LoadedGrid => ({ ok: false, code: 'grid_file_invalid', message: problems.slice(0, 10).join('\n'), hint: 'grids/local.yaml shows the form' });
  let source: Buffer;
  try {
    source = await readFile(file);
  } catch (error) {
    return invalid([`${file}: ${error instanceof Error ? error.message : 'cannot be read'}`]);
  }
  const parsed = parseYaml(source);
  if (!parsed.ok) return invalid(parsed.problems.map((p) => `${file}:${p.line}:${p.column}: ${p.message}`));
  const checked = GridFile.safeParse(parsed.document.value);
  if (checked.success) return { ok: true, grid: checked.data };
  return invalid(checked.error.issues.map((issue) => {
    const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
    const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
    const { line, column } = parsed.document.locate(unknown === undefined ? path : [...path, unknown]);
    return `${file}:${line}:${column}: ${path.join('.') || 'grid'}: ${issue.message}`;
  }));
}
