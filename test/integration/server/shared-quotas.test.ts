// Who pays for what, and who may take it back: people who were given something cannot use up what is its owner's, nor get
// around their own bounds. protocol.md §17.4, §19.7.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { chunkCountOf, sealedFileSize } from '../../../protocol/file-layout.ts';
import { limits } from '../../../protocol/limits.ts';
import { AccountService } from '../../../protocol/messages/gen/account_pb.js';
import { FileService } from '../../../protocol/messages/gen/file_pb.js';
import { RecordService } from '../../../protocol/messages/gen/record_pb.js';
import { ShareLinkService } from '../../../protocol/messages/gen/share-link_pb.js';
import { SharingService } from '../../../protocol/messages/gen/sharing_pb.js';
import { parseFolderEntry } from '../../../protocol/sharing/folder-entry.ts';
import { launchRights } from '../../../protocol/sharing/rights.ts';
import { newUid, uidBytes, type Uid } from '../../../protocol/uid.ts';
import { envelopeOf } from '../../fixtures/api-client.ts';
import { codeOf } from '../../fixtures/outcome.ts';
import { sealedChunks } from '../../fixtures/sealed-file.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';
import { putTeam, registerPeople, type Person } from '../../fixtures/sharing-client.ts';

const { startFile, putChunk, finishFile, getChunk, deleteFile } = FileService.method;
const { putRecords } = RecordService.method;
const { putGrants, putEntries, removeEntries, putFolder } = SharingService.method;
const { createShareLink, revokeShareLink, listShareLinks } = ShareLinkService.method;
const quota = 4 * limits.fileChunk;

let open: OpenServer;
let owner: Person, editor: Person, reader: Person, launcher: Person;
beforeAll(async () => {
  open = await startOpenServer({}, { fileBounds: { largest: 2 * limits.fileChunk, quota } });
  [owner, editor, reader, launcher] = (await registerPeople(open, 4)) as [Person, Person, Person, Person];
});
afterAll(() => open.close());

async function sharedRecord(): Promise<Uid> {
  const record = await owner.create();
  await owner.share(record, editor, { rights: { edit: true, share: true } });
  await owner.share(record, reader);
  await owner.share(record, launcher, { rights: launchRights });
  return record;
}

function announced(record: Uid, size: number, fileUid = uidBytes(newUid())) {
  return {
    ...{ fileUid, recordUid: uidBytes(record), chunkCount: chunkCountOf(size) },
    ...{ sealedSize: BigInt(sealedFileSize(size)), sealedNote: envelopeOf('note') },
  };
}

async function upload(by: Person, record: Uid, size = 100): Promise<Uint8Array> {
  const file = announced(record, size);
  await by.client.call(startFile, file);
  for (const [index, sealed] of sealedChunks(size).entries())
    await by.client.call(putChunk, { fileUid: file.fileUid, index, sealed });
  await by.client.call(finishFile, { fileUid: file.fileUid });
  return file.fileUid;
}

