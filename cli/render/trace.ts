import type { FieldTrace, Origin, Trace, WorkloadTrace } from '../../knowledge/trace.ts';
import { paint } from '../output.ts';
import { printable } from './printable.ts';

/** Longest value that is shown. */
const MAX_VALUE = 100;

/** For each field what it is, how the author wrote it, and where that came from; workloads of one template that differ in nothing else but their place in a loop are shown once. */
export function renderTrace({ title, workloads }: Trace): string {
  const templates = new Map<number, WorkloadTrace[]>();
  for (const workload of workloads) templates.set(workload.template, [...templates.get(workload.template) ?? [], workload]);
  const sections = [...templates.values()].map((of) => {
    const [first] = of;
    if (!first) return '';
    const others = of.length > 1 ? paint('dim', ` and ${of.length - 1} more like it: ${printable(of.slice(1, 6).map((w) => w.workload).join(', '))}${of.length > 6 ? ', …' : ''}`, process.stdout) : '';
    return [`${paint('bold', printable(first.workload), process.stdout)}${others}`, ...first.fields.flatMap(renderField)].join('\n');
  });
  return [paint('bold', 'title', process.stdout), ...renderField(title), ...sections].join('\n');
}

function renderField({ field, value, written, line, reads }: FieldTrace): string[] {
  const text = JSON.stringify(value);
  const at = line === undefined ? '' : paint('dim', ` line ${line}`, process.stdout);
  const shown = printable(text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}…` : text);
  if (reads.length === 0) return [`  ${field} = ${shown}${at}${written.includes('${') ? ` ← ${printable(written)}` : ''}`];
  return [`  ${field} = ${shown}${at} ← ${printable(written)}`, ...renderOrigins(reads, 2, new Set())];
}

/** Each name once: what was shown above is not spelled out again. */
function renderOrigins(origins: readonly Origin[], depth: number, seen: Set<string>): string[] {
  return origins.flatMap((origin) => {
    const indent = '  '.repeat(depth);
    const again = seen.has(origin.name);
    seen.add(origin.name);
    const value = printable(origin.value.length > MAX_VALUE ? `${origin.value.slice(0, MAX_VALUE)}…` : origin.value);
    if (origin.kind === 'said') return [`${indent}${origin.name} = ${value}, ${origin.words === undefined ? 'as asked' : `from “${printable(origin.words)}”`}`];
    if (origin.kind === 'default') return [`${indent}${origin.name} = ${value}, the blueprint’s default${origin.expression === undefined ? '' : ` ← ${printable(origin.expression)}`}`, ...(again ? [] : renderOrigins(origin.reads, depth + 1, seen))];
    return [`${indent}${origin.name} = ${value}${origin.kind === 'element' ? ', one of' : ' ='} ${printable(origin.expression)}`, ...(again ? [] : renderOrigins(origin.reads, depth + 1, seen))];
  });
}
