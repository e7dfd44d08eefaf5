import type { Bytes } from '../../protocol/bytes.ts';
import type { Signer } from '../../protocol/crypto/ecdsa.ts';
import type { Uid } from '../../protocol/uid.ts';

/** What a device keeps between visits (protocol.md §15). Every value is public or sealed: it opens nothing. */
export interface VaultStorage {
  /** The device's key pair, made by the first call. Its private half is not the engine's to see. */
  device(): Promise<Device>;
  /** Another key pair and UID in the place of the former: this is a new device from now on. */
  renewDevice(): Promise<void>;
  /** Encoded LocalAccount, or null when nobody signed in. */
  readAccount(): Promise<Bytes | null>;
  writeAccount(account: Bytes): Promise<void>;
  /** The server's pin, which outlives a sign-out. */
  readPin(): Promise<StoredPin | null>;
  writePin(pin: StoredPin): Promise<void>;
  readRows(): Promise<readonly StoredRow[]>;
  readCursor(): Promise<bigint>;
  /**
   * Rows and cursor of one page, all or nothing. A row replaces only one that it supersedes, and the cursor only
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

/** The last row of a record that opened (protocol.md §15.4). */
export interface StoredRow {
  readonly uid: Uid;
  readonly revision: bigint;
  /** Encoded Record as the server gave it; empty when the record was deleted long ago. */
  readonly record: Bytes;
  readonly deletion: Deletion | null;
}

/** What the server says of a record that it calls deleted. Nobody signed it: it replaces nothing. */
export interface Deletion {
  readonly revision: bigint;
  /** When this device heard of it, by its own clock. */
  readonly heardAtMs: number;
}

/** Whether a row may take the place of another one of the same record: a newer one, or the same with a later deletion. */
export function supersedes(row: StoredRow, known: StoredRow | undefined): boolean {
  if (!known || row.revision !== known.revision) return row.revision > (known?.revision ?? -1n);
  return (row.deletion?.revision ?? 0n) >= (known.deletion?.revision ?? 0n);
}

export interface StoredPage {
  readonly rows: readonly StoredRow[];
  readonly cursor: bigint;
}
