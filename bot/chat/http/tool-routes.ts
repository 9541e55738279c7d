import { Hono } from 'hono';
import { toolsFor } from '../../tools/catalogue.ts';
import type { ToolContext } from '../../tools/tool.ts';
import { checkToken, takesToken } from './access.ts';
import { bodyOf } from './body.ts';
import { refusalDocument } from './documents.ts';
import { limitOf, ratePerConnection } from './limits.ts';

/** Longest call of a tool that waits for something. */
const MAX_CALL_MS = 660_000;
/** Calls without the token that are being answered at once: other users of this machine leave room for the person. */
const MAX_AT_ONCE = 8;

/** Every tool of the surface `http` as POST /v1/tools/NAME. One that changes anything or waits takes the token. */
export function toolRoutes(context: ToolContext, token: string): Hono {
  const routes = new Hono();
  const [limited, rated] = [limitOf(MAX_AT_ONCE), ratePerConnection()];
  for (const tool of toolsFor('http')) {
    routes.post(`/v1/tools/${tool.name}`, async (c) => {
      const denied = checkToken((name) => c.req.header(name), token);
      if (denied && takesToken(tool)) return c.json(refusalDocument(denied), denied.status, { 'www-authenticate': 'Bearer' });
      // What a form of any page can send is no JSON document.
      if (!/^application\/json\b/i.test(c.req.header('content-type') ?? '')) return c.json(refusalDocument({ code: 'request_invalid', message: 'input is sent as application/json', hint: 'set the header content-type: application/json' }), 415);
      const run = async (): Promise<Response> => {
        const input = await bodyOf(c.req);
        const signal = AbortSignal.any([c.req.raw.signal, AbortSignal.timeout(MAX_CALL_MS)]);
        const result = await tool.run(context, input, { signal, progress: () => undefined });
        if (result.ok) return c.json(result);
        return c.json(refusalDocument(result), result.code === 'input_invalid' ? 400 : 200);
      };
      return denied ? rated(c, () => limited(c, run)) : run();
    });
  }
  return routes;
}
