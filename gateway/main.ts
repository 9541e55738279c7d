import path from 'node:path';
import { GatewayStart, runGateway } from './daemon.ts';

const closing = new AbortController();
process.once('disconnect', () => process.exit(0));
process.once('SIGTERM', () => { closing.abort(); });
process.once('message', (message) => {
  const start = GatewayStart.parse(message);
  runGateway(start, {
    signal: closing.signal,
    ready: (url) => process.send?.({ type: 'ready', url, ca: path.join(start.dir, 'ca', 'ca.pem') }),
  }).then(() => process.exit(0), (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack ?? error.message : String(error)}\n`);
    process.exit(1);
  });
});
