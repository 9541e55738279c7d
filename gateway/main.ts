import path from 'node:path';
import { z } from 'zod';
import { Digest } from '../contract/digest.ts';
import { Location, Rates } from '../contract/entry.ts';
import { Label } from '../contract/units.ts';
import { runGateway } from './daemon.ts';

const Start = z.strictObject({
  type: z.literal('start'),
  ledger: z.url(),
  grid: Digest,
  dir: z.string(),
  name: Label,
  location: Location,
  port: z.int().min(0).max(65_535),
  domain: z.string().max(200),
  keystore: z.strictObject({ dir: z.string(), unlock: z.string() }),
  rates: Rates,
});
export type GatewayStart = z.infer<typeof Start>;

const closing = new AbortController();
process.once('disconnect', () => process.exit(0));
process.once('SIGTERM', () => { closing.abort(); });
process.once('message', (message) => {
  const start = Start.parse(message);
  runGateway(start, {
    signal: closing.signal,
    ready: (url) => process.send?.({ type: 'ready', url, ca: path.join(start.dir, 'ca', 'ca.pem') }),
  }).then(() => process.exit(0), (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack ?? error.message : String(error)}\n`);
    process.exit(1);
  });
});
