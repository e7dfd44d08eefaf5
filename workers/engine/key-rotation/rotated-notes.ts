import { equal, wipe } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { FileService } from '../../../protocol/messages/gen/file_pb.js';
import { NoteKind } from '../../../protocol/messages/gen/key-rotation_pb.js';
import { OrganisationService } from '../../../protocol/messages/gen/organisation_pb.js';
import { ShareLinkService } from '../../../protocol/messages/gen/share-link_pb.js';
import { openInvitationNote, sealInvitationNote } from '../../../protocol/organisation/invitation.ts';
import { uidBytes, uidOf } from '../../../protocol/uid.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import { openUploadNote, sealUploadNote } from '../../../protocol/vault/file-seal.ts';
import { openShareLinkTitle, sealShareLinkTitle } from '../../../protocol/vault/share-link.ts';
import type { UnlockedVault } from '../unlocked-vault.ts';

/** A sealed note of the account's under its new data key. */
export interface RotatedNote {
  readonly kind: NoteKind;
  readonly uid: Uint8Array;
  readonly sealed: Uint8Array;
}

/** What the account keeps for itself about invitations, share links and uploads. What is none of its own stays as it is. */
export async function notesUnder(vault: UnlockedVault, next: AccountKeys): Promise<RotatedNote[]> {
  const all = await Promise.all([
    invitationsUnder(vault, next),
    shareLinksUnder(vault, next),
    uploadsUnder(vault, next),
  ]);
  return all.flat().filter((note) => note !== null);
}

async function invitationsUnder({ organisation, session, account }: UnlockedVault, next: AccountKeys) {
  if (organisation.book.membership !== 'administrator') return [];
  const { accountUid, dataKey } = account.keys;
  const { invitations } = await session.call(OrganisationService.method.listInvitations, {});
  const own = invitations.filter(({ inviterUid }) => equal(inviterUid, uidBytes(accountUid)));
  return await Promise.all(
    own.map(({ invitationUid, sealedSecret }) =>
      orNull(async () => {
        const uid = uidOf(invitationUid);
        const note = await openInvitationNote(dataKey, accountUid, uid, sealedSecret);
        const sealed = await sealInvitationNote(next.dataKey, accountUid, uid, note);
        wipe(note.secret);
        return { kind: NoteKind.INVITATION, uid: invitationUid, sealed };
      }),
    ),
  );
}

async function shareLinksUnder({ session, account }: UnlockedVault, next: AccountKeys) {
  const { accountUid, dataKey } = account.keys;
  const { links } = await session.call(ShareLinkService.method.listShareLinks, {});
  return await Promise.all(
    links.map(({ linkUid, sealedTitle }) =>
      orNull(async () => {
        const title = await openShareLinkTitle(dataKey, accountUid, uidOf(linkUid), sealedTitle);
        const sealed = await sealShareLinkTitle(next.dataKey, accountUid, uidOf(linkUid), title);
        return { kind: NoteKind.SHARE_LINK, uid: linkUid, sealed };
      }),
    ),
  );
}

async function uploadsUnder({ session, account }: UnlockedVault, next: AccountKeys) {
  const { accountUid, dataKey } = account.keys;
  const { uploads } = await session.call(FileService.method.listUploads, {});
  return await Promise.all(
    uploads.map(({ fileUid, recordUid, sealedNote }) =>
      orNull(async () => {
        const scope = { fileUid: uidOf(fileUid), recordUid: uidOf(recordUid) };
        const note = await openUploadNote(dataKey, accountUid, scope, sealedNote);
        const sealed = await sealUploadNote(next.dataKey, accountUid, scope, note);
        return { kind: NoteKind.UPLOAD, uid: fileUid, sealed };
      }),
    ),
  );
}

/** What this account did not seal is none of its own. */
async function orNull<T>(task: () => Promise<T>): Promise<T | null> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof ProtocolError) return null;
    throw error;
  }
}
