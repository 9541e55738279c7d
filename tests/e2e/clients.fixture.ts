import { spawn, spawnSync } from 'node:child_process';
import { createCipheriv, createHash } from 'node:crypto';
import { accessSync, constants, createReadStream, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'vitest';
import type { Archive } from './grid.fixture.ts';

/** Programs that others wrote, on the endpoint as printed. Credentials reach them by environment or private file only. */

const RUN_MS = 170_000;
const MAX_SHOWN = 4000;

const ACCEPTED = {
  aws: { args: ['--version'], package: 'awscli' },
  python3: { args: ['-c', 'import boto3'], package: 'python3-boto3' },
  rclone: { args: ['version'], package: 'rclone' },
  restic: { args: ['version'], package: 'restic' },
  curl: { args: ['--version'], package: 'curl' },
} as const;
export type Program = keyof typeof ACCEPTED;

/** The first of that name on the PATH, or among Debian's own, that works; else the test is skipped and says for want of what. */
export function need(context: TestContext, name: Program): string {
  const { args, package: wanted } = ACCEPTED[name];
  const found = [...(process.env['PATH'] ?? '').split(':'), '/usr/bin'].map((folder) => path.join(folder, name)).find((file) => isExecutable(file) && spawnSync(file, args, { stdio: 'ignore' }).status === 0);
  return found ?? context.skip(`for want of ${wanted}: apt-get install ${wanted}`);
}

export interface Clients {
  /** A private folder for what they read and write. */
  readonly dir: string;
  /** File with the CA of the endpoint's certificate. */
  readonly ca: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs a program to its end; returns its standard output. @throws with what it said when it does not end with 0. */
  run(program: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>;
  /** Writes a file of pseudo-random bytes, the same for the same seed; returns its SHA-256. */
  makeFile(name: string, seed: string, bytes: number): string;
  clean(): void;
}

/** Sets every client up for an archive, each in the way its own documentation says. */
export function setUpClients(archive: Archive, ca: string): Clients {
  const dir = mkdtempSync(path.join(tmpdir(), '3bot-clients-'));
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(AWS_|RCLONE_|RESTIC_)|_proxy$/i.test(name)));
  const env = {
    ...own as Record<string, string>,
    ENDPOINT: archive.endpoint,
    BUCKET: archive.bucket,
    AWS_ACCESS_KEY_ID: archive.accessKeyId,
    AWS_SECRET_ACCESS_KEY: archive.secretAccessKey,
    AWS_DEFAULT_REGION: archive.region,
    AWS_CONFIG_FILE: path.join(dir, 'aws.config'),
    AWS_SHARED_CREDENTIALS_FILE: path.join(dir, 'aws.credentials'),
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_PAGER: '',
    // For awscli, boto3 and what reads no other: rclone refuses to start with AWS_CA_BUNDLE, restic 0.14 has only an argument.
    CA: ca,
    RCLONE_CONFIG: path.join(dir, 'rclone.conf'),
    RCLONE_CA_CERT: ca,
    RESTIC_REPOSITORY: `s3:${archive.endpoint}/${archive.bucket}/restic`,
    RESTIC_PASSWORD: 'correct horse battery staple',
    RESTIC_CACHE_DIR: path.join(dir, 'restic-cache'),
    RESTIC_PROGRESS_FPS: '0',
  };
  const write = (name: string, lines: readonly string[]): void => { writeFileSync(path.join(dir, name), `${lines.join('\n')}\n`, { mode: 0o600 }); };
  write('rclone.conf', [
    '[archive]', 'type = s3', 'provider = Other', `endpoint = ${archive.endpoint}`, `region = ${archive.region}`,
    `access_key_id = ${archive.accessKeyId}`, `secret_access_key = ${archive.secretAccessKey}`,
  ]);
  return {
    dir,
    ca,
    env,
    run: (program, args, more) => run(program, args, { cwd: dir, env: { ...env, ...more } }),
    makeFile: (name, seed, bytes) => {
      // AES-CTR over zeros: fast, and no two blocks are the same.
      const data = createCipheriv('aes-256-ctr', createHash('sha256').update(seed).digest(), Buffer.alloc(16)).update(Buffer.alloc(bytes));
      writeFileSync(path.join(dir, name), data);
      return createHash('sha256').update(data).digest('hex');
    },
    clean: () => { rmSync(dir, { recursive: true, force: true }); },
  };
}

function run(program: string, args: readonly string[], { cwd, env }: { cwd: string; env: Record<string, string> }): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: RUN_MS, killSignal: 'SIGKILL' });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (data: Buffer) => stdout.push(data));
    child.stderr.on('data', (data: Buffer) => stderr.push(data));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      const said = Buffer.concat(stdout).toString('utf8');
      if (code === 0) resolve(said);
      else reject(new Error(`${path.basename(program)} ${args.join(' ')} ended with ${signal ?? `code ${code ?? '?'}`}\n${said.slice(-MAX_SHOWN)}\n${Buffer.concat(stderr).toString('utf8').slice(-MAX_SHOWN)}`));
    });
  });
}

/** SHA-256 of a file, in hex. */
export async function sha256File(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}

/** Every file below a folder by its path, with its digest: two folders with the same are the same. */
export async function digestsBelow(folder: string): Promise<Record<string, string>> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  return Object.fromEntries(await Promise.all(files.sort().map(async (file) => [path.relative(folder, file), await sha256File(file)] as const)));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
