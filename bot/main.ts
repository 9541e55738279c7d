import { z } from 'zod';
import { Digest } from '../contract/digest.ts';
import { serveBot } from './chat/server.ts';
import { openBot } from './open.ts';
import { publishedLibrary } from './published.ts';
import { sealMissingSecrets } from './steward/secrets.ts';

const Start = z.strictObject({
  type: z.literal('start'),
  ledger: z.url(),
  grid: Digest,
  dir: z.string(),
  host: z.string(),
  port: z.int().min(0).max(65_535),
  keystore: z.strictObject({ dir: z.string(), unlock: z.string() }),
});

/** Looks again even when nothing was heard, should a submission have failed. */
const STEWARD_EVERY_MS = 2000;

process.once('disconnect', () => process.exit(0));
process.once('SIGTERM', () => process.exit(0));
process.once('message', (message) => {
  run(Start.parse(message)).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  });
});

async function run({ ledger, grid, dir, host, port, keystore }: z.infer<typeof Start>): Promise<void> {
  // Nobody sits at this process: a bot's keystore with a passphrase is opened by the agent that its starter names.
  const context = await openBot({ ledger, grid, dir, keystore: { ...keystore, unlocking: { agent: process.env['THREEBOT_AGENT'] } }, signal: new AbortController().signal });
  const { url } = await serveBot(context, { host, port });
  process.send?.({ type: 'ready', url });
  let published = Object.keys(context.follower.state().blueprints).length;
  context.follower.onChange(() => {
    const now = Object.keys(context.follower.state().blueprints).length;
    if (now === published) return;
    published = now;
    publishedLibrary(context.follower).then((library) => { context.library = library; }, () => undefined);
  });
  let working = false;
  const steward = (): void => {
    if (working) return;
    working = true;
    sealMissingSecrets(context)
      .catch((error: unknown) => process.stderr.write(`steward: ${error instanceof Error ? error.message : String(error)}\n`))
      .finally(() => { working = false; });
  };
  context.follower.onChange(steward);
  setInterval(steward, STEWARD_EVERY_MS);
}
