import { openDB, unwrap, type DBSchema, type IDBPDatabase, type IDBPTransaction } from 'idb';
import type { Bytes } from '../../protocol/bytes.ts';
import { generateDeviceKey, signerOfCryptoKey, type Signer } from '../../protocol/crypto/ecdsa.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';
import {
  supersedes,
  type Device,
  type ObjectKind,
  type StoredManifest,
  type StoredObject,
  type StoredPage,
  type StoredPin,
  type StoredRow,
  type StoredSnapshot,
  type VaultStorage,
} from '../engine/storage.ts';

/** The device key is a CryptoKey that never gives its private half out: IndexedDB keeps it as what it is. */
interface StoredDevice {
  readonly uid: Uid;
  readonly key: CryptoKey;
  readonly publicKey: Bytes;
}

type KeyName = 'device' | 'links';

interface VaultSchema extends DBSchema {
  device: { key: KeyName; value: StoredDevice };
  account: { key: 'account'; value: Bytes };
  pin: { key: 'pin'; value: StoredPin };
  cursor: { key: 'cursor'; value: bigint };
  manifest: { key: 'manifest'; value: StoredManifest };
  rows: { key: Uid; value: StoredRow };
  objects: { key: string; value: StoredObject };
  snapshot: { key: 'base'; value: Bytes };
  journal: { key: number; value: Bytes };
}

type Database = IDBPDatabase<VaultSchema>;
type Writing = IDBPTransaction<VaultSchema, typeof ofAccount, 'readwrite'>;

/** What goes with the account. */
const ofAccount = ['account', 'cursor', 'manifest', 'rows', 'objects', 'snapshot', 'journal'] as const;
const stores = ['device', 'pin', ...ofAccount] as const;
/** What every version has kept in the same form. */
const lasting: readonly string[] = ['device', 'pin', 'account'];

/** A device's state in the browser, shared by every tab of the origin. */
export class IndexedDbStorage implements VaultStorage {
  readonly #database: Promise<Database>;

  constructor(name = 'sallyport') {
    this.#database = open(name);
    this.#database.catch(() => undefined); // told to whoever asks first
  }

  async device(): Promise<Device> {
    const database = await this.#database;
    const stored = (await database.get('device', 'device')) ?? (await makeKey(database, 'device'));
    return { uid: stored.uid, signer: signerOfCryptoKey(stored.key, stored.publicKey) };
  }

