import { isIP } from 'node:net';

// Tags of RFC 5280 section 4.2.1.10: permittedSubtrees [0], GeneralName dNSName [2] and iPAddress [7].
const SEQUENCE = 0x30;
const PERMITTED_SUBTREES = 0xa0;
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;
const MAX_SHORT_LENGTH = 127;

export const NAME_CONSTRAINTS_OID = '2.5.29.30';

function element(tag: number, content: Buffer): Buffer {
  const length =
    content.length <= MAX_SHORT_LENGTH ? [content.length] : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

/** Address and full mask of one IPv4 address: 8 bytes. Throws on anything else. */
function hostSubtree(address: string): Buffer {
  if (isIP(address) !== 4) throw new Error(`gateway addresses are IPv4, got ${JSON.stringify(address)}`);
  return Buffer.from([...address.split('.').map(Number), 255, 255, 255, 255]);
}

/** DER of a NameConstraints value that permits only these DNS names, what lies under them, and these IPv4 addresses. */
export function encodeNameConstraints(permitted: { dnsNames: string[]; addresses: string[] }): Buffer {
  const subtrees = [
    ...permitted.dnsNames.map((name) => element(SEQUENCE, element(DNS_NAME, Buffer.from(name, 'ascii')))),
    ...permitted.addresses.map((address) => element(SEQUENCE, element(IP_ADDRESS, hostSubtree(address)))),
  ];
  return element(SEQUENCE, element(PERMITTED_SUBTREES, Buffer.concat(subtrees)));
}
