import { openDB, type DBSchema, type IDBPDatabase, type IDBPTransaction } from 'idb';
import type { Bytes } from '../../protocol/bytes.ts';
import type { Uid } from '../../protocol/uid.ts';
import type { StoredManifest, StoredObject, StoredPin, StoredRow } from '../engine/storage.ts';
import type { Bundle } from './bundles.ts';

/** The device key is a CryptoKey that never gives its private half out: IndexedDB keeps it as what it is. */
export interface StoredDevice {
  readonly uid: Uid;
  readonly key: CryptoKey;
  readonly publicKey: Bytes;
}

export type KeyName = 'device' | 'links';

export interface VaultSchema extends DBSchema {
  device: { key: KeyName; value: StoredDevice };
  account: { key: 'account'; value: Bytes };
  pin: { key: 'pin'; value: StoredPin };
  cursor: { key: 'cursor' | 'stamp' | 'unjournalled'; value: bigint };
  manifest: { key: 'manifest'; value: StoredManifest };
  rows: { key: Uid; value: StoredRow };
  objects: { key: string; value: StoredObject };
  bundles: { key: number; value: Bundle; indexes: { names: string; kind: string } };
  snapshot: { key: 'base' | 'recent'; value: Bytes };
  journal: { key: number; value: Bytes };
}

export type Database = IDBPDatabase<VaultSchema>;
export type Writing = IDBPTransaction<VaultSchema, typeof ofAccount, 'readwrite'>;

const simple = ['account', 'cursor', 'manifest', 'rows', 'objects', 'snapshot', 'journal'] as const;
/** What goes with the account. */
export const ofAccount = [...simple, 'bundles'] as const;
const stores = ['device', 'pin', ...simple] as const;
/** What every version has kept in the same form. */
const lasting: readonly string[] = ['device', 'pin', 'account'];
/** Before this version other stores were kept in another form: what they held is asked for anew. */
const version = 6;

export async function openDatabase(name: string): Promise<Database> {
  return await openDB<VaultSchema>(name, version, {
    upgrade: (database) => {
      for (const store of [...database.objectStoreNames])
        if (!lasting.includes(store)) database.deleteObjectStore(store);
      for (const store of stores) {
        if (database.objectStoreNames.contains(store)) continue;
        database.createObjectStore(store);
      }
      const bundles = database.createObjectStore('bundles', { autoIncrement: true });
      bundles.createIndex('names', 'names', { multiEntry: true });
      bundles.createIndex('kind', 'kind');
    },
    // A tab with a newer version waits for this one to let go.
    blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
  });
}
