// Attachments that applications do not get: they are in the record, and not among the files of its version.
import { limits } from '../../../protocol/limits.ts';
import type { FileRef } from '../../../protocol/records/files.ts';
import { secretBlobSize } from '../../../protocol/secrets-manager/blob-stream.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { FileLeftOut } from '../../api/applications.ts';

export type LeftOut = Pick<FileLeftOut, 'name' | 'reason'>;

/** Clients of theirs hold a file in memory whole. */
export function fitsApplications({ size }: FileRef): boolean {
  return secretBlobSize(size) <= limits.secrets.file;
}

/** What was left out of each record, for as long as the vault is open: names of files are the record's content. */
export class LeftOutFiles {
  readonly #records = new Map<Uid, { readonly revision: number; readonly files: readonly LeftOut[] }>();

  /** Whether that revision was looked at. */
  knows(uid: Uid, revision: number): boolean {
    return this.#records.get(uid)?.revision === revision;
  }

  of(uid: Uid): readonly LeftOut[] {
    return this.#records.get(uid)?.files ?? [];
  }

  /** `there`: files of the version that applications read. Returns whether any is left out. */
  note(uid: Uid, revision: number, files: readonly FileRef[], there: ReadonlySet<Uid>): boolean {
    const leftOut = files
      .filter(({ fileUid }) => !there.has(fileUid))
      .map((file): LeftOut => ({
        name: file.name,
        reason: fitsApplications(file) ? 'no-room' : 'too-large',
      }));
    this.#records.set(uid, { revision, files: leftOut });
    return leftOut.length > 0;
  }

  /** Its version was made again, maybe of other files: it is to be looked at. */
  forget(uid: Uid): void {
    this.#records.delete(uid);
  }

  /** Of others no application has anything any more. */
  keepOnly(wanted: ReadonlyMap<Uid, unknown>): void {
    for (const uid of this.#records.keys()) if (!wanted.has(uid)) this.#records.delete(uid);
  }

  clear(): void {
    this.#records.clear();
  }
}
