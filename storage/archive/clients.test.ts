import { execFile, spawnSync } from 'node:child_process';
import type { ExecFileOptions } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CREDENTIALS, Cluster, REGION } from './cluster.fixture.ts';

// Clients nobody here wrote, over plain and TLS sockets that forward to a front end's Unix socket as the gateway does.

const has = (command: string, ...args: string[]): boolean => spawnSync(command, args, { stdio: 'ignore', timeout: 20_000 }).status === 0;
const HAVE = {
  aws: has('aws', '--version'), rclone: has('rclone', 'version'), restic: has('restic', 'version'),
  boto3: has('python3', '-c', 'import boto3'), openssl: has('openssl', 'version'),
};

let cluster: Cluster;
let work: string;
let plain: { url: string; server: Server };
let tls: { url: string; server: Server } | null = null;
const open = new Set<Socket>();

function forward(socket: Socket): void {
  const inner = connect((cluster.fronts[open.size % cluster.fronts.length] as { socket: string }).socket);
  for (const [a, b] of [[socket, inner], [inner, socket]] as const) {
    open.add(a);
    a.on('error', () => b.destroy());
    a.on('close', () => { open.delete(a); b.destroy(); });
  }
  socket.pipe(inner);
  inner.pipe(socket);
}

async function listen(server: Server, scheme: string): Promise<{ url: string; server: Server }> {
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return { url: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

function run(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const options: ExecFileOptions = {
    cwd: work, timeout: 60_000, maxBuffer: 16 * 1024 * 1024,
    env: {
      PATH: process.env['PATH'], HOME: work, AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_DEFAULT_REGION: REGION, AWS_EC2_METADATA_DISABLED: 'true', PYTHONWARNINGS: 'ignore', ...env,
      // rclone does not start with it set.
      ...(command === 'rclone' ? {} : { AWS_CA_BUNDLE: join(work, 'cert.pem') }),
    },
  };
  return new Promise((resolve, reject) => {
    execFile(command, [...args], options, (error, stdout, stderr) => {
      if (error) reject(new Error(`${command} ${args.join(' ')}: ${error.message}\n${String(stdout)}\n${String(stderr)}`));
      else resolve(String(stdout));
    });
  });
}

beforeAll(async () => {
  cluster = await Cluster.start({ fronts: 2 });
  work = join(cluster.dir, 'work');
  await mkdir(work);
  plain = await listen(createServer(forward), 'http');
  if (HAVE.openssl) {
    spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1',
      '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', join(work, 'key.pem'), '-out', join(work, 'cert.pem')], { stdio: 'ignore' });
    const [key, cert] = await Promise.all([readFile(join(work, 'key.pem')), readFile(join(work, 'cert.pem'))]);
    tls = await listen(createTlsServer({ key, cert }, forward), 'https');
  }
}, 60_000);

afterAll(async () => {
  for (const socket of open) socket.destroy();
  plain.server.close();
  tls?.server.close();
  await cluster.close();
});

const endpoints = (): { name: string; url: () => string }[] => [
  { name: 'plain HTTP', url: () => plain.url },
  ...(HAVE.openssl ? [{ name: 'TLS', url: (): string => tls?.url ?? '' }] : []),
];

