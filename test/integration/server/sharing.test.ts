import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FeedKind, RecordService } from '../../../protocol/messages/gen/record_pb.js';
import { SharingService } from '../../../protocol/messages/gen/sharing_pb.js';
import { launchRights } from '../../../protocol/sharing/rights.ts';
import { newUid, uidBytes, type Uid } from '../../../protocol/uid.ts';
import { uidText } from '../../fixtures/api-client.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';
import { putTeam, registerPeople, registerPerson, type Person } from '../../fixtures/sharing-client.ts';

const { putRecords, listHistory } = RecordService.method;
const { putGrants, putFolder, deleteFolder, putEntries, removeEntries } = SharingService.method;

describe('sharing', () => {
  let open: OpenServer;
  beforeAll(async () => void (open = await startOpenServer()));
  afterAll(() => open.close());

  test('a grantee sees the record with its grant, and loses both with the grant', async () => {
    const [owner, reader] = await people(2);
    const record = await owner.create();
    await owner.share(record, reader);
    const page = await reader.sync();
    expect(page.records).toMatchObject([{ sealedKey: new Uint8Array(0), keyVersion: 1 }]);
    expect(page.records[0]?.sealedData.length).toBeGreaterThan(0);
    expect(page.grants[0]?.grants).toHaveLength(1);
    expect(page.grants[0]?.grants[0]?.sealedKey).toHaveLength(125);
    const own = await owner.sync();
    expect(own.grants[0]?.grants[0]?.sealedKey).toHaveLength(0);
    await owner.unshare('record', record, reader.uid);
    const after = await reader.sync();
    expect(after.records).toEqual([]);
    expect(kindsOf(after.removals)).toEqual([FeedKind.RECORD, FeedKind.GRANTS]);
    expect((await owner.sync()).grants).toMatchObject([{ grants: [] }]);
    await expect(reader.client.call(listHistory, { recordUid: uidBytes(record) })).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  test('who may only launch gets neither content nor its key', async () => {
    const [owner, launcher, reader] = await people(3);
    const record = await owner.create();
    await owner.share(record, launcher, { rights: launchRights });
    await owner.share(record, reader);
    const { records, grants } = await launcher.sync();
    expect(records).toMatchObject([{ sealedData: new Uint8Array(0), sealedKey: new Uint8Array(0) }]);
    expect(records[0]?.dataHash).toHaveLength(32);
    expect(records[0]?.sealedLaunch.length).toBeGreaterThan(0);
    expect(grants[0]?.grants).toHaveLength(1);
    await expect(launcher.client.call(listHistory, { recordUid: uidBytes(record) })).rejects.toMatchObject({
      code: 'not-allowed',
    });
  });

  test('a folder gives its members the records in it, and takes them back', async () => {
    const [owner, member] = await people(2);
    const folder = await owner.createFolder();
    const records = [await owner.create('one'), await owner.create('two')];
    await owner.place({ uid: folder, owner: owner.uid }, records);
    await owner.share(folder, member, { objectKind: 'folder' });
    const page = await member.sync();
    expect(page.records).toHaveLength(2);
    expect(page.entries).toHaveLength(2);
    expect(page.folders).toMatchObject([{ sealedKey: new Uint8Array(0) }]);
    const folderUid = uidBytes(folder);
    await owner.client.call(removeEntries, { folderUid, recordUids: records.slice(0, 1).map(uidBytes) });
    expect(kindsOf((await member.sync()).removals)).toEqual([
      FeedKind.RECORD,
      FeedKind.ENTRY,
      FeedKind.GRANTS,
    ]);
    await owner.client.writeNext((manifest) => owner.client.call(deleteFolder, { folderUid, manifest }));
    expect(kindsOf((await member.sync()).removals)).toEqual([
      FeedKind.RECORD,
      FeedKind.FOLDER,
      FeedKind.ENTRY,
      FeedKind.GRANTS,
    ]);
    expect((await member.see()).records).toEqual([]);
    expect((await owner.see()).records).toHaveLength(2);
  });

  test('a team reaches its members', async () => {
    const [owner, one, two, other] = await people(4);
    const team = await putTeam(open, [one, two]);
    const record = await owner.create();
    await owner.share(record, team);
    for (const member of [one, two]) {
      const page = await member.sync();
      expect(page.records).toHaveLength(1);
      expect(page.grants[0]?.grants[0]?.sealedKey).toHaveLength(125);
    }
    expect((await other.sync()).records).toEqual([]);
  });

  test('an editor writes; a reader, a stranger and who may only launch do not', async () => {
    const [owner, editor, reader, launcher, stranger] = await people(5);
    const record = await owner.create();
    await owner.share(record, editor, { rights: { edit: true } });
    await owner.share(record, reader);
    await owner.share(record, launcher, { rights: launchRights });
    const write = async (writer: Person, baseRevision: bigint) =>
      writer.client.call(putRecords, { changes: [await edited(writer, owner, record, baseRevision)] });
    await write(editor, 1n);
    const [seen] = (await owner.see()).records;
    expect(seen).toMatchObject({ revision: 2n, covered: { revision: 1n } });
    expect(uidText(seen?.writerUid ?? new Uint8Array(0))).toBe(editor.uid);
    await expect(write(reader, 2n)).rejects.toMatchObject({ code: 'not-allowed' });
    await expect(write(launcher, 2n)).rejects.toMatchObject({ code: 'not-allowed' });
    await expect(write(stranger, 2n)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('signatures, owners, organisations and rights of a grant are checked', async () => {
    const [owner, reader, sharer] = await people(3);
    const foreign = await registerPerson(open.server);
    const record = await owner.create();
    const refuse = async (who: Person, grant: Awaited<ReturnType<Person['grant']>>, code: string) =>
      expect(who.client.call(putGrants, { grants: [grant] })).rejects.toMatchObject({ code });
    await refuse(owner, await owner.grant(record, foreign), 'not-found');
    await refuse(owner, await owner.grant(record, newUid()), 'not-found');
    await refuse(owner, await owner.grant(newUid(), reader), 'not-found');
    await refuse(reader, await reader.grant(record, sharer, { ownerUid: owner.uid }), 'not-found');
    await refuse(owner, await owner.grant(record, reader, { ownerUid: reader.uid }), 'conflict');
    await refuse(owner, await owner.grant(record, reader, { keyVersion: 2 }), 'conflict');
    await refuse(owner, await owner.grant(record, owner), 'malformed');
    await refuse(owner, await owner.grant(record, reader, { expiresAtMs: 1 }), 'expired');
    await refuse(owner, await owner.grant(record, reader, { rights: { manageMembers: true } }), 'malformed');
    await refuse(reader, await owner.grant(record, sharer), 'bad-signature');
    const good = await owner.grant(record, reader);
    await refuse(
      owner,
      { ...good, signature: (await owner.grant(record, reader)).signature },
      'bad-signature',
    );
    await refuse(owner, { ...good, sealedKey: new Uint8Array(125) }, 'bad-signature');
    await owner.share(record, sharer, { rights: { share: true } });
    const handOn = { ownerUid: owner.uid };
    await refuse(
      sharer,
      await sharer.grant(record, reader, { ...handOn, rights: { edit: true } }),
      'not-allowed',
    );
    await sharer.share(record, reader, handOn);
    expect((await reader.sync()).records).toHaveLength(1);
    await owner.unshare('record', record, sharer.uid);
    expect((await reader.sync()).records).toEqual([]);
  });

  test('what comes with a folder is of it, and only who manages records puts some in', async () => {
    const [owner, manager, member] = await people(3);
    const folder = await owner.createFolder();
    await owner.share(folder, manager, {
      objectKind: 'folder',
      rights: { manageRecords: true, share: true },
    });
    await owner.share(folder, member, { objectKind: 'folder' });
    const place = { uid: folder, owner: owner.uid };
    await manager.place(place, [await manager.create('from a manager')]);
    expect((await member.sync()).records).toHaveLength(1);
    expect((await owner.sync()).records).toHaveLength(1);
    const own = await member.create('from a member');
    await expect(member.place(place, [own])).rejects.toMatchObject({ code: 'not-allowed' });
    const renamed = await manager.folderChange(folder, 1n, owner.uid);
    await manager.client.call(putFolder, renamed);
    expect((await owner.sync()).folders).toMatchObject([{ revision: 2n, covered: { revision: 1n } }]);
    const byMember = await member.folderChange(folder, 2n, owner.uid);
    await expect(member.client.call(putFolder, byMember)).rejects.toMatchObject({ code: 'not-allowed' });
    const entries = [await owner.entry(place, { uid: own, owner: member.uid })];
    await expect(owner.client.call(putEntries, { entries })).rejects.toMatchObject({ code: 'not-found' });
    await member.sync();
    await owner.unshare('folder', folder, manager.uid);
    expect(kindsOf((await member.sync()).removals)).toEqual([
      FeedKind.RECORD,
      FeedKind.ENTRY,
      FeedKind.GRANTS,
    ]);
  });

  test('ownership goes to whom it was offered, with what the new owner gives', async () => {
    const [owner, heir, reader] = await people(3);
    const record = await owner.create();
    await owner.share(record, reader);
    const takeOver = async () => {
      const change = await heir.change('mine now', {
        recordUid: uidBytes(record),
        baseRevision: 1n,
        takeOver: true,
      });
      const grants = [await heir.grant(record, owner, { rights: { edit: true } })];
      return await heir.client.writeNext((manifest) =>
        heir.client.call(putRecords, { changes: [change], grants, manifest }),
      );
    };
    await expect(takeOver()).rejects.toMatchObject({ code: 'not-found' });
    await owner.share(record, heir, { rights: { edit: true, share: true, own: true } });
    await owner.sync();
    await takeOver();
    const former = await owner.sync();
    expect(former.records).toMatchObject([{ revision: 2n, covered: { revision: 1n, deleted: false } }]);
    expect(uidText(former.records[0]?.ownerUid ?? new Uint8Array(0))).toBe(heir.uid);
    expect((await reader.sync()).records).toEqual([]);
    expect((await heir.see()).records).toMatchObject([{ covered: { revision: 2n } }]);
  });

  test('a new key ends what the former one was given under, unless it comes anew', async () => {
    const [owner, kept, gone] = await people(3);
    const record = await owner.create();
    for (const grantee of [kept, gone]) await owner.share(record, grantee);
    const change = await owner.change('rotated', {
      recordUid: uidBytes(record),
      baseRevision: 1n,
      keyVersion: 2,
      sealedFormerKey: new Uint8Array(100).fill(1),
    });
    const grants = [await owner.grant(record, kept, { keyVersion: 2 })];
    await owner.client.writeNext((manifest) =>
      owner.client.call(putRecords, { changes: [change], grants, manifest }),
    );
    expect((await kept.see()).records).toMatchObject([{ keyVersion: 2 }]);
    expect((await gone.see()).records).toEqual([]);
    const history = await kept.client.call(listHistory, { recordUid: uidBytes(record) });
    expect(history.revisions).toMatchObject([{ revision: 1n, keyVersion: 1 }]);
    expect(history.keys).toMatchObject([{ keyVersion: 1 }]);
  });

  async function people<const Count extends number>(count: Count) {
    return (await registerPeople(open, count)) as unknown as Tuple<Count>;
  }
});

type Tuple<Count extends number, Held extends Person[] = []> = Held['length'] extends Count
  ? Held
  : Tuple<Count, [...Held, Person]>;

function edited(writer: Person, owner: Person, record: Uid, baseRevision: bigint) {
  return writer.change('edited', { recordUid: uidBytes(record), baseRevision, ownerUid: owner.uid });
}

function kindsOf(removals: readonly { readonly kind: FeedKind }[]): FeedKind[] {
  return [...new Set(removals.map(({ kind }) => kind))].sort((one, other) => one - other);
}
