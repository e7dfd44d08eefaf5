import { ProtocolError } from '../errors.ts';
import type { Members } from './members.ts';

/** What each kind of payload has besides `clientVersion`, `clientId` and `publicKey`. protocol.md §10.6. */
const payloadMembers = {
  read: ['requestedRecords', 'requestedFolders', 'requestLinks'],
  update: ['recordUid', 'data', 'revision', 'transactionType', 'links2Remove'],
  transaction: ['recordUid'],
  create: ['recordUid', 'recordKey', 'folderUid', 'folderKey', 'data', 'subFolderUid'],
  delete: ['recordUids'],
  createFolder: ['folderUid', 'sharedFolderUid', 'sharedFolderKey', 'data', 'parentUid'],
  updateFolder: ['folderUid', 'data'],
  deleteFolder: ['folderUids', 'forceDeletion'],
  addFile: [
    ...['fileRecordUid', 'fileRecordKey', 'fileRecordData', 'ownerRecordUid', 'ownerRecordData'],
    ...['ownerRecordRevision', 'linkKey', 'fileSize'],
  ],
} as const;

export type PayloadKind = keyof typeof payloadMembers;

const known = new Set<string>(Object.values(payloadMembers).flat());

/**
 * Nothing signs the method that a request is for. So a member that belongs to other methods, and not to this one, shows a payload
 * that somebody sent elsewhere: throws `malformed`. Members that no method has are passed over.
 */
export function requireOwnMembers(members: Members, kind: PayloadKind): void {
  const own: readonly string[] = payloadMembers[kind];
  for (const name of known)
    if (members.has(name) && !own.includes(name))
      throw new ProtocolError('malformed', `${name} is of another method`);
}
