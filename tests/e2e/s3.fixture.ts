import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import type { Archive } from './grid.fixture.ts';

const TIMEOUT_MS = 15_000;

export interface S3Reply { readonly status: number; readonly body: Buffer }
export type S3 = (method: 'PUT' | 'GET' | 'DELETE', key: string, payload?: Buffer) => Promise<S3Reply>;

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');

/** Signs as any S3 client does (Signature Version 4, headers), without retries: one call, one answer or error. Keys are plain: letters, digits, `/`, `-`. */
export function s3Of(archive: Archive, ca: string): S3 {
  const { endpoint, bucket, region, accessKeyId, secretAccessKey } = archive;
  const trusted = readFileSync(ca);
  return (method, key, payload) => {
    const url = new URL(`/${bucket}/${key}`, endpoint);
    const time = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
    const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`;
    const headers = { host: url.host, 'x-amz-content-sha256': sha256(payload ?? ''), 'x-amz-date': time };
    const signed = Object.keys(headers).join(';');
    const canonical = [method, url.pathname, '', ...Object.entries(headers).map(([name, value]) => `${name}:${value}`), '', signed, headers['x-amz-content-sha256']].join('\n');
    const signingKey = scope.split('/').reduce<string | Buffer>((secret, part) => createHmac('sha256', secret).update(part).digest(), `AWS4${secretAccessKey}`);
    const signature = createHmac('sha256', signingKey).update(['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')).digest('hex');
    const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`;
    return new Promise((resolve, reject) => {
      const outgoing = request(url, { method, ca: trusted, timeout: TIMEOUT_MS, headers: { ...headers, authorization, 'content-length': payload?.length ?? 0 } }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => { resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }); });
      });
      outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer in ${TIMEOUT_MS} ms`)));
      outgoing.on('error', reject);
      outgoing.end(payload);
    });
  };
}
