import { isIP } from 'node:net';
import { z } from 'zod';
import type { Log, Route } from './ports.ts';

/** Names that one gateway publishes; the rest is refused, because each takes a listening port. */
const MAX_NAMES = 512;
const MAX_BACKENDS = 64;
const MAX_REFERENCE = 512;

const dnsLabel = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'not a DNS label');
const reference = z.string().min(1).max(MAX_REFERENCE);
const routeSchema = z.object({
  name: dnsLabel,
  deployment: reference,
  backends: z.array(z.object({ node: reference, service: reference })).max(MAX_BACKENDS),
});

/** The valid routes by name. The first owner of a name keeps it; what is malformed or too many is logged and left out. */
export function readRoutes(routes: Route[], log: Log): Map<string, Route> {
  const table = new Map<string, Route>();
  for (const candidate of routes) {
    const parsed = routeSchema.safeParse(candidate);
    const refuse = (reason: string) => log({ event: 'route_refused', name: String(candidate.name).slice(0, 80), reason });
    if (!parsed.success) refuse(parsed.error.issues[0]?.message ?? 'malformed');
    else if (table.has(parsed.data.name)) refuse('the name is taken by an earlier route');
    else if (table.size >= MAX_NAMES) refuse(`a gateway publishes at most ${MAX_NAMES} names`);
    else table.set(parsed.data.name, parsed.data);
  }
  return table;
}

/** Lower-case host of a Host header without port and final dot; undefined when it is not a plain host[:port]. */
export function parseHost(header: string): string | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9._-]{1,255}))(?::[0-9]{1,5})?$/.exec(header);
  const host = match?.[1] ?? match?.[2];
  return host?.toLowerCase().replace(/\.$/, '');
}

/** The label of `<label>.<domain>`, or undefined when the host is not directly under the domain. */
export function labelOf(host: string, domain: string): string | undefined {
  if (!host.endsWith(`.${domain}`)) return undefined;
  const label = host.slice(0, -domain.length - 1);
  return dnsLabel.safeParse(label).success ? label : undefined;
}

export type Selection = { ok: true; name: string } | { ok: false; status: 404 | 421; code: string; message: string };

const misdirected = {
  ok: false,
  status: 421,
  code: 'misdirected_request',
  message: 'This endpoint does not serve the requested host.',
} as const;

/** Checks the host asked for on the private port of `name`: its own name, localhost, or an address. */
export function selectOnNamePort(host: string, name: string, domain: string): Selection {
  const own = host === 'localhost' || isIP(host) !== 0 || labelOf(host, domain) === name;
  return own ? { ok: true, name } : misdirected;
}

/**
 * Chooses the name on the shared port. The Host header decides, and must not differ from the server name of the TLS
 * handshake: the client has authenticated only that one (RFC 9110 section 7.4).
 */
export function selectBySni(host: string, serverName: string | undefined, domain: string): Selection {
  if (serverName !== undefined && serverName.toLowerCase() !== host) return misdirected;
  const name = labelOf(host, domain);
  if (name !== undefined) return { ok: true, name };
  return { ok: false, status: 404, code: 'unknown_name', message: 'No such name is published here.' };
}
