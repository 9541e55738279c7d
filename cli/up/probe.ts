import { createHmac, createHash, randomBytes } from 'node:crypto';
import { request } from 'node:https';
import type { ArchiveAccess } from '../../bot/tools/deployments.ts';
import { Refusal } from '../refusal.ts';

const TIMEOUT_MS = 30_000;

/** Stores an object through the published endpoint, reads it back and deletes it: what a first user would do. */
export async function probeArchive(access: ArchiveAccess, ca: string): Promise<void> {
  const key = `3bot-probe-${randomBytes(6).toString('hex')}`;
  const body = randomBytes(64 * 1024);
  const call = (method: string, payload?: Buffer): Promise<{ status: number; body: Buffer }> => s3Request({ access, ca, method, path: `/${access.bucket}/${key}`, ...(payload && { payload }) });
  const put = await call('PUT', body);
  const got = await call('GET');
  const deleted = await call('DELETE');
  if (put.status !== 200 || got.status !== 200 || !got.body.equals(body) || deleted.status !== 204) {
    throw new Refusal({ code: 'probe_failed', message: `the archive answered put ${put.status}, get ${got.status}${got.body.equals(body) ? '' : ' with other bytes'}, delete ${deleted.status}` });
  }
}

interface S3Call { readonly access: ArchiveAccess; readonly ca: string; readonly method: string; readonly path: string; readonly payload?: Buffer }

/** One request signed with AWS Signature Version 4 (header form), as any S3 client makes it. */
function s3Request({ access, ca, method, path, payload }: S3Call): Promise<{ status: number; body: Buffer }> {
  const url = new URL(path, access.endpoint);
  const time = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
  const scope = `${time.slice(0, 8)}/${access.region}/s3/aws4_request`;
  const bodyHash = createHash('sha256').update(payload ?? '').digest('hex');
  const headers = { host: url.host, 'x-amz-content-sha256': bodyHash, 'x-amz-date': time };
  const signed = Object.keys(headers).join(';');
  const canonical = [method, url.pathname, '', ...Object.entries(headers).map(([k, v]) => `${k}:${v}`), '', signed, bodyHash].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', time, scope, createHash('sha256').update(canonical).digest('hex')].join('\n');
  const signingKey = scope.split('/').reduce<string | Buffer>((key, part) => createHmac('sha256', key).update(part).digest(), `AWS4${access.secretAccessKey}`);
  const signature = createHmac('sha256', signingKey).update(toSign).digest('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${access.accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`;
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, ca, timeout: TIMEOUT_MS, headers: { ...headers, authorization, ...(payload && { 'content-length': payload.length }) } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => { resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }); });
      response.on('error', reject);
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer in ${TIMEOUT_MS / 1000} s`)));
    outgoing.on('error', reject);
    outgoing.end(payload);
  });
}
