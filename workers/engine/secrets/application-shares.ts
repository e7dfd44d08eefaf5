import type { ApplicationShareView, FileLeftOut, ShareToApplication } from '../../api/applications.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { SharingOffice } from '../sharing/sharing-office.ts';
import type { Application, ApplicationBook } from './application-book.ts';
import type { SealedShare } from './application-content.ts';
import type { RecordKeeper } from './record-keeper.ts';
import { shareName, type ServerState } from './server-state.ts';
import type { ShareKeeper } from './share-keeper.ts';
import { givable, type WantedParts } from './wanted.ts';

export interface ApplicationSharesParts extends WantedParts {
  readonly applications: ApplicationBook;
  readonly office: Pick<SharingOffice, 'requireSound'>;
  readonly shareKeeper: ShareKeeper;
  readonly records: Pick<RecordKeeper, 'leftOutOf'>;
  /** Empty for a folder that does not open. */
  readonly folderNameOf: (folderUid: Uid) => string;
  /** Brings the server's side after it. */
  readonly keep: () => void;
}

/** What applications are given: it is written in their sealed records, and the keeper does the rest. */
export class ApplicationShares {
  readonly #parts: ApplicationSharesParts;

  constructor(parts: ApplicationSharesParts) {
    this.#parts = parts;
  }

  /** Throws `not-allowed` for what the account may not give so, `not-found`, `limit-reached`. */
  async add({ applicationUid, objects, editable }: ShareToApplication): Promise<void> {
    const { applications, office, keep } = this.#parts;
    const records = objects.filter(({ kind }) => kind === 'record').map(({ uid }) => uid);
    await office.requireSound(records);
    const shares = objects.map(({ uid, kind }): SealedShare => ({ uid, kind, editable }));
    for (const share of shares) this.#requireGivable(share);
    const given = new Set(shares.map(({ uid }) => uid));
    await applications.change(applicationUid, (application) => ({
      ...application,
      shares: [...application.shares.filter(({ uid }) => !given.has(uid)), ...shares],
    }));
    keep();
  }

  /** The server hears of it before this returns. */
  async remove(applicationUid: Uid, objectUids: readonly Uid[]): Promise<void> {
    const { applications, shareKeeper, keep } = this.#parts;
    const taken = new Set(objectUids);
    await applications.change(applicationUid, (application) => ({
      ...application,
      shares: application.shares.filter(({ uid }) => !taken.has(uid)),
    }));
    if (objectUids.length > 0) await shareKeeper.unshare(applicationUid, objectUids);
    keep();
  }

  /** `state`: null while it is not known what the server has. */
  viewsOf({ uid: applicationUid, shares }: Application, state: ServerState | null): ApplicationShareView[] {
    return shares.map((share) => ({
      uid: share.uid,
      kind: share.kind,
      ...this.#titleOf(share),
      editable: share.editable,
      state: this.#stateOf(applicationUid, share, state),
      filesLeftOut: this.#leftOutOf(share, state),
    }));
  }

  #requireGivable(share: SealedShare): void {
    const { book, shares } = this.#parts;
    if (share.kind === 'record') book.require(share.uid);
    else if (!shares.shares.folders.has(share.uid))
      throw new ProtocolError('not-found', 'there is no such folder');
    const [given] = givable(this.#parts, share);
    if (!given || given.editable !== share.editable)
      throw new ProtocolError('not-allowed', 'it is not this account’s to give so');
  }

  #titleOf({ uid, kind }: SealedShare): Pick<ApplicationShareView, 'title' | 'recordType'> {
    if (kind === 'folder') return { title: this.#parts.folderNameOf(uid), recordType: null };
    const entry = this.#parts.book.entry(uid);
    return { title: entry?.title ?? '', recordType: entry?.type ?? null };
  }

  #stateOf(
    applicationUid: Uid,
    share: SealedShare,
    state: ServerState | null,
  ): ApplicationShareView['state'] {
    const [given] = givable(this.#parts, share);
    if (!given) return 'lost';
    const there = state?.shares.get(shareName(applicationUid, share.uid));
    return there?.editable === given.editable ? 'ready' : 'preparing';
  }

  #leftOutOf({ uid, kind }: SealedShare, state: ServerState | null): FileLeftOut[] {
    const { records, book } = this.#parts;
    const inside = [...(state?.records ?? [])].filter(([, { places }]) => places.has(uid));
    const recordUids = kind === 'record' ? [uid] : inside.map(([recordUid]) => recordUid);
    return recordUids.flatMap((recordUid) =>
      records.leftOutOf(recordUid).map((file) => ({
        ...file,
        recordUid,
        recordTitle: book.entry(recordUid)?.title ?? '',
      })),
    );
  }
}
