import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Clients, digestsBelow, need, setUpClients, sha256File } from './clients.fixture.ts';
import { type Archive, type Grid, startGrid, tailsOnFailure } from './grid.fixture.ts';

/** An archive used by clients that nobody here wrote, on the endpoint as printed. */

const SEED = process.env['THREEBOT_SEED'] ?? 'clients-1';
const LARGE_BYTES = 100_000_000;
const STORE = path.join(import.meta.dirname, 'clients', 'store.py');

let grid: Grid | undefined;
let archive: Archive;
let clients: Clients;

beforeAll(async () => {
  console.log(`seed ${SEED} (THREEBOT_SEED)`);
  grid = await startGrid({ grid: path.join(import.meta.dirname, '../../grids/local.yaml') });
  archive = await grid.ask('give me an archive of 1 PB in CH');
  clients = setUpClients(archive, grid.ready.ca);
}, 170_000);

afterAll(async () => {
  clients?.clean();
  await grid?.stop();
}, 60_000);

tailsOnFailure(() => grid);

/** A folder as people have them: names with spaces and accents, an empty file, folders in folders. */
function makeFolder(name: string): string {
  const folder = path.join(clients.dir, name);
  mkdirSync(path.join(folder, 'deep', 'er'), { recursive: true });
  for (const [file, bytes] of [['a.bin', 3_000_000], ['deep/Übersicht 2026.txt', 12_345], ['deep/er/tiny', 1], ['deep/er/b.bin', 9_000_001]] as const) clients.makeFile(path.join(name, file), `${SEED} ${name} ${file}`, bytes);
  writeFileSync(path.join(folder, 'empty'), '');
  for (let i = 0; i < 30; i++) clients.makeFile(path.join(name, 'deep', `${i}.txt`), `${SEED} ${name} ${i}`, 100 + i);
  return folder;
}

describe('the ask', () => {
  it('gives 1 PB in CH: every node in Switzerland, 4 + 2 shards', () => {
    expect(archive.nodes.map((n) => n.country)).toEqual(archive.nodes.map(() => 'CH'));
    expect(archive.nodes.length).toBeGreaterThanOrEqual(archive.shards.data + archive.shards.parity);
    expect(archive.shards).toEqual({ data: 4, parity: 2 });
    expect(archive.endpoint).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  });
});

describe('awscli', () => {
  it('makes, lists and deletes a bucket', async (context) => {
    const aws = need(context, 'aws');
    const s3 = (...args: string[]): Promise<string> => clients.run(aws, ['--endpoint-url', archive.endpoint, '--ca-bundle', clients.ca, 's3', ...args]);
    await s3('mb', 's3://aws-made');
    expect(await s3('ls')).toMatch(/ aws-made$/m);
    await s3('rb', 's3://aws-made');
    expect(await s3('ls')).not.toMatch(/ aws-made$/m);
  });

  it('stores 100 MB in parts and reads them back, the same bytes', async (context) => {
    const aws = need(context, 'aws');
    const s3 = (...args: string[]): Promise<string> => clients.run(aws, ['--endpoint-url', archive.endpoint, '--ca-bundle', clients.ca, 's3', ...args]);
    const digest = clients.makeFile('large', `${SEED} large`, LARGE_BYTES);
    const started = performance.now();
    await s3('cp', '--no-progress', 'large', `s3://${archive.bucket}/aws/large`);
    const stored = performance.now();
    await s3('cp', '--no-progress', `s3://${archive.bucket}/aws/large`, 'large.back');
    console.log(`awscli: 100 MB up in ${((stored - started) / 1000).toFixed(1)} s, down in ${((performance.now() - stored) / 1000).toFixed(1)} s`);
    expect(await sha256File(path.join(clients.dir, 'large.back'))).toBe(digest);
    const listed = await s3('ls', `s3://${archive.bucket}/aws/`);
    expect(listed).toMatch(/ 100000000 large$/m);
    rmSync(path.join(clients.dir, 'large.back'));
    await s3('rm', `s3://${archive.bucket}/aws/large`);
    await expect(s3('ls', `s3://${archive.bucket}/aws/large`)).rejects.toThrow('ended with code 1');
  });

  it('copies a folder there and back', async (context) => {
    const aws = need(context, 'aws');
    const s3 = (...args: string[]): Promise<string> => clients.run(aws, ['--endpoint-url', archive.endpoint, '--ca-bundle', clients.ca, 's3', ...args]);
    const folder = makeFolder('aws-folder');
    await s3('sync', '--no-progress', folder, `s3://${archive.bucket}/aws-folder`);
    await s3('sync', '--no-progress', `s3://${archive.bucket}/aws-folder`, 'aws-folder.back');
    expect(await digestsBelow(path.join(clients.dir, 'aws-folder.back'))).toEqual(await digestsBelow(folder));
  });
});

