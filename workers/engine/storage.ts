import type { Bytes } from '../../protocol/bytes.ts';
import type { Signer } from '../../protocol/crypto/ecdsa.ts';
import type { Uid } from '../../protocol/uid.ts';

/** What a device keeps between visits (protocol.md §15). Every value is public or sealed: it opens nothing. */
export interface VaultStorage {
  /** The device's key pair, made by the first call. Its private half is not the engine's to see. */
  device(): Promise<Device>;
  /** Another key pair and UID in the place of the former: this is a new device from now on. */
  renewDevice(): Promise<void>;
  /** What this browser opens share links with: a key of its own, that tells no server which device it is. */
  linkSigner(): Promise<Signer>;
  /** Encoded LocalAccount, or null when nobody signed in. */
  readAccount(): Promise<Bytes | null>;
  writeAccount(account: Bytes): Promise<void>;
  /** The server's pin, which outlives a sign-out. */
  readPin(): Promise<StoredPin | null>;
  writePin(pin: StoredPin): Promise<void>;
  /** The stored row of a record, or null. */
  readRow(uid: Uid): Promise<StoredRow | null>;
  /** Every row: for a device whose snapshot is of no use. */
  readRows(): Promise<readonly StoredRow[]>;
  readObjects(kind: ObjectKind): Promise<readonly StoredObject[]>;
  /** What an unlock needs, all of one moment. */
  readCopy(): Promise<LocalCopy>;
  /** Another one after every commit and snapshot: tells whether a copy is still what is stored. */
  copyStamp(): Promise<bigint>;
  /**
   * Everything of one page, all or nothing. A row replaces only one that it supersedes, and cursor and manifest only
   * rise, so that two engines may commit the same page. Resolves to the stamp after it. Throws `locked` when no account
   * is stored any more, and `conflict` for a page that may not follow what is stored by now.
   */
  commit(page: StoredPage): Promise<bigint>;
  /** The snapshot of what lists need, and what was committed since it was written. */
  readSnapshot(): Promise<StoredSnapshot>;
  /**
   * Replaces the snapshot and forgets the journal up to and including that place. With `after`, only while that is the
   * stamp: throws `conflict`.
   */
  writeSnapshot(base: Bytes, upTo: number, after?: bigint): Promise<void>;
  /**
   * Writes a first snapshot below the journal that others have begun: of what was stored up to that stamp. Says whether it
   * was: not beside a snapshot, nor when the last page that came with `after` has another stamp, because then something was
   * stored since that no journal has.
   */
  writeFirstSnapshot(base: Bytes, stamp: bigint): Promise<boolean>;
  /** What was used last, sealed; or null. */
  readRecent(): Promise<Bytes | null>;
  /** Throws `locked` when no account is stored any more. */
  writeRecent(sealed: Bytes): Promise<void>;
  /** Forgets everything of the account. */
  erase(): Promise<void>;
  close(): void;
}

/** An account's things on this device, without its rows. */
export interface LocalCopy {
  /** As `copyStamp`, of the same moment. */
  readonly stamp: bigint;
  readonly deviceUid: Uid;
  /** Up to where everything is here. */
  readonly cursor: bigint;
  /** The newest encoded SealedManifest that fitted or was written, or null. */
  readonly manifest: StoredManifest | null;
  /** Everything of sharing. */
  readonly shares: readonly StoredObject[];
  readonly snapshot: StoredSnapshot;
}

/** Kinds of objects that are of sharing. */
export const shareKinds = ['folder', 'entry', 'grants'] as const satisfies readonly ObjectKind[];

export interface Device {
  readonly uid: Uid;
  readonly signer: Signer;
}

export interface StoredPin {
  readonly identity: Bytes;
  readonly keySetVersion: bigint;
}

/** The newest row of a record that was taken over (protocol.md §15.4). */
export interface StoredRow {
  readonly uid: Uid;
  readonly revision: bigint;
  /** Not the launch card alone. */
  readonly hasContent: boolean;
  /** Encoded Record as the server gave it. */
  readonly record: Bytes;
  /** The same revision with another signature, which was verified: its writer has other keys by now. */
  readonly resigned?: boolean;
}

export type ObjectKind = 'card' | 'folder' | 'entry' | 'grants';

/** A sealed or signed thing beside the records. */
export interface StoredObject {
  readonly kind: ObjectKind;
  /** By `objectKey`. */
  readonly key: string;
  /** Encoded Card, SharedFolder, FolderEntry or ObjectGrants as the server gave it. */
  readonly bytes: Bytes;
}

/** Under which key the object of that UID is stored, an entry under those of its folder and its record. */
export function objectKey(kind: ObjectKind, uid: Uid, recordUid?: Uid): string {
  return recordUid === undefined ? `${kind}:${uid}` : `${kind}:${uid}:${recordUid}`;
}

export interface StoredManifest {
  readonly version: bigint;
  /** Encoded SealedManifest. */
  readonly bytes: Bytes;
}

/** Whether a row may take the place of another one of the same record: of the same revision when it says more, or anew. */
export function supersedes(row: StoredRow, known: StoredRow | null | undefined): boolean {
  if (!known || row.revision !== known.revision) return row.revision > (known?.revision ?? -1n);
  return (
    (row.hasContent && !known.hasContent) || (row.resigned === true && row.hasContent === known.hasContent)
  );
}

export interface StoredPage {
  readonly rows: readonly StoredRow[];
  /**
   * UIDs of rows and keys of objects of which the engine knew nothing before: with a cursor that rises they are new to
   * the storage too, which may keep them together.
   */
  readonly fresh?: ReadonlySet<string>;
  readonly removedRows?: readonly Uid[];
  readonly objects?: readonly StoredObject[];
  /** Keys of objects. */
  readonly removedObjects?: readonly string[];
  readonly cursor: bigint;
  readonly manifest?: StoredManifest;
  /** What this page changes in the snapshot, sealed. */
  readonly journal?: Bytes;
  /** The page may follow nothing but what has this stamp. */
  readonly after?: bigint;
}

export interface StoredSnapshot {
  /** Whoever reads it may write over it. */
  readonly base: Bytes | null;
  /** In the order in which they were committed. */
  readonly journal: readonly Bytes[];
  /** The place of the last one; 0 when there is none. */
  readonly upTo: number;
}
