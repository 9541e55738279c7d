// `npm start -- "TEXT" [flags]`: install, build, then become `3bot up` in this same process, so that signals,
// terminal and exit code are the command's own.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DIST, ROOT, Refusal, isMain, run } from './checkout.mjs';

/** Flags of `up` whose next argument is a value and not the sentence. */
const VALUE_FLAGS = new Set(['--grid', '--state', '--ask']);

/** The arguments of `3bot` for those of `npm start`; words of an unquoted sentence are joined. */
export function upArguments(args) {
  const words = [];
  const flags = [];
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at];
    if (!arg.startsWith('-')) words.push(arg);
    else {
      flags.push(arg);
      if (VALUE_FLAGS.has(arg) && at + 1 < args.length) flags.push(args[(at += 1)]);
    }
  }
  const text = words.join(' ').trim();
  const asks = flags.some((flag) => ['--ask', '--prompt', '--help', '-h'].includes(flag));
  if (text !== '') return ['up', '--ask', text, ...flags];
  return asks ? ['up', ...flags] : ['up', '--prompt', ...flags];
}

async function start() {
  const { install } = await import('./install.mjs');
  await install();
  const { build } = await import('./build.mjs');
  await build();
  const program = join(DIST, '3bot.mjs');
  if (!existsSync(program)) throw new Refusal('dist/3bot.mjs was not built', 'cli/main.ts is missing from this checkout.');
  process.argv = [process.execPath, join(ROOT, 'bin/3bot'), ...upArguments(process.argv.slice(2))];
  return program;
}

if (isMain(import.meta.url)) {
  let program;
  await run(async () => {
    program = await start();
  });
  if (program) await import(program);
}