describe('boto3', () => {
  it.for(['buckets', 'metadata', 'ranges', 'multipart', 'listing', 'copy', 'names', 'strangers', 'presigned'])('%s', async (check, context) => {
    const python = need(context, 'python3');
    expect(await clients.run(python, [STORE, check])).toBe('ok\n');
  });
});

describe('curl', () => {
  it('stores and reads a first file with the command that 3bot prints', async (context) => {
    need(context, 'curl');
    const shown = await grid?.print('ask', 'give me an archive of 1 PB in CH');
    const command = shown?.split('\n').find((line) => line.startsWith('  curl '))?.trim() ?? '';
    expect(command).toContain(archive.endpoint);
    expect(command).not.toContain(archive.secretAccessKey);
    writeFileSync(path.join(clients.dir, 'README.md'), '# first\nsecond\nthird\nfourth\n');
    expect(await clients.run('/bin/sh', ['-c', command])).toBe('# first\nsecond\nthird\n');
  });

  it('reads ranges, and says what is not there', async (context) => {
    const curl = need(context, 'curl');
    const config = path.join(clients.dir, 'curl.config');
    writeFileSync(config, [`cacert = "${grid?.ready.ca ?? ''}"`, `user = "${archive.accessKeyId}:${archive.secretAccessKey}"`, `aws-sigv4 = "aws:amz:${archive.region}:s3"`, 'silent', ''].join('\n'), { mode: 0o600 });
    const url = `${archive.endpoint}/${archive.bucket}/curl/abc`;
    writeFileSync(path.join(clients.dir, 'abc'), 'abcdefghij');
    const unsigned = ['-K', config, '-H', 'x-amz-content-sha256: UNSIGNED-PAYLOAD'];
    await clients.run(curl, [...unsigned, '-f', '-T', 'abc', url]);
    expect(await clients.run(curl, [...unsigned, '-f', '-r', '2-4', url])).toBe('cde');
    expect(await clients.run(curl, [...unsigned, '-w', '%{http_code}', '-o', '/dev/null', `${url}d`])).toBe('404');
    expect(await clients.run(curl, ['--cacert', grid?.ready.ca ?? '', '-s', '-w', '%{http_code}', '-o', '/dev/null', url])).toBe('403');
  });
});

describe('rclone', () => {
  it('syncs a folder both ways and finds no difference', async (context) => {
    const rclone = need(context, 'rclone');
    const folder = makeFolder('rclone-folder');
    await clients.run(rclone, ['mkdir', 'archive:rclone-made']);
    await clients.run(rclone, ['sync', folder, 'archive:rclone-made/folder']);
    await clients.run(rclone, ['check', '--download', folder, 'archive:rclone-made/folder']);
    rmSync(path.join(folder, 'a.bin'));
    clients.makeFile('rclone-folder/deep/er/tiny', `${SEED} changed`, 70_000);
    clients.makeFile('rclone-folder/new', `${SEED} new`, 6_000_000);
    await clients.run(rclone, ['sync', folder, 'archive:rclone-made/folder']);
    await clients.run(rclone, ['sync', 'archive:rclone-made/folder', path.join(clients.dir, 'rclone-back')]);
    expect(await digestsBelow(path.join(clients.dir, 'rclone-back'))).toEqual(await digestsBelow(folder));
    await clients.run(rclone, ['check', 'archive:rclone-made/folder', path.join(clients.dir, 'rclone-back')]);
    await clients.run(rclone, ['purge', 'archive:rclone-made']);
    expect(await clients.run(rclone, ['lsd', 'archive:'])).not.toContain('rclone-made');
  });
});

describe('restic', () => {
  it('backs a folder up, checks every byte, and restores it', async (context) => {
    const restic = need(context, 'restic');
    const folder = makeFolder('restic-folder');
    const run = (...args: string[]): Promise<string> => clients.run(restic, ['--cacert', clients.ca, ...args]);
    await run('init');
    await run('backup', 'restic-folder');
    const before = await digestsBelow(folder);
    clients.makeFile('restic-folder/a.bin', `${SEED} changed`, 2_000_000);
    rmSync(path.join(folder, 'deep', '3.txt'));
    await run('backup', 'restic-folder');
    await run('check', '--read-data');
    const snapshots = JSON.parse(await run('snapshots', '--json')) as { id: string }[];
    expect(snapshots).toHaveLength(2);
    await run('restore', snapshots[0]?.id ?? '', '--target', 'restored-first');
    await run('restore', 'latest', '--target', 'restored-latest');
    expect(await digestsBelow(path.join(clients.dir, 'restored-first', 'restic-folder'))).toEqual(before);
    expect(await digestsBelow(path.join(clients.dir, 'restored-latest', 'restic-folder'))).toEqual(await digestsBelow(folder));
  });
});
