// Attack class 9: what is there is taken away. Who manages a folder puts another's record there anew, on the strength of the
// entry that they replace: it would count for nobody any more.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SharingService } from '../../protocol/messages/gen/sharing_pb.js';
import { uidOf, type Uid } from '../../protocol/uid.ts';
import { startOpenServer, type OpenServer } from '../fixtures/open-server.ts';
import { registerPeople, type Person } from '../fixtures/sharing-client.ts';

let open: OpenServer;
let people: Person[] = [];

beforeAll(async () => {
  open = await startOpenServer();
  people = await registerPeople(open, 3);
});
afterAll(async () => await open.close());

async function seenBy(person: Person, recordUid: Uid): Promise<boolean> {
  return (await person.see()).records.some((row) => uidOf(row.recordUid) === recordUid);
}

test('an entry that would come to nothing does not replace one that counts', async () => {
  const [ada, ben, cal] = people;
  if (!ada || !ben || !cal) throw new Error('three people');
  const folderUid = await ada.createFolder();
  const folder = { uid: folderUid, owner: ada.uid };
  const member = { objectKind: 'folder', ownerUid: ada.uid } as const;
  await ada.share(folderUid, ben, { ...member, rights: { edit: true, share: true, manageRecords: true } });
  await ada.share(folderUid, cal, member);
  const recordUid = await ben.create();
  await ben.place(folder, [recordUid], { share: true });
  const entries = [await ada.entry(folder, { uid: recordUid, owner: ben.uid }, { share: true })];
  await expect(ada.client.call(SharingService.method.putEntries, { entries })).rejects.toMatchObject({
    code: 'not-allowed',
  });
  expect(await seenBy(ada, recordUid)).toBe(true);
  expect(await seenBy(cal, recordUid)).toBe(true);
});

test('who may share the record without that entry puts it there anew', async () => {
  const [ada, ben] = people;
  if (!ada || !ben) throw new Error('two people');
  const folderUid = await ada.createFolder();
  const folder = { uid: folderUid, owner: ada.uid };
  const rights = { edit: true, share: true, manageRecords: true };
  await ada.share(folderUid, ben, { objectKind: 'folder', ownerUid: ada.uid, rights });
  const recordUid = await ben.create();
  await ben.share(recordUid, ada, { rights: { share: true } });
  await ben.place(folder, [recordUid], { share: true });
  const entries = [await ada.entry(folder, { uid: recordUid, owner: ben.uid }, { share: true })];
  await ada.client.call(SharingService.method.putEntries, { entries });
  expect(await seenBy(ada, recordUid)).toBe(true);
});
