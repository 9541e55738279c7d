import { createHash } from 'node:crypto';
import path from 'node:path';
import type { EngineName } from '../../contract/workload.ts';
import { type MeasuredEngine, stageEngine } from '../engine.ts';
import type { HeldWorkload } from '../holdings.ts';
import type { Desired } from '../reconcile.ts';

/** Where the workloads of a node live: files, sockets, engines. */
export interface Grounds {
  readonly placesOf: (desired: Desired) => Places;
  readonly engineFor: (name: EngineName, desired: Desired) => { engine: MeasuredEngine; restage: () => Promise<MeasuredEngine> };
  readonly onChange: () => void;
}

export interface Places {
  /** Unix socket of the service. */
  readonly socket: string;
  /** Unix socket through which the workload dials others. */
  readonly dialSocket: string;
  readonly data: string;
  readonly log: string;
}

export interface GroundsOptions {
  readonly state: string;
  readonly runDir: string;
  readonly engines: ReadonlyMap<EngineName, readonly MeasuredEngine[]>;
  /** Engine files of the installation. */
  readonly sources: Readonly<Partial<Record<EngineName, string | undefined>>>;
  readonly onChange: () => void;
}

/** Folder of a holding's data. Each epoch has its own: what an earlier holder left here is not this holder's. */
export function dataFolder(state: string, held: Pick<HeldWorkload, 'deployment' | 'workload' | 'epoch'>): string {
  return path.join(state, 'data', held.deployment.slice('sha256:'.length), `${held.workload}@${held.epoch}`);
}

export function createGrounds(o: GroundsOptions): Grounds {
  return {
    onChange: o.onChange,
    placesOf: ({ held, key }) => {
      // Short whatever the names are: socket paths end at 107 bytes.
      const name = createHash('sha256').update(key).digest('hex').slice(0, 20);
      return {
        socket: path.join(o.runDir, `${name}.s`),
        dialSocket: path.join(o.runDir, `${name}.d`),
        data: dataFolder(o.state, held),
        log: path.join(o.state, 'log', `${held.deployment.slice('sha256:'.length, 'sha256:'.length + 12)}-${held.workload}@${held.epoch}.log`),
      };
    },
    engineFor: (name, { key, engine: pinned }) => {
      const engine = o.engines.get(name)?.find(({ digest }) => digest === pinned);
      const source = o.sources[name];
      if (!engine || !source) throw new Error(`${key} needs the ${name} engine, which is not here`);
      return { engine, restage: () => stageEngine(source, path.dirname(engine.file)) };
    },
  };
}

