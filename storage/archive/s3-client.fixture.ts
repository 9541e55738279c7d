import { request } from 'node:http';
import { CREDENTIALS, REGION } from './cluster.fixture.ts';
import { canonicalRequest, sha256Hex, sign, signingKey } from './s3/sigv4.ts';

export interface Answer { readonly status: number; readonly headers: Record<string, string | string[] | undefined>; readonly body: Buffer }

export interface Call {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: Buffer | string;
  readonly unsignedPayload?: boolean;
  /** What the signature is made over, when it is not the body that is sent. */
  readonly signedBody?: string;
}

/** One signed request to a front end's socket. The signing is proved against foreign clients in clients.test.ts. */
export function s3(socketPath: string, target: string, call: Call = {}): Promise<Answer> {
  const method = call.method ?? 'GET';
  const body = Buffer.from(call.body ?? '');
  const date = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
  const hash = call.unsignedPayload ? 'UNSIGNED-PAYLOAD' : sha256Hex(call.signedBody ?? body);
  const headers: Record<string, string> = { host: 'archive.test', 'x-amz-date': date, 'x-amz-content-sha256': hash, ...call.headers };
  if (body.length > 0 || method === 'PUT' || method === 'POST') headers['content-length'] = String(body.length);
  const signed = Object.keys(headers).map((h) => h.toLowerCase()).sort();
  const [path = '', query = ''] = target.split('?');
  const pairs = query.split('&').filter((p) => p !== '').map((p): [string, string] => {
    const at = p.indexOf('=');
    return at < 0 ? [p, ''] : [decodeURIComponent(p.slice(0, at)), decodeURIComponent(p.slice(at + 1))];
  });
  const canonical = canonicalRequest({ method, path, query: pairs, rawHeaders: Object.entries(headers).flat() }, signed, hash);
  const scope = `${date.slice(0, 8)}/${REGION}/s3/aws4_request`;
  const signature = sign(signingKey(CREDENTIALS.secretAccessKey, date.slice(0, 8), REGION, 's3'), `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256Hex(canonical)}`);
  headers['authorization'] ??= `AWS4-HMAC-SHA256 Credential=${CREDENTIALS.accessKeyId}/${scope}, SignedHeaders=${signed.join(';')}, Signature=${signature}`;
  return new Promise((resolve, reject) => {
    const r = request({ socketPath, method, path: target, headers, agent: false }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => { pieces.push(piece); });
      response.on('error', reject);
      response.on('end', () => { resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) }); });
    });
    r.on('error', reject);
    r.end(body);
  });
}