describe('attachments', () => {
  test('count for whoever stored them: an editor fills their own quota, never the owner’s', async () => {
    const [record, other] = [await sharedRecord(), await sharedRecord()];
    await upload(editor, record, 2 * limits.fileChunk);
    const full = await codeOf(editor.client.call(startFile, announced(other, 2 * limits.fileChunk)));
    expect(full).toBe('limit-reached');
    await upload(owner, record, limits.fileChunk);
    for (const [person, code] of [[reader, 'not-allowed'] as const, [launcher, 'not-allowed'] as const])
      expect(await codeOf(person.client.call(startFile, announced(record, 100)))).toBe(code);
  });

  test('of a record are read by who may read it, and touched by who stored them', async () => {
    const record = await sharedRecord();
    const fileUid = await upload(owner, record);
    const first = { fileUid, index: 0 };
    expect(await codeOf(reader.client.call(getChunk, first))).toBe('done');
    expect(await codeOf(launcher.client.call(getChunk, first))).toBe('not-allowed');
    for (const person of [editor, reader, launcher])
      expect(await codeOf(person.client.call(deleteFile, { fileUid }))).toBe('not-found');
    await owner.unshare('record', record, reader.uid);
    expect(await codeOf(reader.client.call(getChunk, first))).toBe('not-found');
  });

  test('of another record are not drawn into one by naming them', async () => {
    const [secret, shared] = [await owner.create(), await sharedRecord()];
    const fileUid = await upload(owner, secret);
    const change = await editor.change('names it', {
      ...{ recordUid: uidBytes(shared), baseRevision: 1n, ownerUid: owner.uid, fileUids: [fileUid] },
    });
    await editor.client.call(putRecords, { changes: [change] });
    expect(await codeOf(editor.client.call(getChunk, { fileUid, index: 0 }))).toBe('not-found');
    const [row] = await open.db.selectFrom('file').select('named').where('file_uid', '=', fileUid).execute();
    expect(row?.named).toBe(false);
  });

  test('stay with the record when whoever stored them deletes their account', async () => {
    const [guest] = (await registerPeople(open, 1)) as [Person];
    await open.db
      .updateTable('account')
      .set({ organisation_uid: uidBytes(owner.client.organisationUid ?? newUid()), administrator: false })
      .where('account_uid', '=', uidBytes(guest.uid))
      .execute();
    const record = await owner.create();
    await owner.share(record, guest, { rights: { edit: true } });
    const [named, loose] = [await upload(guest, record), await upload(guest, record)];
    const change = await guest.change('with a file', {
      ...{ recordUid: uidBytes(record), baseRevision: 1n, ownerUid: owner.uid, fileUids: [named] },
    });
    await guest.client.call(putRecords, { changes: [change] });
    await deleteAccount(guest);
    expect(await codeOf(owner.client.call(getChunk, { fileUid: named, index: 0 }))).toBe('done');
    expect(await codeOf(owner.client.call(getChunk, { fileUid: loose, index: 0 }))).toBe('not-found');
  });
});

describe('an account that is deleted', () => {
  test('takes its own shared folder with it, also while that holds own records', async () => {
    const [leaving] = (await registerPeople(open, 1)) as [Person];
    const [folder, record] = [await leaving.createFolder(), await leaving.create()];
    await leaving.place({ uid: folder, owner: leaving.uid }, [record]);
    await deleteAccount(leaving);
    const left = await open.db
      .selectFrom('shared_folder')
      .select('folder_uid')
      .where('folder_uid', '=', uidBytes(folder))
      .execute();
    expect(left).toEqual([]);
  });
});

describe('what somebody else did with a record', () => {
  test('its owner sees, and takes back: entries in folders that the owner is no member of, and grants', async () => {
    const record = await sharedRecord();
    const folders: Uid[] = [];
    for (let i = 0; i < limits.foldersPerRecord; i++) folders.push(await editor.createFolder());
    const entries = await Promise.all(
      folders.map((uid) => editor.entry({ uid, owner: editor.uid }, { uid: record, owner: owner.uid })),
    );
    await editor.client.call(putEntries, { entries });
    const own = await owner.createFolder();
    const place = () => codeOf(owner.place({ uid: own, owner: owner.uid }, [record]));
    expect(await place()).toBe('limit-reached');
    const seen = (await owner.see()).entries
      .map(parseFolderEntry)
      .filter(({ recordUid }) => recordUid === record);
    expect(seen).toHaveLength(limits.foldersPerRecord);
    for (const { folderUid } of seen)
      await owner.client.call(removeEntries, {
        folderUid: uidBytes(folderUid),
        recordUids: [uidBytes(record)],
      });
    expect(await place()).toBe('done');
    await editor.share(record, reader, { ownerUid: owner.uid });
    await owner.unshare('record', record, reader.uid, editor.uid);
    const left = (await owner.see()).grants.filter(({ objectUid }) => isOf(objectUid, record));
    expect(left.flatMap(({ grants }) => grants)).toHaveLength(1); // who may only launch
  });

  test('a member cannot put a record that they only edit, or a record of others, into a folder of their own', async () => {
    const record = await owner.create();
    await owner.share(record, reader, { rights: { edit: true } });
    const folder = { uid: await reader.createFolder(), owner: reader.uid };
    const put = async (author: Person, uid: Uid, ownerUid: Uid) => {
      const entries = [await author.entry(folder, { uid, owner: ownerUid })];
      return await codeOf(author.client.call(putEntries, { entries }));
    };
    expect(await put(reader, record, owner.uid)).toBe('not-allowed');
    expect(await put(reader, record, reader.uid)).toBe('conflict');
    expect(await put(reader, newUid(), owner.uid)).toBe('not-found');
    expect(await put(launcher, record, owner.uid)).toBe('not-found');
    expect(await put(editor, await sharedRecord(), owner.uid)).toBe('not-found');
  });
});

