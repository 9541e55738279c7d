import type { DidKey } from '../../contract/principal.ts';
import type { SealedKey } from './vault.ts';

const DATABASE = '3bot-keys';
const TABLE = 'keys';

/** The sealed keys of this browser, under this address. */
export const keyStore = {
  list: (): Promise<SealedKey[]> => use('readonly', (table) => table.getAll() as IDBRequest<SealedKey[]>),
  /** Never overwrites: rejects when the key is there. */
  add: (key: SealedKey): Promise<unknown> => use('readwrite', (table) => table.add(key)),
  remove: (key: DidKey): Promise<unknown> => use('readwrite', (table) => table.delete(key)),
};

async function use<T>(mode: IDBTransactionMode, work: (table: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await open();
  try {
    return await new Promise<T>((resolve, reject) => {
      const transaction = database.transaction(TABLE, mode, { durability: 'strict' });
      const request = work(transaction.objectStore(TABLE));
      transaction.addEventListener('complete', () => { resolve(request.result); });
      transaction.addEventListener('abort', () => { reject(transaction.error ?? new Error('the browser did not keep it')); });
    });
  } finally {
    database.close();
  }
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.addEventListener('upgradeneeded', () => { request.result.createObjectStore(TABLE, { keyPath: 'key' }); });
    request.addEventListener('success', () => { resolve(request.result); });
    request.addEventListener('error', () => { reject(request.error ?? new Error('the browser keeps nothing for this page')); });
  });
}
