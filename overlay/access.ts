/** Longest service name in bytes; names are printable ASCII without spaces. */
export const MAX_SERVICE_NAME = 256;

const SERVICE = /^[\x21-\x7e]+$/;

export function isServiceName(service: string): boolean {
  return service.length <= MAX_SERVICE_NAME && SERVICE.test(service);
}

/**
 * Whether the authenticated node `from` may use `service`: denied unless the rule says exactly `true`.
 * A rule that throws denies.
 */
export function allows(rule: (from: string, service: string) => boolean, from: string, service: string): boolean {
  if (!isServiceName(service)) return false;
  try {
    return rule(from, service) === true;
  } catch {
    return false;
  }
}
