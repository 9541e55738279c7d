import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { buildEnvironment, checkNode } from './toolchain.mjs';

it.each(['18.20.4', '20.10.0', '20.9.9'])('refuses Node %s', (version) => {
  expect(() => checkNode(version)).toThrow(/needs Node 20\.15/);
});

it.each(['20.15.0', '20.20.2', '24.0.0'])('takes Node %s', (version) => {
  expect(() => checkNode(version)).not.toThrow();
});

it('names every missing tool, with the one command that brings them', () => {
  let refusal;
  try {
    buildEnvironment({ PATH: '/nowhere' });
  } catch (error) {
    refusal = error;
  }
  expect(refusal?.message).toMatch(/python3, make, g\+\+ are missing/);
  expect(refusal?.hint).toBe('sudo apt-get install -y python3 make g++');
});

it('compiles one job at a time, from source, whatever the caller had set', () => {
  const env = buildEnvironment({ ...process.env, JOBS: 'max', MAKEFLAGS: '-j8' });
  expect(env).toMatchObject({ JOBS: '1', MAKEFLAGS: '', npm_config_build_from_source: 'true' });
  expect(env.npm_config_nodedir).toBeTruthy();
});

it('passes over headers of another Node', () => {
  const prefix = mkdtempSync(join(tmpdir(), '3bot-headers-'));
  try {
    mkdirSync(join(prefix, 'include/node'), { recursive: true });
    writeFileSync(join(prefix, 'include/node/node.h'), '');
    writeFileSync(join(prefix, 'include/node/node_version.h'), '#define NODE_MODULE_VERSION 1\n');
    expect(buildEnvironment({ ...process.env, npm_config_nodedir: prefix }).npm_config_nodedir).not.toBe(prefix);
  } finally {
    rmSync(prefix, { recursive: true, force: true });
  }
});
