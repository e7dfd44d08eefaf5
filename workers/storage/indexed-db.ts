import type { Bytes } from '../../protocol/bytes.ts';
import { generateDeviceKey, signerOfCryptoKey, type Signer } from '../../protocol/crypto/ecdsa.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';
import {
  shareKinds,
  type Device,
  type LocalCopy,
  type ObjectKind,
  type StoredObject,
  type StoredPage,
  type StoredPin,
  type StoredRow,
  type StoredSnapshot,
  type VaultStorage,
} from '../engine/storage.ts';
import { newestRows, objectsIn, rowsIn, type Bundle } from './bundles.ts';
import { putThings } from './stored-things.ts';
import {
  ofAccount,
  openDatabase,
  type Database,
  type KeyName,
  type StoredDevice,
  type Writing,
} from './vault-database.ts';

/** A device's state in the browser, shared by every tab of the origin. */
export class IndexedDbStorage implements VaultStorage {
  readonly #database: Promise<Database>;

  constructor(name = 'sallyport') {
    this.#database = openDatabase(name);
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
    await withRoom(async () => await (await this.#database).put('account', account, 'account'));
  }

  async readPin(): Promise<StoredPin | null> {
    return (await (await this.#database).get('pin', 'pin')) ?? null;
  }

  async writePin(pin: StoredPin): Promise<void> {
    await (await this.#database).put('pin', pin, 'pin');
  }

  async readRow(uid: Uid): Promise<StoredRow | null> {
    const transaction = (await this.#database).transaction(['rows', 'bundles']);
    const [row, bundles] = await Promise.all([
      transaction.objectStore('rows').get(uid),
      transaction.objectStore('bundles').index('names').getAll(uid),
    ]);
    const rows = rowsIn(bundles).filter((one) => one.uid === uid);
    return newestRows(row ? [...rows, row] : rows)[0] ?? null;
  }

  async readRows(): Promise<readonly StoredRow[]> {
    const transaction = (await this.#database).transaction(['rows', 'bundles']);
    const [rows, bundles] = await Promise.all([
      transaction.objectStore('rows').getAll(),
      transaction.objectStore('bundles').index('kind').getAll('row'),
    ]);
    return newestRows([...rowsIn(bundles), ...rows]);
  }

  async readObjects(kind: ObjectKind): Promise<readonly StoredObject[]> {
    const reading = (await this.#database).transaction(['objects', 'bundles']);
    return await objectsOf(
      kind,
      reading.objectStore('objects'),
      reading.objectStore('bundles').index('kind'),
    );
  }

  /** One transaction, whose requests are all made at once: they are answered while the caller derives a key. */
  async readCopy(): Promise<LocalCopy> {
    const device = this.device();
    const reading = (await this.#database).transaction(ofAccount);
    const [objects, bundles] = [reading.objectStore('objects'), reading.objectStore('bundles').index('kind')];
    const [stamp, cursor, manifest, snapshot, ...shares] = await Promise.all([
      reading.objectStore('cursor').get('stamp'),
      reading.objectStore('cursor').get('cursor'),
      reading.objectStore('manifest').get('manifest'),
      snapshotIn(reading.objectStore('snapshot'), reading.objectStore('journal')),
      ...shareKinds.map((kind) => objectsOf(kind, objects, bundles)),
    ]);
    return {
      ...{ stamp: stamp ?? 0n, deviceUid: (await device).uid, cursor: cursor ?? 0n },
      ...{ manifest: manifest ?? null, snapshot, shares: shares.flat() },
    };
  }

  async copyStamp(): Promise<bigint> {
    return (await (await this.#database).get('cursor', 'stamp')) ?? 0n;
  }

  async commit(page: StoredPage): Promise<bigint> {
    return await this.#write(async (transaction, stamp) => {
      const cursors = transaction.objectStore('cursor');
      if (page.after !== undefined) await cursors.put(stamp, 'unjournalled');
      const isNext = page.cursor > ((await cursors.get('cursor')) ?? 0n);
      if (isNext) await cursors.put(page.cursor, 'cursor');
      await putThings(transaction, page, isNext);
      const manifests = transaction.objectStore('manifest');
      const former = (await manifests.get('manifest'))?.version ?? 0n;
      if (page.manifest && page.manifest.version > former) await manifests.put(page.manifest, 'manifest');
      if (page.journal) await addEntry(transaction, page.journal);
    }, page.after);
  }

  async readSnapshot(): Promise<StoredSnapshot> {
    const reading = (await this.#database).transaction(['snapshot', 'journal']);
    return await snapshotIn(reading.objectStore('snapshot'), reading.objectStore('journal'));
  }

  async writeSnapshot(base: Bytes, upTo: number, after?: bigint): Promise<void> {
    await this.#write(async (transaction) => {
      await transaction.objectStore('snapshot').put(base, 'base');
      await transaction.objectStore('journal').delete(IDBKeyRange.upperBound(upTo));
    }, after);
  }

  async writeFirstSnapshot(base: Bytes, stamp: bigint): Promise<boolean> {
    let written = false;
    await this.#write(async (transaction) => {
      const snapshots = transaction.objectStore('snapshot');
      const last = await transaction.objectStore('cursor').get('unjournalled');
      written = last === stamp && (await snapshots.count('base')) === 0;
      if (written) await snapshots.put(base, 'base');
    });
    return written;
  }

  async readRecent(): Promise<Bytes | null> {
    return (await (await this.#database).get('snapshot', 'recent')) ?? null;
  }

  async writeRecent(sealed: Bytes): Promise<void> {
    await withRoom(() =>
      this.#change(async (transaction) => {
        await transaction.objectStore('snapshot').put(sealed, 'recent');
      }),
    );
  }

  async erase(): Promise<void> {
    const transaction = (await this.#database).transaction(ofAccount, 'readwrite');
    await Promise.all([...ofAccount.map((name) => transaction.objectStore(name).clear()), transaction.done]);
  }

  close(): void {
    void this.#database.then((database) => database.close());
  }

  /** A change of what the stamp is of, only after that one if it is given. Throws `conflict` and `storage-full`. */
  async #write(
    task: (transaction: Writing, stamp: bigint) => Promise<void>,
    after?: bigint,
  ): Promise<bigint> {
    const next = newStamp();
    const change = async (transaction: Writing) => {
      const cursors = transaction.objectStore('cursor');
      if (after !== undefined && ((await cursors.get('stamp')) ?? 0n) !== after)
        throw new ProtocolError('conflict', 'something else was stored');
      await task(transaction, next);
      await cursors.put(next, 'stamp');
    };
    await withRoom(() => this.#change(change));
    return next;
  }

  /** All or nothing, and nothing once nobody is signed in. */
  async #change(task: (transaction: Writing) => Promise<void>): Promise<void> {
    const transaction = (await this.#database).transaction(ofAccount, 'readwrite');
    if ((await transaction.objectStore('account').count()) === 0) {
      transaction.abort();
      await transaction.done.catch(() => undefined); // the abort we asked for
      throw new ProtocolError('locked', 'nobody is signed in');
    }
    try {
      await task(transaction);
    } catch (error) {
      abort(transaction); // else what was asked for before the failure would be kept
      await transaction.done.catch(() => undefined); // the abort we asked for
      throw error;
    }
    await transaction.done;
  }
}

/** Throws `storage-full` where the browser says that it has no room. */
async function withRoom<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!(error instanceof Error || error instanceof DOMException) || error.name !== 'QuotaExceededError')
      throw error;
    throw new ProtocolError('storage-full', 'this browser has no room left');
  }
}

/** By chance: one that counts would begin anew with the next account. */
function newStamp(): bigint {
  return crypto.getRandomValues(new BigUint64Array(1))[0] ?? 0n;
}

function keysOf(kind: ObjectKind): IDBKeyRange {
  return IDBKeyRange.bound(`${kind}:`, `${kind};`);
}

async function objectsOf(
  kind: ObjectKind,
  alone: { getAll(range: IDBKeyRange): Promise<StoredObject[]> },
  bundled: { getAll(kind: ObjectKind): Promise<Bundle[]> },
): Promise<StoredObject[]> {
  const [objects, bundles] = await Promise.all([alone.getAll(keysOf(kind)), bundled.getAll(kind)]);
  // What was kept apart came after what was new.
  const all = [...objectsIn(bundles), ...objects];
  return [...new Map(all.map((object) => [object.key, object])).values()];
}

async function snapshotIn(
  base: { get(key: 'base'): Promise<Bytes | undefined> },
  journals: { getAll(): Promise<Bytes[]>; getAllKeys(): Promise<number[]> },
): Promise<StoredSnapshot> {
  const [sealed, journal, places] = await Promise.all([
    base.get('base'),
    journals.getAll(),
    journals.getAllKeys(),
  ]);
  return { base: sealed ?? null, journal, upTo: places.at(-1) ?? 0 };
}

/** Places are counted: the first of a journal is 1, whatever was there before. */
async function addEntry(transaction: Writing, entry: Bytes): Promise<void> {
  const journal = transaction.objectStore('journal');
  const last = await journal.openKeyCursor(null, 'prev');
  await journal.add(entry, (last?.key ?? 0) + 1);
}

/** Also of a transaction that has failed by itself. */
function abort(transaction: Writing): void {
  try {
    transaction.abort();
  } catch {
    // over already
  }
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
