import { randomBytes } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { serveStdio, StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { createSession, type Session } from './server.ts';
import type { Surface } from './surface.ts';

/** Bytes of one message. */
const MAX_MESSAGE = 1024 * 1024;

/** Serves one client over two streams, in whichever revision it opens with; resolves when it has gone. */
export async function serveMcpStdio(surface: Surface, { input, output, log }: { readonly input: Readable; readonly output: Writable; readonly log: (line: string) => void }): Promise<void> {
  const dispatch = { surface, key: randomBytes(32), log };
  const sessions = new Set<Session>();
  const gone = new Promise<void>((resolve) => {
    input.once('end', resolve);
    input.once('close', resolve);
    output.once('close', resolve);
  });
  const handle = serveStdio(({ era }) => {
    const session = createSession(dispatch, { visitor: 'stdio', era });
    sessions.add(session);
    session.server.server.onclose = () => { sessions.delete(session); };
    return session.server;
  }, { transport: new StdioServerTransport(input, output, { maxBufferSize: MAX_MESSAGE }), onerror: (error) => { log(error.message); } });
  const stop = surface.watch?.((change) => { for (const { announce } of sessions) announce(change); });
  await gone;
  stop?.();
  await handle.close();
}
