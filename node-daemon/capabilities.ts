import { createRequire } from 'node:module';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { EngineName } from '../contract/workload.ts';
import { keptEngines, type MeasuredEngine, stageEngine } from './engine.ts';
import type { DaemonConfig } from './config.ts';

/** Native modules that an engine loads when it starts. */
const NATIVE: Readonly<Record<EngineName, readonly string[]>> = {
  zdb: ['better-sqlite3'],
  archive: ['better-sqlite3', '@ronomon/reed-solomon'],
};

export interface Capabilities {
  readonly capabilities: EngineName[];
  /** The installation's engine first, then earlier ones that contracts may still pin. */
  readonly engines: ReadonlyMap<EngineName, readonly MeasuredEngine[]>;
  /** What was configured and does not work here, with the reason. */
  readonly missing: { readonly name: EngineName; readonly reason: string }[];
}

/** Of what the configuration offers, what this machine can really do: a node advertises nothing else. */
export async function findCapabilities(config: DaemonConfig): Promise<Capabilities> {
  const dir = path.join(config.state, 'engines');
  // What an earlier process did not finish; the state folder's lock says that none is at it now.
  for (const draft of (await readdir(dir).catch(() => [])).filter((f) => /\.(draft|link)$/.test(f))) await rm(path.join(dir, draft), { force: true });
  const engines = new Map<EngineName, readonly MeasuredEngine[]>();
  const missing: { name: EngineName; reason: string }[] = [];
  for (const name of new Set(config.offer.capabilities)) {
    const source = config.engines[name];
    try {
      if (!source) throw new Error('no engine file is configured');
      const staged = await stageEngine(source, dir);
      const load = createRequire(staged.file);
      for (const module of NATIVE[name]) load(module);
      engines.set(name, [staged, ...(await keptEngines(staged))]);
    } catch (error) {
      missing.push({ name, reason: error instanceof Error ? error.message.slice(0, 300) : 'unknown' });
    }
  }
  return { capabilities: [...engines.keys()].sort(), engines, missing };
}
