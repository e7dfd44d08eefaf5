import type { MessageInitShape } from '@bufbuild/protobuf';
import { wipe, type Bytes } from '../../../protocol/bytes.ts';
import type { SecretVersionSchema } from '../../../protocol/messages/gen/secrets_pb.js';
import { filesOf, type FileRef } from '../../../protocol/records/files.ts';
import { sealSecretJson, secretKeyOf, wrapSecretKey } from '../../../protocol/secrets-manager/secret-seal.ts';
import { uidBytes, type Uid } from '../../../protocol/uid.ts';
import type { RecordBook } from '../records/record-book.ts';
import type { OpenedRecord } from '../records/record-opener.ts';
import type { ReadySecretFile } from './secret-file-work.ts';
import { secretJsonOf } from './secret-json.ts';
import { secretLinksOf } from './secret-links.ts';
import type { WantedRecord } from './wanted.ts';

export type SealedVersion = MessageInitShape<typeof SecretVersionSchema> & {
  readonly data: Bytes;
  readonly baseRevision: bigint;
  readonly keyVersion: number;
};

export interface SealerParts {
  readonly accountUid: Uid;
  readonly book: RecordBook;
  /** Key of an application or shared folder, 32 bytes; null: there is none now. */
  readonly holderKey: (holderUid: Uid) => Bytes | null;
}

/** Makes what applications read of records: one version of one revision, under a key of its own. */
export class VersionSealer {
  readonly #parts: SealerParts;

  constructor(parts: SealerParts) {
    this.#parts = parts;
  }

  /** Attachments of a record as it is now. Throws `not-found`, `open-failed`, or `malformed` for what is no attachment. */
  async filesOf(uid: Uid): Promise<readonly FileRef[]> {
    const { key, content } = await this.#parts.book.open(uid);
    wipe(key);
    return filesOf(content);
  }

  /** Throws `not-found`, `open-failed`. */
  async seal(wanted: WantedRecord, files: readonly ReadySecretFile[]): Promise<SealedVersion> {
    const record = await this.#parts.book.open(wanted.uid);
    const baseRevision = record.row.revision;
    const { accountUid } = this.#parts;
    const key = secretKeyOf(record.key, { accountUid, recordUid: wanted.uid, baseRevision });
    wipe(record.key);
    try {
      return await this.#sealUnder(key, record, wanted, files);
    } finally {
      wipe(key);
    }
  }

  async #sealUnder(
    key: Bytes,
    { uid, row, content }: OpenedRecord,
    { holders, places }: WantedRecord,
    files: readonly ReadySecretFile[],
  ): Promise<SealedVersion> {
    const named = new Set(filesOf(content).map(({ fileUid }) => fileUid));
    return {
      recordUid: uidBytes(uid),
      baseRevision: row.revision,
      keyVersion: row.keyVersion || 1,
      data: await sealSecretJson(key, secretJsonOf(content)),
      keys: await this.#keysFor(key, holders),
      places: [...places].map(([folderUid, subfolderUid]) => ({
        folderUid: uidBytes(folderUid),
        ...(subfolderUid !== null && { subfolderUid: uidBytes(subfolderUid) }),
      })),
      files: await Promise.all(
        files
          .filter(({ fileUid }) => named.has(fileUid))
          .map(async (file) => ({
            fileUid: uidBytes(file.fileUid),
            wrappedKey: await wrapSecretKey(key, file.key),
          })),
      ),
      links: [...secretLinksOf(uid, content, row.policy)],
    };
  }

  async #keysFor(key: Bytes, holders: ReadonlySet<Uid>) {
    const keys = [...holders].flatMap((holderUid) => {
      const holderKey = this.#parts.holderKey(holderUid);
      return holderKey === null ? [] : [{ holderUid, holderKey }];
    });
    return await Promise.all(
      keys.map(async ({ holderUid, holderKey }) => ({
        holderUid: uidBytes(holderUid),
        wrappedKey: await wrapSecretKey(holderKey, key),
      })),
    );
  }
}