describe('grants', () => {
  test('to oneself, by whatever way, give nothing beyond what one has', async () => {
    const record = await owner.create();
    const end = Date.now() + 60 * 60_000;
    await owner.share(record, editor, { rights: { share: true }, expiresAtMs: end });
    const give = async (by: Person, to: Person | Uid, options: object = {}) => {
      const grants = [await by.grant(record, to, { ownerUid: owner.uid, ...options })];
      return await codeOf(by.client.call(putGrants, { grants }));
    };
    expect(await give(editor, editor)).toBe('malformed');
    const team = await putTeam(open, [editor, reader]);
    expect(await give(editor, team, { rights: { edit: true, share: true } })).toBe('not-allowed');
    expect(await give(editor, team, { rights: { share: true } })).toBe('done');
    expect(await give(reader, editor, { rights: { share: true } })).toBe('done'); // around in a circle
    for (const person of [editor, reader]) {
      const ways = await open.db
        .selectFrom('record_way')
        .select(['rights', 'expires_at'])
        .where('record_uid', '=', uidBytes(record))
        .where('account_uid', '=', uidBytes(person.uid))
        .execute();
      expect(ways.map(({ expires_at }) => expires_at)).toEqual(ways.map(() => end));
    }
    await owner.unshare('record', record, editor.uid);
    for (const person of [editor, reader])
      expect((await person.see()).records.map(({ recordUid }) => recordUid)).not.toContainEqual(
        uidBytes(record),
      );
  });

  test('without anything in them, or on what is of another kind or nobody’s, are refused', async () => {
    const [record, folder] = [await owner.create(), await owner.createFolder()];
    const put = (grant: object) => codeOf(owner.client.call(putGrants, { grants: [grant] }));
    expect(await codeOf(owner.client.call(putGrants, { grants: [] }))).toBe('too-large');
    expect(await put({})).toBe('malformed');
    const sound = await owner.grant(record, reader);
    expect(await put({ ...sound, body: new Uint8Array(0) })).toBe('malformed');
    expect(await put({ ...sound, sealedKey: new Uint8Array(0) })).toBe('malformed');
    expect(await put(await owner.grant(record, reader, { objectKind: 'folder' }))).toBe('not-found');
    expect(await put(await owner.grant(folder, reader))).toBe('not-found');
    expect(await put(await owner.grant(newUid(), reader))).toBe('not-found');
    expect(await put(await owner.grant(owner.uid, reader))).toBe('not-found');
    const twice = [sound, sound];
    expect(await codeOf(owner.client.call(putGrants, { grants: twice }))).toBe('malformed');
    const oneBad = [sound, await owner.grant(newUid(), reader)];
    expect(await codeOf(owner.client.call(putGrants, { grants: oneBad }))).toBe('not-found');
    expect((await reader.see()).records.map(({ recordUid }) => recordUid)).not.toContainEqual(
      uidBytes(record),
    );
  });

  test('on one object are few, whoever gives them', async () => {
    const record = await owner.create();
    const teams: Uid[] = [];
    for (let i = 0; i <= limits.grantsPerObject; i++) teams.push(await putTeam(open, [reader]));
    const grants = await Promise.all(
      teams.map((team) => owner.grant(record, team, { granteeKeyVersion: 1 })),
    );
    expect(await codeOf(owner.client.call(putGrants, { grants }))).toBe('limit-reached');
    expect(await codeOf(owner.client.call(putGrants, { grants: grants.slice(1) }))).toBe('done');
    expect(await codeOf(owner.client.call(putGrants, { grants: grants.slice(0, 1) }))).toBe('limit-reached');
  });
});

