import { serveMcpHttp } from '../../bot/mcp/http.ts';
import { fixtureSurface } from './fixture-surface.ts';

/** Program: serves the fixture on loopback and prints its URL; ends with its input. */
const { url } = await serveMcpHttp(fixtureSurface(), { host: '127.0.0.1', port: 0, authority: undefined, log: (line) => { process.stderr.write(`${line}\n`); } });
process.stdout.write(`${url}\n`);
process.stdin.resume().once('end', () => process.exit(0));