describe.skipIf(!HAVE.boto3)(`boto3${HAVE.boto3 ? '' : ' (python3-boto3 is not installed)'}`, () => {
  it.each(endpoints())('does buckets, objects, ranges, listings, multipart, copies, deletions and presigned URLs over $name', async ({ name, url }) => {
    const script = `
import boto3, hashlib, os, io, urllib.request, ssl
from botocore.exceptions import ClientError
from boto3.s3.transfer import TransferConfig
s3 = boto3.client('s3', endpoint_url=os.environ['URL'])
b = os.environ['BUCKET']
s3.create_bucket(Bucket=b, CreateBucketConfiguration={'LocationConstraint': '${REGION}'})
assert b in [x['Name'] for x in s3.list_buckets()['Buckets']]
assert s3.get_bucket_location(Bucket=b)['LocationConstraint'] == '${REGION}'
s3.head_bucket(Bucket=b)
assert 'Status' not in s3.get_bucket_versioning(Bucket=b)
body = os.urandom(300000)
key = "dir one/ü+&<>'\\"%25?#=.bin"
r = s3.put_object(Bucket=b, Key=key, Body=body, Metadata={'who': 'me'}, ContentType='text/x-test', CacheControl='no-store')
assert r['ETag'] == '"' + hashlib.md5(body).hexdigest() + '"', r
g = s3.get_object(Bucket=b, Key=key)
assert g['Body'].read() == body and g['Metadata'] == {'who': 'me'} and g['ContentType'] == 'text/x-test' and g['CacheControl'] == 'no-store'
g = s3.get_object(Bucket=b, Key=key, Range='bytes=100-299')
assert g['Body'].read() == body[100:300] and g['ContentRange'] == 'bytes 100-299/300000', g
assert s3.get_object(Bucket=b, Key=key, Range='bytes=-7')['Body'].read() == body[-7:]
for want, kw in [('InvalidRange', dict(Range='bytes=300000-')), ('304', dict(IfNoneMatch=r['ETag'])), ('PreconditionFailed', dict(IfMatch='"x"'))]:
    try: s3.get_object(Bucket=b, Key=key, **kw); assert False, want
    except ClientError as e: assert e.response['Error']['Code'] == want, e.response
s3.put_object(Bucket=b, Key='empty', Body=b'')
assert s3.get_object(Bucket=b, Key='empty')['Body'].read() == b''
s3.put_object(Bucket=b, Key='stream', Body=io.BytesIO(body))
s3.put_object(Bucket=b, Key='sha', Body=body, ChecksumAlgorithm='SHA256')
assert s3.get_object(Bucket=b, Key='sha', ChecksumMode='ENABLED')['Body'].read() == body
for i in range(25): s3.put_object(Bucket=b, Key='p/%02d/x' % i, Body=b'1')
pages = list(s3.get_paginator('list_objects_v2').paginate(Bucket=b, Prefix='p/', Delimiter='/', PaginationConfig={'PageSize': 7}))
assert [c['Prefix'] for p in pages for c in p['CommonPrefixes']] == ['p/%02d/' % i for i in range(25)] and len(pages) == 4
assert len([c for p in s3.get_paginator('list_objects').paginate(Bucket=b, PaginationConfig={'PageSize': 7}) for c in p.get('Contents', [])]) == 29
assert key in [c['Key'] for c in s3.list_objects_v2(Bucket=b)['Contents']]
big = os.urandom(13 * 1024 * 1024 + 17)
cfg = TransferConfig(multipart_threshold=6*1024*1024, multipart_chunksize=6*1024*1024, max_concurrency=3)
s3.upload_fileobj(io.BytesIO(big), b, 'big', Config=cfg)
out = io.BytesIO(); s3.download_fileobj(b, 'big', out, Config=cfg)
assert out.getvalue() == big
h = s3.head_object(Bucket=b, Key='big'); assert h['ETag'].endswith('-3"') and h['ContentLength'] == len(big), h
assert s3.get_object(Bucket=b, Key='big', Range='bytes=6291400-6291500')['Body'].read() == big[6291400:6291501]
u = s3.create_multipart_upload(Bucket=b, Key='mp')['UploadId']
e1 = s3.upload_part(Bucket=b, Key='mp', UploadId=u, PartNumber=2, Body=b'tail')['ETag']
e0 = s3.upload_part_copy(Bucket=b, Key='mp', UploadId=u, PartNumber=1, CopySource={'Bucket': b, 'Key': 'big'}, CopySourceRange='bytes=0-5242879')['CopyPartResult']['ETag']
assert [p['PartNumber'] for p in s3.list_parts(Bucket=b, Key='mp', UploadId=u)['Parts']] == [1, 2]
assert [x['UploadId'] for x in s3.list_multipart_uploads(Bucket=b)['Uploads']] == [u]
parts = {'Parts': [{'PartNumber': 1, 'ETag': e0}, {'PartNumber': 2, 'ETag': e1}]}
done = s3.complete_multipart_upload(Bucket=b, Key='mp', UploadId=u, MultipartUpload=parts)
assert s3.complete_multipart_upload(Bucket=b, Key='mp', UploadId=u, MultipartUpload=parts)['ETag'] == done['ETag']
assert s3.get_object(Bucket=b, Key='mp')['Body'].read() == big[:5242880] + b'tail'
u = s3.create_multipart_upload(Bucket=b, Key='mp2')['UploadId']
s3.upload_part(Bucket=b, Key='mp2', UploadId=u, PartNumber=1, Body=b'x')
s3.abort_multipart_upload(Bucket=b, Key='mp2', UploadId=u)
assert 'Uploads' not in s3.list_multipart_uploads(Bucket=b)
s3.copy_object(Bucket=b, Key='copy', CopySource={'Bucket': b, 'Key': key})
c = s3.get_object(Bucket=b, Key='copy'); assert c['Body'].read() == body and c['Metadata'] == {'who': 'me'}
link = s3.generate_presigned_url('get_object', Params={'Bucket': b, 'Key': 'copy'}, ExpiresIn=60)
ctx = ssl.create_default_context(cafile=os.environ['AWS_CA_BUNDLE']) if link.startswith('https') else None
assert urllib.request.urlopen(link, context=ctx).read() == body
try: s3.delete_bucket(Bucket=b); assert False
except ClientError as e: assert e.response['Error']['Code'] == 'BucketNotEmpty', e.response
for code, call in [('NoSuchKey', lambda: s3.get_object(Bucket=b, Key='nope')), ('NoSuchBucket', lambda: s3.list_objects_v2(Bucket='nope-nope')), ('NotImplemented', lambda: s3.put_bucket_versioning(Bucket=b, VersioningConfiguration={'Status': 'Enabled'})), ('SignatureDoesNotMatch', lambda: boto3.client('s3', endpoint_url=os.environ['URL'], aws_access_key_id='${CREDENTIALS.accessKeyId}', aws_secret_access_key='wrong').list_buckets())]:
    try: call(); assert False, code
    except ClientError as e: assert e.response['Error']['Code'] == code, e.response
names = [c['Key'] for p in s3.get_paginator('list_objects_v2').paginate(Bucket=b) for c in p['Contents']]
r = s3.delete_objects(Bucket=b, Delete={'Objects': [{'Key': n} for n in names]})
assert len(r['Deleted']) == len(names) and 'Errors' not in r, r
s3.delete_bucket(Bucket=b)
print('all good')
`;
    const out = await run('python3', ['-c', script], { URL: url(), BUCKET: `boto-${name === 'TLS' ? 'tls' : 'plain'}` });
    expect(out).toContain('all good');
  }, 120_000);
});

