import { counted, formatMoney } from '../../contract/units.ts';
import { replaceFile } from '../../signer/durable.ts';
import type { Asked } from '../ask.ts';
import { paint } from '../output.ts';
import { printable } from './printable.ts';
import type { StateDir } from '../state-dir.ts';

/** The document that `ask --json` ends with. */
export function accessJson(access: Asked): Record<string, unknown> {
  const { nodes, existing: _existing, ...rest } = access;
  return { ...rest, nodes: nodes.map(({ id, country, city }) => ({ id, country, city })) };
}

function line(label: string, text: string): string {
  return `  ${paint('dim', label.padEnd(12), process.stdout)} ${text}`;
}

function placesOf({ nodes }: Asked): string {
  return `${counted(nodes.length, 'node')}: ${[...new Set(nodes.map((n) => `${n.city}, ${n.country}`))].sort().join(' · ')}`;
}

/** Of anything but an archive: what it is, where it runs and where it answers. */
function renderRunning(access: Exclude<Asked, { bucket: string }>): string {
  return [
    '',
    paint('bold', `Running: ${printable(access.title)}`, process.stdout),
    ...Object.entries(access.endpoints).map(([name, endpoint]) => line(name, endpoint)),
    line('runs on', placesOf(access)),
    line('price', `${formatMoney(BigInt(access.price.month), access.price.currency)} a month`),
    line('contract', access.contract),
  ].join('\n');
}

/** What a person needs to use the archive, with one command to try it. The secret of that command lies in a private file, not in its arguments. */
export async function renderAccess(access: Asked, { state, ca }: { state: StateDir; ca: string }): Promise<string> {
  if (!('bucket' in access)) return renderRunning(access);
  const file = state.part('bot', `${access.deployment.slice(7, 19)}.curl`);
  await replaceFile(file, [
    `cacert = "${ca}"`,
    `user = "${access.accessKeyId}:${access.secretAccessKey}"`,
    `aws-sigv4 = "aws:amz:${access.region}:s3"`,
    'header = "x-amz-content-sha256: UNSIGNED-PAYLOAD"',
    'fail-with-body', 'silent', 'show-error', '',
  ].join('\n'));
  const config = `'${file.replaceAll("'", `'\\''`)}'`;
  return [
    '',
    paint('bold', 'Your archive is running.', process.stdout),
    line('endpoint', access.endpoint),
    line('bucket', access.bucket),
    line('region', access.region),
    line('access key', access.accessKeyId),
    line('secret key', access.secretAccessKey),
    line('CA file', ca),
    line('stored on', placesOf(access)),
    line('survives', `the loss of any ${access.shards.parity} of ${access.shards.data + access.shards.parity} storage nodes`),
    line('price', `${formatMoney(BigInt(access.price.month), access.price.currency)} a month`),
    '',
    'Store a first file, and read it back:',
    `  curl -K ${config} -T README.md ${access.endpoint}/${access.bucket}/README.md && curl -K ${config} ${access.endpoint}/${access.bucket}/README.md | head -3`,
  ].join('\n');
}
