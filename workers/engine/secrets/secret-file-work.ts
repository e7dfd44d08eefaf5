import type { Bytes } from '../../../protocol/bytes.ts';
import type { SecretFileWrite } from '../../../protocol/messages/gen/secrets_pb.js';
import type { FileRef } from '../../../protocol/records/files.ts';
import type { Uid } from '../../../protocol/uid.ts';

/** A file that applications may read, for a version's links: `key` goes under the version's key. */
export interface ReadySecretFile {
  readonly fileUid: Uid;
  /** 32 bytes. */
  readonly key: Bytes;
}

/** Between attachments of records and files as applications read and add them. protocol.md §31.5. */
export interface SecretFileWork {
  /**
   * Sees to it that the server has each attachment in the form that applications read. One at a time, as long as that takes; what
   * an earlier call left is gone on with. Files that are larger than applications may read, or for which the account has no room, have no link. Throws
   * `cancelled` when the signal or the vault's lock ends it.
   */
  ensureSecretFiles(
    record: { readonly uid: Uid; readonly fileRefs: readonly FileRef[] },
    signal: AbortSignal,
  ): Promise<readonly ReadySecretFile[]>;
  /**
   * Makes an attachment of what an application added to that record, under a key of its own and the same UID. The attachment is at the
   * server and waits a day for the record to name it: the caller writes that. Throws `not-found` for a file that has not
   * arrived, `open-failed` and `malformed` for what no application sealed so.
   */
  takeOverFile(
    write: SecretFileWrite,
    versionKey: Bytes,
    recordUid: Uid,
    signal: AbortSignal,
  ): Promise<FileRef>;
}
