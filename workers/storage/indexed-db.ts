import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import type { Bytes } from '../../protocol/bytes.ts';
import { generateDeviceKey, signerOfCryptoKey } from '../../protocol/crypto/ecdsa.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';
import {
  supersedes,
  type Device,
  type StoredPage,
  type StoredPin,
  type StoredRow,
  type VaultStorage,
} from '../engine/storage.ts';

/** The device key is a CryptoKey that never gives its private half out: IndexedDB keeps it as what it is. */
interface StoredDevice {
  readonly uid: Uid;
  readonly key: CryptoKey;
  readonly publicKey: Bytes;
}

interface VaultSchema extends DBSchema {
  device: { key: 'device'; value: StoredDevice };
  account: { key: 'account'; value: Bytes };
  pin: { key: 'pin'; value: StoredPin };
  cursor: { key: 'cursor'; value: bigint };
  rows: { key: Uid; value: StoredRow };
}

type Database = IDBPDatabase<VaultSchema>;

const stores = ['device', 'account', 'pin', 'cursor', 'rows'] as const;

/** A device's state in the browser, shared by every tab of the origin. */
export class IndexedDbStorage implements VaultStorage {
  readonly #database: Promise<Database>;

  constructor(name = 'sallyport') {
    this.#database = open(name);
    this.#database.catch(() => undefined); // told to whoever asks first
  }

  async device(): Promise<Device> {
    const database = await this.#database;
    const stored = (await database.get('device', 'device')) ?? (await makeDevice(database));
    return { uid: stored.uid, signer: signerOfCryptoKey(stored.key, stored.publicKey) };
  }

  async renewDevice(): Promise<void> {
    const { key, publicKey } = await generateDeviceKey();
    await (await this.#database).put('device', { uid: newUid(), key, publicKey }, 'device');
  }

  async readAccount(): Promise<Bytes | null> {
    return (await (await this.#database).get('account', 'account')) ?? null;
  }

  async writeAccount(account: Bytes): Promise<void> {
    await (await this.#database).put('account', account, 'account');
  }

  async readPin(): Promise<StoredPin | null> {
    return (await (await this.#database).get('pin', 'pin')) ?? null;
  }

  async writePin(pin: StoredPin): Promise<void> {
    await (await this.#database).put('pin', pin, 'pin');
  }

  async readRows(): Promise<readonly StoredRow[]> {
    return await (await this.#database).getAll('rows');
  }

  async readCursor(): Promise<bigint> {
    return (await (await this.#database).get('cursor', 'cursor')) ?? 0n;
  }

  async commit({ rows, cursor }: StoredPage): Promise<void> {
    const transaction = (await this.#database).transaction(['account', 'cursor', 'rows'], 'readwrite');
    const stored = transaction.objectStore('rows');
    const cursors = transaction.objectStore('cursor');
    if ((await transaction.objectStore('account').count()) === 0) {
      transaction.abort();
      await transaction.done.catch(() => undefined); // the abort we asked for
      throw new ProtocolError('locked', 'nobody is signed in');
    }
    await Promise.all(
      rows.map(async (row) => {
        if (supersedes(row, await stored.get(row.uid))) await stored.put(row, row.uid);
      }),
    );
    if (cursor > ((await cursors.get('cursor')) ?? 0n)) await cursors.put(cursor, 'cursor');
    await transaction.done;
  }

  async erase(): Promise<void> {
    const transaction = (await this.#database).transaction(['account', 'cursor', 'rows'], 'readwrite');
    await Promise.all([
      transaction.objectStore('account').clear(),
      transaction.objectStore('cursor').clear(),
      transaction.objectStore('rows').clear(),
      transaction.done,
    ]);
  }

  close(): void {
    void this.#database.then((database) => database.close());
  }
}

async function open(name: string): Promise<Database> {
  return await openDB<VaultSchema>(name, 2, {
    upgrade: (database, from) => {
      // Version 1 kept rows that nobody had opened: they are asked for anew.
      if (from === 1) for (const store of ['cursor', 'rows'] as const) database.deleteObjectStore(store);
      for (const store of stores) {
        if (!database.objectStoreNames.contains(store)) database.createObjectStore(store);
      }
    },
    // A tab with a newer version waits for this one to let go.
    blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
  });
}

/** Two tabs may both come here: the first to store its key wins, and both use that one. */
async function makeDevice(database: Database): Promise<StoredDevice> {
  const { key, publicKey } = await generateDeviceKey();
  const made = { uid: newUid(), key, publicKey };
  const transaction = database.transaction('device', 'readwrite');
  const first = await transaction.store.get('device');
  if (!first) await transaction.store.put(made, 'device');
  await transaction.done;
  return first ?? made;
}
