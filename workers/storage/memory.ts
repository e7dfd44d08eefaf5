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

/** Keeps a device's state as long as the process lives: for scripts and tests. */
export class MemoryStorage implements VaultStorage {
  #device: Promise<Device> | null = null;
  #account: Bytes | null = null;
  #pin: StoredPin | null = null;
  #rows = new Map<Uid, StoredRow>();
  #cursor = 0n;

  device(): Promise<Device> {
    this.#device ??= makeDevice();
    return this.#device;
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

  readRows(): Promise<readonly StoredRow[]> {
    return Promise.resolve([...this.#rows.values()]);
  }

  readCursor(): Promise<bigint> {
    return Promise.resolve(this.#cursor);
  }

  commit({ rows, cursor }: StoredPage): Promise<void> {
    if (this.#account === null) return Promise.reject(new ProtocolError('locked', 'nobody is signed in'));
    for (const row of rows) {
      if (supersedes(row, this.#rows.get(row.uid))) this.#rows.set(row.uid, row);
    }
    if (cursor > this.#cursor) this.#cursor = cursor;
    return Promise.resolve();
  }

  erase(): Promise<void> {
    this.#account = null;
    this.#rows = new Map();
    this.#cursor = 0n;
    return Promise.resolve();
  }

  /** Holds nothing open: the next engine of the same device goes on with it. */
  close(): void {}
}

async function makeDevice(): Promise<Device> {
  const { key, publicKey } = await generateDeviceKey();
  return { uid: newUid(), signer: signerOfCryptoKey(key, publicKey) };
}
