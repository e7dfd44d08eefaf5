import { copy, type Bytes } from '../../protocol/bytes.ts';
import { generateDeviceKey, signerOfCryptoKey, type Signer } from '../../protocol/crypto/ecdsa.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import { newUid, type Uid } from '../../protocol/uid.ts';
import {
  shareKinds,
  supersedes,
  type Device,
  type LocalCopy,
  type ObjectKind,
  type StoredManifest,
  type StoredObject,
  type StoredPage,
  type StoredPin,
  type StoredRow,
  type StoredSnapshot,
  type VaultStorage,
} from '../engine/storage.ts';

/** Keeps a device's state as long as the process lives: for scripts and tests. */
export class MemoryStorage implements VaultStorage {
  #device: Promise<Device> | null = null;
  #links: Promise<Device> | null = null;
  #account: Bytes | null = null;
  #pin: StoredPin | null = null;
  #rows = new Map<Uid, StoredRow>();
  #objects = new Map<string, StoredObject>();
  #cursor = 0n;
  #manifest: StoredManifest | null = null;
  #base: Bytes | null = null;
  #recent: Bytes | null = null;
  #journal: { readonly at: number; readonly bytes: Bytes }[] = [];
  #stamp = 0n;
  #unjournalled: bigint | null = null;

  device(): Promise<Device> {
    this.#device ??= makeDevice();
    return this.#device;
  }

  async linkSigner(): Promise<Signer> {
    this.#links ??= makeDevice();
    return (await this.#links).signer;
  }

  async renewDevice(): Promise<void> {
    this.#device = makeDevice();
    await this.#device;
  }

  readAccount(): Promise<Bytes | null> {
    return Promise.resolve(this.#account);
  }

  writeAccount(account: Bytes): Promise<void> {
    this.#account = account;
    return Promise.resolve();
  }

  readPin(): Promise<StoredPin | null> {
    return Promise.resolve(this.#pin);
  }

  writePin(pin: StoredPin): Promise<void> {
    this.#pin = pin;
    return Promise.resolve();
  }

  readRow(uid: Uid): Promise<StoredRow | null> {
    return Promise.resolve(this.#rows.get(uid) ?? null);
  }

  readRows(): Promise<readonly StoredRow[]> {
    return Promise.resolve([...this.#rows.values()]);
  }

  readObjects(kind: ObjectKind): Promise<readonly StoredObject[]> {
    return Promise.resolve([...this.#objects.values()].filter((object) => object.kind === kind));
  }

  async readCopy(): Promise<LocalCopy> {
    const shares = await Promise.all(shareKinds.map((kind) => this.readObjects(kind)));
    return {
      ...{
        stamp: this.#stamp,
        deviceUid: (await this.device()).uid,
        cursor: this.#cursor,
        manifest: this.#manifest,
        shares: shares.flat(),
      },
      snapshot: await this.readSnapshot(),
    };
  }

  copyStamp(): Promise<bigint> {
    return Promise.resolve(this.#stamp);
  }

  async commit(page: StoredPage): Promise<bigint> {
    await this.#change(page.after);
    if (page.after !== undefined) this.#unjournalled = this.#stamp;
    for (const row of page.rows) {
      if (supersedes(row, this.#rows.get(row.uid))) this.#rows.set(row.uid, row);
    }
    for (const uid of page.removedRows ?? []) this.#rows.delete(uid);
    for (const object of page.objects ?? []) this.#objects.set(object.key, object);
    for (const key of page.removedObjects ?? []) this.#objects.delete(key);
    if (page.cursor > this.#cursor) this.#cursor = page.cursor;
    if (page.manifest && page.manifest.version > (this.#manifest?.version ?? 0n))
      this.#manifest = page.manifest;
    if (page.journal) this.#journal.push({ at: (this.#journal.at(-1)?.at ?? 0) + 1, bytes: page.journal });
    return this.#stamp;
  }

  readSnapshot(): Promise<StoredSnapshot> {
    const journal = this.#journal.map(({ bytes }) => bytes);
    return Promise.resolve({
      base: this.#base && copy(this.#base),
      journal,
      upTo: this.#journal.at(-1)?.at ?? 0,
    });
  }

  async writeSnapshot(base: Bytes, upTo: number, after?: bigint): Promise<void> {
    await this.#change(after);
    this.#base = base;
    this.#journal = this.#journal.filter(({ at }) => at > upTo);
  }

  async writeFirstSnapshot(base: Bytes, stamp: bigint): Promise<boolean> {
    if (this.#base !== null || this.#unjournalled !== stamp) return false;
    await this.writeSnapshot(base, 0);
    return true;
  }

  readRecent(): Promise<Bytes | null> {
    return Promise.resolve(this.#recent);
  }

  writeRecent(sealed: Bytes): Promise<void> {
    if (this.#account === null) return Promise.reject(new ProtocolError('locked', 'nobody is signed in'));
    this.#recent = sealed;
    return Promise.resolve();
  }

  erase(): Promise<void> {
    this.#stamp++;
    this.#account = null;
    this.#recent = null;
    this.#rows = new Map();
    this.#objects = new Map();
    this.#cursor = 0n;
    this.#manifest = null;
    this.#base = null;
    this.#unjournalled = null;
    this.#journal = [];
    return Promise.resolve();
  }

  /** Holds nothing open: the next engine of the same device goes on with it. */
  close(): void {}

  #change(after = this.#stamp): Promise<void> {
    if (this.#account === null) return Promise.reject(new ProtocolError('locked', 'nobody is signed in'));
    if (after !== this.#stamp)
      return Promise.reject(new ProtocolError('conflict', 'something else was stored'));
    this.#stamp++;
    return Promise.resolve();
  }
}

async function makeDevice(): Promise<Device> {
  const { key, publicKey } = await generateDeviceKey();
  return { uid: newUid(), signer: signerOfCryptoKey(key, publicKey) };
}
