export { createGateway } from './gateway.ts';
export { createAuthority, type Authority, type AuthorityOptions, type LeafRequest } from './authority.ts';
export type {
  BackendStatus,
  Dial,
  Gateway,
  GatewayEvent,
  GatewayOptions,
  GatewayStatus,
  Log,
  NameStatus,
  Route,
  Target,
} from './ports.ts';