  async linkSigner(): Promise<Signer> {
    const database = await this.#database;
    const stored = (await database.get('device', 'links')) ?? (await makeKey(database, 'links'));
    return signerOfCryptoKey(stored.key, stored.publicKey);
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

  async readRow(uid: Uid): Promise<StoredRow | null> {
    return (await (await this.#database).get('rows', uid)) ?? null;
  }

  async readRows(): Promise<readonly StoredRow[]> {
    return await (await this.#database).getAll('rows');
  }

  async readObjects(kind: ObjectKind): Promise<readonly StoredObject[]> {
    return await (await this.#database).getAll('objects', IDBKeyRange.bound(`${kind}:`, `${kind};`));
  }

  async readCursor(): Promise<bigint> {
    return (await (await this.#database).get('cursor', 'cursor')) ?? 0n;
  }

  async readManifest(): Promise<StoredManifest | null> {
    return (await (await this.#database).get('manifest', 'manifest')) ?? null;
  }

  async commit(page: StoredPage): Promise<void> {
    await this.#write(async (transaction) => {
      putRows(transaction, page);
      putObjects(transaction, page);
      const cursors = transaction.objectStore('cursor');
      if (page.cursor > ((await cursors.get('cursor')) ?? 0n)) await cursors.put(page.cursor, 'cursor');
      const manifests = transaction.objectStore('manifest');
      const former = (await manifests.get('manifest'))?.version ?? 0n;
      if (page.manifest && page.manifest.version > former) await manifests.put(page.manifest, 'manifest');
      if (page.journal) await transaction.objectStore('journal').add(page.journal);
    });
  }

  async readSnapshot(): Promise<StoredSnapshot> {
    const transaction = (await this.#database).transaction(['snapshot', 'journal']);
    const [base, journal, places] = await Promise.all([
      transaction.objectStore('snapshot').get('base'),
      transaction.objectStore('journal').getAll(),
      transaction.objectStore('journal').getAllKeys(),
    ]);
    return { base: base ?? null, journal, upTo: places.at(-1) ?? 0 };
  }

  async writeSnapshot(base: Bytes, upTo: number): Promise<void> {
    await this.#write(async (transaction) => {
      await transaction.objectStore('snapshot').put(base, 'base');
      await transaction.objectStore('journal').delete(IDBKeyRange.upperBound(upTo));
    });
  }

  async erase(): Promise<void> {
    const transaction = (await this.#database).transaction(ofAccount, 'readwrite');
    await Promise.all([...ofAccount.map((name) => transaction.objectStore(name).clear()), transaction.done]);
  }

  close(): void {
    void this.#database.then((database) => database.close());
  }

  /** All or nothing, and nothing once nobody is signed in. */
  async #write(task: (transaction: Writing) => Promise<void>): Promise<void> {
    const transaction = (await this.#database).transaction(ofAccount, 'readwrite');
    if ((await transaction.objectStore('account').count()) === 0) {
      transaction.abort();
      await transaction.done.catch(() => undefined); // the abort we asked for
      throw new ProtocolError('locked', 'nobody is signed in');
    }
    await task(transaction);
    await transaction.done;
  }
}

/**
 * One request for a row that is new, as in a first sync nearly all are, and none of their answers is waited for: the
 * transaction says how it went.
 */
function putRows(transaction: Writing, { rows, removedRows = [] }: StoredPage): void {
  const stored = unwrap(transaction.objectStore('rows'));
  const removed = new Set(removedRows); // what is both goes, whichever request comes last
  for (const row of rows.filter(({ uid }) => !removed.has(uid))) {
    const adding = stored.add(row, row.uid);
    adding.onerror = (event) => {
      if (adding.error?.name !== 'ConstraintError') return; // ends the transaction
      event.preventDefault();
      event.stopPropagation();
      replaceRow(stored, row);
    };
  }
  for (const uid of removed) stored.delete(uid);
}

function replaceRow(stored: IDBObjectStore, row: StoredRow): void {
  const reading = stored.get(row.uid) as IDBRequest<StoredRow | undefined>;
  reading.onsuccess = () => {
    if (supersedes(row, reading.result)) stored.put(row, row.uid);
  };
}

function putObjects(transaction: Writing, { objects = [], removedObjects = [] }: StoredPage): void {
  const stored = unwrap(transaction.objectStore('objects'));
  for (const object of objects) stored.put(object, object.key);
  for (const key of removedObjects) stored.delete(key);
}

async function open(name: string): Promise<Database> {
  return await openDB<VaultSchema>(name, 3, {
    upgrade: (database, from) => {
      // Before version 3 rows were kept in another form: they are asked for anew.
      const known = from < 3 ? [...database.objectStoreNames] : [];
      for (const store of known) if (!lasting.includes(store)) database.deleteObjectStore(store);
      for (const store of stores) {
        if (database.objectStoreNames.contains(store)) continue;
        database.createObjectStore(store, store === 'journal' ? { autoIncrement: true } : {});
      }
    },
    // A tab with a newer version waits for this one to let go.
    blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
  });
}

/** Two tabs may both come here: the first to store its key wins, and both use that one. */
async function makeKey(database: Database, name: KeyName): Promise<StoredDevice> {
  const { key, publicKey } = await generateDeviceKey();
  const made = { uid: newUid(), key, publicKey };
  const transaction = database.transaction('device', 'readwrite');
  const first = await transaction.store.get(name);
  if (!first) await transaction.store.put(made, name);
  await transaction.done;
  return first ?? made;
}
