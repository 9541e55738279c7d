import type { Fence } from './fence.ts';
import type { Namespace } from './namespace.ts';
import type { Store } from './store.ts';

const lines = (title: string, facts: Record<string, string | number>): string =>
  [`# ${title}`, ...Object.entries(facts).map(([name, value]) => `${name}: ${value}`), ''].join('\n');

/** Facts about the whole store, one `name: value` a line. */
export const storeInfo = (store: Store, fence: Fence, version: string): string =>
  lines('store', {
    version,
    fenced: fence.ended ? 'yes' : 'no',
    namespaces: store.namespaces().length,
    entries: store.records,
    data_size_bytes: store.bytes,
    capacity_bytes: store.capacity,
  });

/** Facts about a namespace as 0-db words them: `data_size_bytes` counts live and dead records, limit 0 is none. */
export const namespaceInfo = (store: Store, namespace: Namespace): string =>
  lines('namespace', {
    name: namespace.name,
    mode: namespace.mode === 'seq' ? 'sequential' : 'userkey',
    entries: namespace.live,
    deleted: namespace.deleted,
    data_size_bytes: namespace.bytes,
    live_size_bytes: namespace.liveBytes,
    data_limits_bytes: namespace.maxSize,
    last_sequence: namespace.lastSeq,
    store_size_bytes: store.bytes,
    store_capacity_bytes: store.capacity,
  });
