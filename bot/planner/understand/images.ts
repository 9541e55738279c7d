import { ImageReference } from '../../../contract/workload.ts';
import type { Mention } from './hints.ts';
import type { Range, Request } from './tokens.ts';

export interface TextReading extends Range {
  readonly text: string;
  /** Something names it; without that it is only the right kind of text. */
  readonly named: boolean;
}

/** Images that people name without a tag or path. */
const WELL_KNOWN = new Set(
  `adminer alpine apache archlinux bash busybox caddy cassandra centos clickhouse consul couchbase couchdb debian drupal eclipse-mosquitto elasticsearch elixir erlang etcd fedora fluentd flink
  ghost gitea gitlab golang grafana haproxy haskell hello-world httpd influxdb jenkins joomla julia jupyter kafka keycloak kibana kong logstash mariadb matomo mattermost mediawiki memcached minecraft-server mongo mongodb mosquitto
  mysql nats neo4j nextcloud nginx node nodejs odoo openjdk openresty perl php phpmyadmin portainer postgres postgrest prometheus pytorch python r-base rabbitmq rails redis redmine registry rocketchat ruby rust scala solr sonarqube spark
  swift tensorflow tomcat traefik ubuntu valkey varnish vault vaultwarden wordpress zookeeper`.trim().split(/\s+/),
);
const BARE = /[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*(?::[\w][\w.-]*)?(?:@sha256:[0-9a-f]{64})?/y;
const SKIPPED = new Set([':', '=', '"', '“', '”', '„', '«', '»', "'", '`', '‘', '’', 'is', 'of', 'called', 'named', 'ist', 'est', 'es', 'de', 'di', 'da', 'von', 'van', 'namens', 'the', 'dem', 'der', 'das', 'be', 'should', 'sei']);
/** What may follow the word for an image without being one. */
const NO_IMAGES = new Set('and or with on in for from to that which at by as via we i it is und oder mit auf im in fur aus von das der die den et ou avec sur dans pour par qui que le la les un une e o con su per che il lo y u en con para por que el los met op in voor van uit die dat het een a an the container app docker registry name port file files'.split(' '));
const SLASHED_WORDS = new Set(['and/or', 'und/oder', 'et/ou', 'e/o', 'y/o', 'en/of', 'key/value', 'client/server', 'read/write', 'cpu/ram', 'input/output', 'ci/cd', 'a/b', 'he/she', 'tcp/udp', 'tcp/ip', 'dev/test', 'on/off']);

/** True for a reference that an engine can pull. */
export function isImage(text: string): boolean {
  return ImageReference.safeParse(text).success;
}

/** Images that a request names, well formed or not: written as references, beside the word for an image, or by a name that everybody knows. */
export function readImages(request: Request, nouns: readonly Mention[]): TextReading[] {
  const found: TextReading[] = request.literals.filter(({ kind }) => kind === 'image').map(({ from, to, text }) => ({ from, to, text, named: nouns.some((noun) => noun.to <= from && from - noun.to <= 2) }));
  for (const noun of nouns) {
    if (found.some(({ from }) => from >= noun.to && from - noun.to <= 3)) continue;
    const reading = after(request, noun) ?? before(request, noun);
    if (reading && !found.some((other) => other.from < reading.to && reading.from < other.to)) found.push(reading);
  }
  if (found.length === 0) found.push(...slashed(request), ...addresses(request));
  if (found.length === 0) found.push(...wellKnown(request));
  return found.sort((a, b) => a.from - b.from);
}

function after(request: Request, noun: Mention): TextReading | undefined {
  let at = noun.to;
  while (SKIPPED.has(request.free(at)?.norm ?? '')) at++;
  const token = request.free(at);
  if (token?.kind !== 'word' || NO_IMAGES.has(token.norm)) return undefined;
  const reading = bareAt(request, at);
  if (reading) return { ...reading, named: true };
  const text = /^[^\s"'”»,;]+/.exec(request.text.slice(token.start, token.start + 300))?.[0].replace(/[.!?)]+$/, '') ?? '';
  return /[:@/]./.test(text) ? { ...request.rangeOf(token.start, token.start + text.length), text, named: true } : undefined;
}

/** `the nginx image`, `nginx-Image`. */
function before(request: Request, noun: Mention): TextReading | undefined {
  const hyphen = request.free(noun.from - 1)?.raw === '-' ? 1 : 0;
  const token = request.free(noun.from - 1 - hyphen);
  if (!token || !WELL_KNOWN.has(token.norm)) return undefined;
  return { from: noun.from - 1 - hyphen, to: noun.from, text: token.norm, named: true };
}

function bareAt(request: Request, at: number): TextReading | undefined {
  BARE.lastIndex = request.tokens[at]?.start ?? 0;
  const text = BARE.exec(request.text)?.[0];
  // Half a reference is another image: a digest that is cut off, a capital, a letter of another alphabet.
  if (text === undefined || /[\p{L}\p{N}_@:/]/u.test(request.text[(request.tokens[at]?.start ?? 0) + text.length] ?? ' ')) return undefined;
  const start = request.tokens[at]?.start ?? 0;
  return { ...request.rangeOf(start, start + text.length), text, named: false };
}

/** `acme/shop`: a path without a tag. */
function slashed(request: Request): TextReading[] {
  const found: TextReading[] = [];
  for (const match of request.text.matchAll(/(?<![\p{L}\p{N}/.:@-])[a-z][a-z0-9-]*(?:\/[a-z0-9][a-z0-9._-]*[a-z0-9])+(?![\p{L}\p{N}/:])/gu)) {
    const range = request.rangeOf(match.index, match.index + match[0].length);
    if (SLASHED_WORDS.has(match[0]) || !request.isFree(range)) continue;
    found.push({ ...range, text: match[0], named: false });
  }
  return found.length === 1 ? found : [];
}

/** `example.com/team/app`, which looks like an address too. */
function addresses(request: Request): TextReading[] {
  return request.literals.filter(({ kind, text }) => kind === 'location' && !text.includes('://') && !/^[./~]/.test(text) && !text.endsWith('.git')).map(({ from, to, text }) => ({ from, to, text, named: false }));
}

function wellKnown(request: Request): TextReading[] {
  const at = request.tokens.findIndex((token, i) => token.kind === 'word' && request.free(i) !== undefined && WELL_KNOWN.has(token.norm));
  const token = request.tokens[at];
  return token ? [{ from: at, to: at + 1, text: token.norm, named: false }] : [];
}
