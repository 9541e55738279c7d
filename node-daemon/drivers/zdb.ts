import { mkdir } from 'node:fs/promises';
import type { Driver } from '../driver.ts';
import type { Desired } from '../reconcile.ts';
import { EngineProcess } from './engine-process.ts';
import type { Grounds } from './grounds.ts';

/** Runs zdb workloads: one process each, over a data folder of this holding's own. */
export function createZdbDriver(grounds: Grounds): Driver {
  return {
    start: async (desired: Desired) => {
      const { workload, key } = desired;
      if (workload.type !== 'zdb') throw new TypeError(`${key} is not a zdb workload`);
      const { socket, data, log } = grounds.placesOf(desired);
      await mkdir(data, { recursive: true, mode: 0o700 });
      const engine = new EngineProcess({
        ...grounds.engineFor('zdb', desired),
        workDir: data,
        logFile: log,
        startMessage: async () => {
          const { capacity, namespaces, mode } = workload.spec;
          // User goes unsaid: an engine that an older contract pins knows no modes.
          return { type: 'start', dir: data, socket, capacity, namespaces, ...(mode === 'seq' && { mode }) };
        },
        onMessage: () => undefined,
        onChange: grounds.onChange,
      });
      return {
        key,
        desired,
        slots: [],
        get socket() {
          return engine.ready ? socket : undefined;
        },
        condition: () => engine.condition(),
        lease: (validForMs) => engine.lease(validForMs),
        updateSlots: () => undefined,
        inspect: () => engine.inspect(),
        stop: () => engine.stop(),
      };
    },
  };
}