describe('entries', () => {
  test('are their author’s, sealed, of now, and of this folder', async () => {
    const folder = { uid: await owner.createFolder(), owner: owner.uid };
    const record = { uid: await owner.create(), owner: owner.uid };
    const put = (entry: object) => codeOf(owner.client.call(putEntries, { entries: [entry] }));
    const sound = await owner.entry(folder, record);
    expect(await codeOf(owner.client.call(putEntries, { entries: [] }))).toBe('too-large');
    expect(await put({})).toBe('malformed');
    expect(await put({ ...sound, body: new Uint8Array(1025) })).toBe('too-large');
    expect(await put({ ...sound, signature: new Uint8Array(64) })).toBe('bad-signature');
    expect(await put({ ...sound, sealedPlace: new Uint8Array(40) })).toBe('malformed');
    expect(await put({ ...sound, sealedPlace: envelopeOf('x'.repeat(300)) })).toBe('too-large');
    expect(await put({ ...sound, sealedKey: envelopeOf('another') })).toBe('bad-signature');
    expect(await put({ ...sound, sealedLaunchKey: new Uint8Array(0) })).toBe('bad-signature');
    expect(await put(await editor.entry(folder, record))).toBe('bad-signature');
    expect(await put(await owner.entry({ ...folder, uid: record.uid }, record))).toBe('not-found');
    expect(await put(await owner.entry(folder, { ...record, uid: folder.uid }))).toBe('not-found');
    expect(await put(await owner.entry({ ...folder, owner: editor.uid }, record))).toBe('conflict');
    expect(await put(await owner.entry(folder, record, {}, 2))).toBe('conflict');
    const other = await owner.createFolder();
    const change = await owner.folderChange(other, 1n);
    const beside = owner.client.writeNext((manifest) =>
      owner.client.call(putFolder, { ...change, manifest, entries: [sound] }),
    );
    expect(await codeOf(beside)).toBe('malformed');
    expect(await put(sound)).toBe('done');
  });
});

describe('share links', () => {
  const link = () => ({
    ...{ linkUid: uidBytes(newUid()), tokenHash: randomBytes(32), views: 1 },
    ...{ sealedContent: envelopeOf('content'), sealedTitle: envelopeOf('title') },
    expiresAtMs: BigInt(Date.now() + 60_000),
  });

  test('of others are neither taken over, nor listed, nor revoked', async () => {
    const made = link();
    await owner.client.call(createShareLink, made);
    expect(await codeOf(editor.client.call(createShareLink, { ...link(), linkUid: made.linkUid }))).toBe(
      'conflict',
    );
    expect(await codeOf(editor.client.call(revokeShareLink, { linkUid: made.linkUid }))).toBe('not-found');
    expect((await editor.client.call(listShareLinks, {})).links).toEqual([]);
    const [kept] = (await owner.client.call(listShareLinks, {})).links;
    expect(Buffer.from(kept?.sealedTitle ?? []).equals(made.sealedTitle)).toBe(true);
  });

  test('are made once: a request that is played back makes no other', async () => {
    const sealed = await owner.client.seal(createShareLink, link());
    const send = async () =>
      codeOf(owner.client.open(createShareLink, sealed, await owner.client.post(sealed)));
    expect([await send(), await send()]).toEqual(['done', 'replayed']);
    const stolen = owner.client.call(createShareLink, link(), { signer: editor.client.device });
    expect(await codeOf(stolen)).toBe('bad-signature');
    const foreign = editor.client.call(createShareLink, link(), { sessionToken: owner.client.sessionToken });
    expect(await codeOf(foreign)).toBe('bad-signature');
  });
});

async function deleteAccount(person: Person): Promise<void> {
  const { email } = await open.db
    .selectFrom('account')
    .select('email')
    .where('account_uid', '=', uidBytes(person.uid))
    .executeTakeFirstOrThrow();
  await person.client.call(AccountService.method.deleteAccount, { email });
}

const isOf = (bytes: Uint8Array, uid: Uid) => Buffer.from(bytes).equals(uidBytes(uid));
