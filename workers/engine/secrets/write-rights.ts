// Whether an application may write what it wrote: by its sealed record, whatever the server let through.
import { ProtocolError } from '../../../protocol/errors.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { Application } from './application-book.ts';
import { folderAccess, recordAccess, type Wanted, type WantedParts } from './wanted.ts';

export interface WriteRights {
  /** Throws `not-allowed`. */
  requireRecord(applicationUid: Uid, recordUid: Uid): void;
  /** To create and change records and folders in that shared folder. Throws `not-allowed`. */
  requireFolder(applicationUid: Uid, folderUid: Uid): void;
}

export function writeRights(
  parts: WantedParts,
  applications: readonly Application[],
  wanted: Wanted,
): WriteRights {
  const sharesOf = (applicationUid: Uid) =>
    (applications.find(({ uid }) => uid === applicationUid)?.shares ?? []).filter(({ editable }) => editable);
  return {
    requireRecord(applicationUid, recordUid) {
      const places = wanted.records.get(recordUid)?.places;
      const isShared = sharesOf(applicationUid).some(({ kind, uid }) =>
        kind === 'record' ? uid === recordUid : places?.has(uid) === true,
      );
      if (!isShared || recordAccess(parts, recordUid)?.rights.edit !== true) throw notAllowed();
    },
    requireFolder(applicationUid, folderUid) {
      const isShared = sharesOf(applicationUid).some(
        ({ kind, uid }) => kind === 'folder' && uid === folderUid,
      );
      const isOpen = wanted.folders.get(folderUid)?.rootUid === folderUid;
      if (!isShared || !isOpen || folderAccess(parts, folderUid)?.rights.manageRecords !== true)
        throw notAllowed();
    },
  };
}

function notAllowed(): ProtocolError {
  return new ProtocolError('not-allowed', 'the application may not write there');
}
