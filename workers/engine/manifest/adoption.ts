import { RecordService } from '../../../protocol/messages/gen/record_pb.js';
import { limits } from '../../../protocol/limits.ts';
import { signAdoption } from '../../../protocol/signed/record-signature.ts';
import { uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import { elementOf, knownWith, recordElement, type KnownRecord } from '../records/known-record.ts';
import type { RecordBook } from '../records/record-book.ts';
import { statementOf } from '../records/record-opener.ts';
import type { ContentsChange } from '../snapshot/vault-contents.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import type { ManifestChange } from './manifest-keeper.ts';
import { otherElement, type OtherElement, type OtherElements } from './other-elements.ts';
import type { OwnWrites } from './own-writes.ts';

export interface AdoptionParts {
  readonly keys: Pick<AccountKeys, 'accountUid' | 'signer'>;
  readonly session: VaultSession;
  readonly book: RecordBook;
  readonly others: OtherElements;
  readonly writes: OwnWrites;
  /** Stores and shows a change that no sync brings. */
  readonly commit: (change: ContentsChange) => Promise<void>;
  /** Gives applications these records as they are now. */
  readonly renewCopies: (uids: readonly Uid[]) => Promise<void>;
}

/** What one adoption is about. */
interface Adopted {
  readonly records: readonly KnownRecord[];
  readonly folders: readonly OtherElement[];
  readonly departed: readonly OtherElement[];
}

/**
 * Takes what others wrote of the account's things into its own manifest, once their signatures were verified, and
 * leaves out what others took over. protocol.md §9.7.
 */
export class Adoption {
  readonly #parts: AdoptionParts;

  constructor(parts: AdoptionParts) {
    this.#parts = parts;
  }

  async run(): Promise<void> {
    let adopted = this.#pending();
    if (isNone(adopted)) return;
    const { session, writes, commit, renewCopies } = this.#parts;
    const isDone = await writes.tryRun({
      // At each attempt anew: another device of the same account adopts the same things, and one of the two is first.
      change: () => {
        adopted = this.#pending();
        return isNone(adopted) ? null : changeOf(adopted);
      },
      send: async (manifest) => {
        const names = await this.#namesOf(adopted);
        await session.call(RecordService.method.putRecords, { manifest, ...names });
        await commit(afterwards(adopted));
      },
    });
    const { records } = adopted;
    if (isDone && records.length > 0) await renewCopies(records.map(({ uid }) => uid));
  }

  /** With this account's word on each: what they wrote holds for everybody, whatever becomes of their rights. */
  async #namesOf({ records, folders, departed }: Adopted) {
    const signed = records.map(async ({ uid, revision }) => {
      const row = await this.#parts.book.row(uid);
      const statement = { ...statementOf(row), writerUid: uidOf(row.writerUid) };
      const signature = await signAdoption(this.#parts.keys.signer, statement);
      return { recordUid: uidBytes(uid), revision: BigInt(revision), signature };
    });
    const left = departed.map(({ uid, revision }) => ({
      recordUid: uidBytes(uid),
      revision: BigInt(revision),
    }));
    return {
      adopted: [...(await Promise.all(signed)), ...left],
      adoptedFolders: folders.map(({ uid, current }) => ({
        folderUid: uidBytes(uid),
        revision: BigInt(current ?? 0),
      })),
    };
  }

  /** Only upwards, and only what a verified writer wrote. */
  #pending(): Adopted {
    const { book, others } = this.#parts;
    const records = [...book.covered()].filter(({ proved }) => proved).slice(0, limits.changesPerRequest);
    const folders = others.ahead.filter(({ currentTag }) => currentTag !== undefined);
    return {
      records,
      folders: folders.slice(0, limits.changesPerRequest),
      departed: others.departed.slice(0, limits.changesPerRequest - records.length),
    };
  }
}

function isNone({ records, folders, departed }: Adopted): boolean {
  return records.length + folders.length + departed.length === 0;
}

function changeOf({ records, folders, departed }: Adopted): ManifestChange {
  return {
    out: [...records.map(elementOf), ...folders.map(otherElement), ...departed.map(otherElement)],
    in: [
      ...records.map((known) => recordElement(known.uid, known)),
      ...folders.map((folder) => otherElement(asCurrent(folder))),
    ],
  };
}

function afterwards({ records, folders, departed }: Adopted): ContentsChange {
  return {
    records: records.map((known) => knownWith(known, { covered: null })),
    others: folders.map(asCurrent),
    removedOthers: departed.map(({ kind, uid }) => ({ kind, uid })),
  };
}

function asCurrent({ currentTag, current, ...folder }: OtherElement): OtherElement {
  const { revision, tag } = folder;
  return {
    ...folder,
    revision: current ?? revision,
    tag: currentTag ?? tag,
    ...(current !== undefined && { current }),
  };
}