describe.skipIf(!HAVE.aws)(`awscli${HAVE.aws ? '' : ' (awscli is not installed)'}`, () => {
  it.each(endpoints())('copies a file up and down in parts over $name', async ({ url }) => {
    const body = randomBytes(10 * 1024 * 1024 + 5);
    await writeFile(join(work, 'up'), body);
    await run('aws', ['--endpoint-url', url(), 's3', 'cp', '--no-progress', 'up', 's3://first/aws/up']);
    expect(await run('aws', ['--endpoint-url', url(), 's3', 'ls', 's3://first/aws/'])).toContain(String(body.length));
    await run('aws', ['--endpoint-url', url(), 's3', 'cp', '--no-progress', 's3://first/aws/up', 'down']);
    expect((await readFile(join(work, 'down'))).equals(body)).toBe(true);
    await run('aws', ['--endpoint-url', url(), 's3', 'rm', 's3://first/aws/up']);
  }, 120_000);
});

describe.skipIf(!HAVE.rclone)(`rclone${HAVE.rclone ? '' : ' (rclone is not installed)'}`, () => {
  it('syncs a folder up, checks it and syncs it down', async () => {
    await mkdir(join(work, 'tree', 'sub'), { recursive: true });
    for (let i = 0; i < 12; i++) await writeFile(join(work, 'tree', i % 2 ? 'sub' : '.', `f ${i}ä`), randomBytes(i * 70_000));
    const env = {
      RCLONE_CONFIG: join(work, 'rclone.conf'), RCLONE_S3_PROVIDER: 'Other', RCLONE_S3_ENDPOINT: plain.url, RCLONE_S3_REGION: REGION,
      RCLONE_S3_ENV_AUTH: 'true', RCLONE_S3_CHUNK_SIZE: '5M', RCLONE_S3_UPLOAD_CUTOFF: '5M',
    };
    await writeFile(join(work, 'tree', 'large'), randomBytes(11_000_000));
    await run('rclone', ['sync', 'tree', ':s3:first/tree'], env);
    await run('rclone', ['check', 'tree', ':s3:first/tree'], env);
    await run('rclone', ['sync', ':s3:first/tree', 'back'], env);
    await run('rclone', ['check', 'tree', 'back'], env);
    await run('rclone', ['purge', ':s3:first/tree'], env);
    expect(await run('rclone', ['lsf', '-R', ':s3:first/tree'], env).catch(() => '')).toBe('');
  }, 120_000);
});

describe.skipIf(!HAVE.restic)(`restic${HAVE.restic ? '' : ' (restic is not installed)'}`, () => {
  it('backs up and restores a folder', async () => {
    await mkdir(join(work, 'home'), { recursive: true });
    const body = randomBytes(3_000_000);
    await writeFile(join(work, 'home', 'file'), body);
    const env = { RESTIC_PASSWORD: 'test', RESTIC_REPOSITORY: `s3:${plain.url}/first/restic`, RESTIC_CACHE_DIR: join(work, 'cache') };
    await run('restic', ['init'], env);
    await run('restic', ['backup', 'home'], env);
    await run('restic', ['check'], env);
    await run('restic', ['restore', 'latest', '--target', 'restored'], env);
    const back = await readFile(join(work, 'restored', 'home', 'file'));
    expect(createHash('sha256').update(back).digest('hex')).toBe(createHash('sha256').update(body).digest('hex'));
    await rm(join(work, 'restored'), { recursive: true });
  }, 120_000);
});
