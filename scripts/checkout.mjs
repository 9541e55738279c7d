// Where things lie in this checkout, and how its scripts speak: progress and refusals go to stderr, stdout stays the command's own.
import { createHash } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
export const DIST = join(ROOT, 'dist');
export const MODULES = join(ROOT, 'node_modules');
export const LOCK = join(DIST, '.lock');

const UNWRITABLE = ['EACCES', 'EPERM', 'EROFS', 'ENOSPC'];

/** A refusal that the person can act on: printed without a stack trace. */
export class Refusal extends Error {
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

export function say(line) {
  process.stderr.write(`${line}\n`);
}

export function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The parsed JSON of a file, or undefined when it is absent or damaged. */
export function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Whether the module at `url` is the script that node was started with. */
export function isMain(url) {
  return process.argv[1] !== undefined && realpathSync(process.argv[1]) === realpathSync(fileURLToPath(url));
}

/** Runs a script's main function: a refusal is explained, anything else is a bug and shows where. */
export async function run(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (caught) {
    let error = caught;
    process.exitCode = 1;
    if (UNWRITABLE.includes(error.code)) {
      error = new Refusal(error.message, `The folder ${ROOT} must be writable for you, and its disk not full.`);
    }
    if (!(error instanceof Refusal)) throw error;
    say(`3bot: ${error.message}`);
    if (error.hint) say(`  ${error.hint.replaceAll('\n', '\n  ')}`);
  }
}
