import type { Bytes } from '../../protocol/bytes.ts';
import type { Signer } from '../../protocol/crypto/ecdsa.ts';
import type { Uid } from '../../protocol/uid.ts';

/** What a device keeps between visits (protocol.md §15). Every value is public or sealed: it opens nothing. */
export interface VaultStorage {
  /** The device's key pair, made by the first call. Its private half is not the engine's to see. */
  device(): Promise<Device>;
  /** Encoded LocalAccount, or null when nobody signed in. */
  readAccount(): Promise<Bytes | null>;
  writeAccount(account: Bytes): Promise<void>;
  /** The server's pin, which outlives a sign-out. */
  readPin(): Promise<StoredPin | null>;
  writePin(pin: StoredPin): Promise<void>;
  readRows(): Promise<readonly StoredRow[]>;
  readCursor(): Promise<bigint>;
  /**
   * Rows and cursor of one page, all or nothing. An older revision never replaces a newer one, and the cursor only
   * rises, so that two engines may commit the same page. Throws `locked` when no account is stored any more.
   */
  commit(page: StoredPage): Promise<void>;
  /** Forgets account, rows and cursor. */
  erase(): Promise<void>;
  close(): void;
}

export interface Device {
  readonly uid: Uid;
  readonly signer: Signer;
}

export interface StoredPin {
  readonly identity: Bytes;
  readonly keySetVersion: bigint;
}

export interface StoredRow {
  readonly uid: Uid;
  readonly revision: bigint;
  /** Encoded Record, exactly as the server gave it. */
  readonly record: Bytes;
}

export interface StoredPage {
  readonly rows: readonly StoredRow[];
  readonly cursor: bigint;
}
