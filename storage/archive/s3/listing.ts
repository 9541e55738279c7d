/** A live object as a listing sees it. */
export interface Listed<T> { readonly key: Buffer; readonly item: T }

/** Objects with from <= key < to in byte order, at most `limit`. */
export type KeySource<T> = (from: Buffer, to: Buffer, limit: number) => readonly Listed<T>[];

export interface ListingQuery {
  readonly prefix: string;
  readonly delimiter: string;
  /** Exclusive: only keys and common prefixes after it. */
  readonly after: string;
  readonly maxKeys: number;
}

export interface Listing<T> {
  readonly contents: readonly Listed<T>[];
  readonly prefixes: readonly string[];
  readonly truncated: boolean;
  /** The last key or common prefix given; the `after` of the next page. */
  readonly last: string;
}

const PAGE = 1_000;
/** Greater than every UTF-8 string: no byte of one is 0xff. */
const END = Buffer.from([0xff]);

/** Bytes that sort after everything that begins with `prefix`. */
function behind(prefix: Buffer): Buffer { return Buffer.concat([prefix, END]); }

/** One page of a listing in UTF-8 byte order; keys that share a prefix up to the delimiter are rolled up. */
export function list<T>(source: KeySource<T>, query: ListingQuery): Listing<T> {
  const prefix = Buffer.from(query.prefix, 'utf8');
  const delimiter = Buffer.from(query.delimiter, 'utf8');
  const after = Buffer.from(query.after, 'utf8');
  const to = behind(prefix);
  const contents: Listed<T>[] = [];
  const prefixes: string[] = [];
  let last = '';

  const groupOf = (key: Buffer): Buffer | null => {
    if (delimiter.length === 0 || !key.subarray(0, prefix.length).equals(prefix)) return null;
    const at = key.indexOf(delimiter, prefix.length);
    return at < 0 ? null : key.subarray(0, at + delimiter.length);
  };

  let from: Buffer = prefix;
  if (after.length > 0) {
    // A page that ended with a common prefix goes on behind all that it stood for.
    const group = groupOf(after);
    const next = group?.equals(after) ? behind(after) : Buffer.concat([after, Buffer.from([0])]);
    if (Buffer.compare(next, from) > 0) from = next;
  }

  while (Buffer.compare(from, to) < 0) {
    const room = query.maxKeys - contents.length - prefixes.length;
    const page = source(from, to, Math.min(PAGE, room + 1));
    let skipTo: Buffer | null = null;
    for (const entry of page) {
      if (skipTo && Buffer.compare(entry.key, skipTo) < 0) continue;
      if (contents.length + prefixes.length >= query.maxKeys) return { contents, prefixes, truncated: query.maxKeys > 0, last };
      const group = groupOf(entry.key);
      if (group) {
        prefixes.push(last = group.toString('utf8'));
        skipTo = behind(group);
      } else {
        contents.push(entry);
        last = entry.key.toString('utf8');
      }
    }
    const end = page.at(-1);
    if (!end || page.length < Math.min(PAGE, room + 1)) break;
    const next = Buffer.concat([end.key, Buffer.from([0])]);
    from = skipTo && Buffer.compare(skipTo, next) > 0 ? skipTo : next;
  }
  return { contents, prefixes, truncated: false, last };
}
