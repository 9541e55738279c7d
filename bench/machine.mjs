// What the numbers were measured on, and how they are summed up.
import { spawnSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';

const versionOf = (command, args, pattern) => pattern.exec(`${spawnSync(command, args, { encoding: 'utf8' }).stdout ?? ''}`)?.[1] ?? 'absent';

/** One object that says which machine and which programs these are; `load` is the 1-minute load before anything began. */
export function machine(root) {
  return {
    date: new Date().toISOString(),
    cpu: `${cpus().length} x ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    commit: versionOf('git', ['-C', root, 'rev-parse', '--short', 'HEAD'], /^([0-9a-f]{4,})/),
    curl: versionOf('curl', ['--version'], /^curl (\S+)/),
    aws: versionOf('aws', ['--version'], /^aws-cli\/(\S+)/),
    load: Number(loadavg()[0]?.toFixed(2)),
  };
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** `name  median unit  (lowest … highest of n)` with the goal, if there is one. */
export function line({ name, unit, values, goal, digits = 2 }) {
  if (values.length === 0) return `${name.padEnd(34)} not measured`;
  const m = median(values);
  const verdict = goal === undefined ? '' : `   goal ${goal} ${unit}: ${m <= goal ? 'met' : 'MISSED'}`;
  return `${name.padEnd(34)} ${m.toFixed(digits).padStart(9)} ${unit.padEnd(5)} (${Math.min(...values).toFixed(digits)} … ${Math.max(...values).toFixed(digits)}, ${values.length} runs)${verdict}`;
}
