import type { Duplex } from 'node:stream';
import type { Authority } from './authority.ts';

/** A service on the overlay: one backend of a name. */
export interface Target {
  node: string;
  service: string;
}

/** One published name as the ledger says it: `name` is a DNS label, `deployment` its owner. */
export interface Route {
  name: string;
  deployment: string;
  backends: Target[];
}

/** Opens a plain HTTP/1.1 byte stream to a backend; rejects when it cannot within the time. */
export type Dial = (target: Target, options: { signal?: AbortSignal; timeoutMs?: number }) => Promise<Duplex>;

export type GatewayEvent =
  | { event: 'name_published'; name: string; url: string }
  | { event: 'name_withdrawn'; name: string }
  | { event: 'route_refused'; name: string; reason: string }
  | { event: 'publish_failed'; name: string; reason: string }
  | { event: 'port_reassigned'; name: string; wanted: number; port: number }
  | { event: 'certificate_issued'; name: string; notAfter: string }
  | { event: 'refresh_failed'; reason: string }
  | { event: 'state_discarded'; file: string; reason: string }
  | { event: 'backend_up'; name: string; target: Target }
  | { event: 'backend_down'; name: string; target: Target; reason: string };

export type Log = (event: GatewayEvent) => void;

export interface GatewayOptions {
  /** Folder for leaf certificates and port assignments; created 0700. */
  dir: string;
  /** The names to publish now; read by `start` and by every `refresh`. */
  routes(): Route[];
  dial: Dial;
  /** IP address to listen on; 127.0.0.1 by default. */
  host?: string;
  /** Port that serves every name by SNI and Host; 0 (default) takes the remembered one, or any. */
  port?: number;
  /** Names are published as `<name>.<domain>`. */
  domain: string;
  ca: Authority;
  log?: Log;
  /** Milliseconds since the epoch; the clock that certificates are issued and renewed by. */
  now?: () => number;
}

export interface BackendStatus extends Target {
  healthy: boolean;
  inflight: number;
  lastError?: string;
}

export interface NameStatus {
  name: string;
  deployment: string;
  url: string;
  inflight: number;
  backends: BackendStatus[];
}

export interface GatewayStatus {
  url: string;
  state: 'new' | 'running' | 'draining' | 'closed';
  connections: number;
  names: NameStatus[];
}

export interface Gateway {
  /** Publishes all routes; resolves when they listen. `url` is the SNI port. What fails is logged and tried again on refresh. */
  start(): Promise<{ url: string }>;
  /** The private endpoint of each name, usable with the CA file and without DNS. */
  endpoints(): { name: string; url: string }[];
  /** Takes over the current routes and renews certificates that are due; calls run one after another. */
  refresh(): Promise<void>;
  status(): GatewayStatus;
  /** Stops accepting, lets exchanges in flight finish for a bounded time, then destroys what is left. */
  close(): Promise<void>;
}
