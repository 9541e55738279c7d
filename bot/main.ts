import path from 'node:path';
import { z } from 'zod';
import { Digest } from '../contract/digest.ts';
import { openChat } from './chat/open.ts';
import { serveBot } from './chat/server.ts';
import { openBot } from './open.ts';
import { sealMissingSecrets } from './steward/secrets.ts';

const Start = z.strictObject({
  type: z.literal('start'),
  ledger: z.url(),
  grid: Digest,
  dir: z.string(),
  host: z.string(),
  port: z.int().min(0).max(65_535),
  keystore: z.strictObject({ dir: z.string(), unlock: z.string() }),
  /** Bearer token of what changes anything. */
  token: z.string().regex(/^[\w-]{32,128}$/),
  /** Settings of a language model; may be absent. */
  model: z.string(),
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

async function run({ ledger, grid, dir, host, port, keystore, token, model }: z.infer<typeof Start>): Promise<void> {
  // Nobody sits at this process: a bot's keystore with a passphrase is opened by the agent that its starter names.
  const context = await openBot({ ledger, grid, dir, keystore: { ...keystore, unlocking: { agent: process.env['THREEBOT_AGENT'] } }, signal: new AbortController().signal });
  const chat = await openChat(context, { file: path.join(dir, 'conversations.db'), modelFile: model, env: process.env, warn: (text) => process.stderr.write(`${text}\n`) });
  const { url } = await serveBot({ context: chat.tools, session: chat.session, token }, { host, port });
  chat.serveAt(url);
  process.send?.({ type: 'ready', url });
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
