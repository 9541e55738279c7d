// PostgreSQL as Debian ships it, with synchronous_commit=on, in a cluster of its own for the time of a measurement: the yardstick.
import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = '/usr/lib/postgresql';
const PORT = 54_329;
const SECONDS = 4;

function programs() {
  if (!existsSync(ROOT)) return undefined;
  const newest = readdirSync(ROOT).sort((a, b) => Number(b) - Number(a)).map((version) => join(ROOT, version, 'bin'));
  return newest.find((bin) => existsSync(join(bin, 'initdb')) && existsSync(join(bin, 'pgbench')));
}

/** `{skipped}` with the reason, or `{version, insert(batch), stop()}`; every insert has the payload and a unique 32-byte digest, as our table has. */
export function startPostgres(payload) {
  const bin = programs();
  if (!bin) return { skipped: 'for want of PostgreSQL with pgbench (Debian: postgresql, postgresql-contrib)' };
  const data = mkdtempSync(join(tmpdir(), '3bot-bench-postgres-'));
  const asUser = process.getuid?.() === 0 ? ['runuser', '-u', 'postgres', '--'] : [];
  if (asUser.length > 0) {
    const id = (flag) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
    chownSync(data, id('-u'), id('-g'));
  }
  const run = (program, args) => {
    const [command, ...rest] = [...asUser, join(bin, program), ...args];
    const done = spawnSync(command, rest, { encoding: 'utf8', cwd: data });
    if (done.status !== 0) throw new Error(`${program}: ${done.stderr}${done.error ?? ''}`);
    return done.stdout;
  };
  run('initdb', ['-D', join(data, 'db'), '-U', 'postgres', '--auth=trust', '--no-sync']);
  const log = join(data, 'log');
  run('pg_ctl', ['-D', join(data, 'db'), '-l', log, '-w', '-o', `-p ${PORT} -k ${data} -c listen_addresses= -c synchronous_commit=on -c fsync=on -c max_connections=100`, 'start']);
  const psql = (sql) => run('psql', ['-h', data, '-p', String(PORT), '-U', 'postgres', '-v', 'ON_ERROR_STOP=1', '-qtAc', sql]).trim();
  psql('CREATE TABLE entries (seq bigserial PRIMARY KEY, leaf bytea NOT NULL, leaf_hash bytea NOT NULL, envelope_digest bytea NOT NULL UNIQUE)');
  return {
    version: psql('SHOW server_version'),
    settings: `synchronous_commit=${psql('SHOW synchronous_commit')}, fsync=${psql('SHOW fsync')}`,
    /** Entries a second from `clients` connections, `batch` rows in each INSERT, one INSERT a transaction. */
    insert: (clients, batch) => {
      psql('TRUNCATE entries; CHECKPOINT');
      const script = join(data, `insert-${batch}.sql`);
      // The digest is made in the server: a client that sends it would cost more.
      const row = `('\\x${Buffer.from(payload).toString('hex')}', '\\x${'11'.repeat(32)}', sha256(uuid_send(gen_random_uuid())))`;
      writeFileSync(script, `INSERT INTO entries (leaf, leaf_hash, envelope_digest) VALUES ${Array(batch).fill(row).join(', ')};\n`, { mode: 0o644 });
      const out = run('pgbench', ['-h', data, '-p', String(PORT), '-U', 'postgres', '-n', '-M', 'simple', '-c', String(clients), '-j', '2', '-T', String(SECONDS), '-f', script, 'postgres']);
      return Number(/tps = ([\d.]+)/.exec(out)?.[1]) * batch;
    },
    stop: () => {
      run('pg_ctl', ['-D', join(data, 'db'), '-m', 'immediate', '-w', 'stop']);
      rmSync(data, { recursive: true, force: true });
    },
  };
}
