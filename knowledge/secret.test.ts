import { describe, expect, it } from 'vitest';
import { canonicalValue, Parameter } from './parameter.ts';
import { holdsSecret, isSecretPair } from './secret.ts';

describe('a variable', () => {
  it.each([
    'PASSPHRASE', 'API_KEYS', 'GITHUB_PAT', 'APITOKEN', 'ACCESSKEY', 'DBPASS', 'AUTH_JWT', 'TOKENS', 'DSN', 'DB_PASSWORD', 'PGPASSWORD', 'dbPassword', 'api_key', 'api-key', 'SECRET', 'MYSQL_PWD', 'AWS_SECRET_ACCESS_KEY', 'MOT_DE_PASSE', 'PASSWORT',
    'KENNWORT', 'CONTRASENA', 'WACHTWOORD', 'SEGRETO', 'SENTRY_DSN', 'BASIC_AUTH', 'AUTHORIZATION', 'GCP_CREDENTIALS', 'MONKEY_KEY', 'COM_PASSWORD', 'BYPASSWORD', 'ConnectionString', 'WIFI_PSK',
  ])('%s is a secret', (name) => {
    expect(isSecretPair(name, 'hunter2')).toBe(true);
  });

  it.each([
    ['MONKEY', 'bars'], ['KEYBOARD', 'de'], ['PATH', '/bin'], ['PATTERN', 'a*'], ['VALKEY_MODE', 'x'], ['KEYCLOAK_REALM', 'shop'], ['COMPASS', 'north'], ['AUTHOR', 'Jo'], ['TOKENIZERS_PARALLELISM', 'false'], ['MAX_TOKENS', '4096'], ['DB_PASSWORD_FILE', '/run/secrets/db'],
    ['ALLOW_EMPTY_PASSWORD', 'yes'], ['AUTH_TYPE', 'oidc'], ['TOKEN_URL', 'https://login.example.org/token'], ['PUBLIC_KEY', 'abc'], ['MODE', 'production'], ['MAIL_FROM', 'jo@example.org'], ['KEY_BITS', '2048'], ['JAVA_OPTS', '-Xmx512m -Dmode=fast'], ['DATABASE_URL', 'postgres://db:5432/app'], ['PASSWORD', ''],
    ['PROXY', 'http://proxy:8080/a@b'],
  ])('%s=%s is none', (name, value) => {
    expect(isSecretPair(name, value)).toBe(false);
  });
});

describe('a text', () => {
  it.each([
    'https://bob:ghp_0123456789abcdef@github.com/acme/site.git', 'https://ghp_0123@github.com/acme/site.git', 'ftp://me:hunter2@example.org/data', 'postgres://app:hunter2@db/app', 'https://bob:a/b@example.org', 'bob:hunter2@example.org/site', 'ssh://git:hunter2@example.org/a.git',
    's3::https://a:b@c/d', 'https:\\\\a:b@example.org', 'https://example.org/a.zip?token=abc', 'env A=PASSWORD=hunter2', 'https://x.blob.core.windows.net/a?sv=1&sig=0123456789abcdef', 'https://bucket.s3.amazonaws.com/a?X-Amz-Signature=0123456789abcdef',
    'backup --password=hunter2', 'backup --password hunter2', 'backup -password hunter2', 'run --token abc', 'run --secret=abc', 'PGPASSWORD=hunter2 psql', 'curl -u bob:hunter2 example.org', 'curl -H "Authorization: Bearer 0123456789abcdef"', 'curl -H "X-Api-Key: 0123456789"',
    '{"password":"hunter2"}', 'Server=db;AccountKey=0123456789abcdef', '-----BEGIN OPENSSH PRIVATE KEY-----', 'push ghp_0123456789abcdef', 'x AKIA0123456789ABCDEF', 'eyJhbGciOiJIUzI1.eyJzdWIi.x',
  ])('%s holds one', (text) => {
    expect(holdsSecret(text)).toBe(true);
  });

  it.each([
    'https://github.com/acme/site.git', 'git@github.com:acme/docs.git', 'ssh://git@github.com/acme/docs.git', 's3://research/images', '/mnt/messwerte', 'https://unpkg.com/lib@1.2.0/a.js', 'https://example.org:8443/@jo/site', 'none', 'https://example.org/a.git;rm$IFS-rf',
    'python train.py', 'echo "a b" && ls $HOME', 'sort -t: -k2 --key 2', 'psql --password=$PGPASSWORD', 'run --token-file /run/secrets/token', 'train --tokenizer gpt2 --max-tokens 100', 'python -c "print(sorted(a, key=len))"', 'mail jo@example.org', 'ssh -i /keys/a jo@example.org', 'rsync a host:b',
  ])('%s holds none', (text) => {
    expect(holdsSecret(text)).toBe(false);
  });

  it('is looked through in time, however it is made', () => {
    const started = performance.now();
    for (const part of ['a', 'a:', '://', '-a ', 'a= ', ' ', '"', '://a:', 'eyJ', 'basic ', '-----BEGIN ', 'a@', 'A_'] ) holdsSecret(part.repeat(Math.floor(1024 / part.length)));
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe('a parameter', () => {
  const make = (type: string): Parameter => Parameter.parse({ type, description: 'x' });

  it.each<[string, unknown, string]>([
    ['pairs', { MODE: 'x', PASSPHRASE: 'hunter2' }, 'PASSPHRASE'],
    ['pairs', 'MODE=x,GITHUB_PAT=hunter2', 'GITHUB_PAT'],
    ['pairs', { DATABASE_URL: 'postgres://app:hunter2@db/app' }, 'DATABASE_URL'],
    ['location', 'https://bob:hunter2@github.com/acme/site.git', 'address'],
    ['command', 'backup --password=hunter2', 'command'],
  ])('%s refuses %j, and does not say it again', (type, raw, named) => {
    const refused = canonicalValue(make(type), raw);
    expect(refused).toMatchObject({ ok: false, message: expect.stringContaining(named) as string });
    expect(JSON.stringify(refused)).not.toContain('hunter2');
  });

  it('refuses what is no address or variable without saying what may be secret in it', () => {
    for (const [type, raw] of [['location', 'https://bob:hunter2@x y'], ['pairs', 'A B=hunter2'], ['command', 'run --password hunter2\u0000']] as const) {
      const refused = canonicalValue(make(type), raw);
      expect(refused.ok).toBe(false);
      expect(JSON.stringify(refused)).not.toContain('hunter2');
    }
  });
});
