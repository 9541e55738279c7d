// What the native modules need to compile here. Headers cannot be downloaded, so they must be those beside the running node.
import { spawnSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Refusal } from './checkout.mjs';

const MINIMUM = [20, 15];
/** Command looked for -> Debian package that brings it. */
const TOOLS = { python3: 'python3', make: 'make', 'g++': 'g++' };

/** Refuses a Node that the code does not run on. */
export function checkNode(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  if (major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1])) return;
  throw new Refusal(
    `this is Node ${version}; 3bot needs Node ${MINIMUM.join('.')} or newer`,
    'Install Node 20 (https://nodejs.org/en/download) and run the command again.',
  );
}

/** The ABI number that the headers below `prefix` are for, or undefined when there are none. */
function headersAbi(prefix) {
  try {
    const text = readFileSync(join(prefix, 'include/node/node_version.h'), 'utf8');
    readFileSync(join(prefix, 'include/node/node.h'));
    return /#define NODE_MODULE_VERSION (\d+)/.exec(text)?.[1];
  } catch {
    return undefined;
  }
}

/** The prefix whose include/node belongs to the running node; refuses when there is none, or one of another version. */
function findHeaders(env) {
  const beside = (executable) => resolve(dirname(executable), '..');
  const candidates = [env.npm_config_nodedir, beside(process.execPath), beside(realpathSync(process.execPath))];
  const wanted = process.versions.modules;
  const seen = candidates.filter(Boolean).map((prefix) => ({ prefix, abi: headersAbi(prefix) }));
  const fit = seen.find(({ abi }) => abi === wanted);
  if (fit) return fit.prefix;
  const other = seen.find(({ abi }) => abi !== undefined);
  throw new Refusal(
    other
      ? `the Node headers in ${other.prefix}/include/node are for another Node (ABI ${other.abi}, the running one has ${wanted})`
      : `Node's headers are missing: no include/node/node.h beside ${process.execPath}`,
    "If this node is Debian's: sudo apt-get install -y libnode-dev\n" +
      'Otherwise use the archive or package from nodejs.org, which carries them in include/node.',
  );
}

/** Refuses, with the one apt command that helps, when a build tool is missing; returns the environment that npm needs to compile. */
export function buildEnvironment(env = process.env) {
  const missing = Object.keys(TOOLS).filter((tool) => spawnSync(tool, ['--version'], { stdio: 'ignore', env }).status !== 0);
  if (missing.length > 0) {
    throw new Refusal(
      `cannot compile the native modules: ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing`,
      `sudo apt-get install -y ${missing.map((tool) => TOOLS[tool]).join(' ')}`,
    );
  }
  return {
    ...env,
    npm_config_nodedir: findHeaders(env),
    // Otherwise prebuild-install first tries a download that is out of reach.
    npm_config_build_from_source: 'true',
    npm_config_ignore_scripts: 'false',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
    // The makefile of @ronomon/reed-solomon does not order its steps: parallel make fails on it.
    JOBS: '1',
    npm_config_jobs: '1',
    MAKEFLAGS: '',
  };
}
