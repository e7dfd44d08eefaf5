// Attack class 9, of shared folders: whoever managed a folder and left, with the server, shows what they wrote of it. To the
// owner's vault it counts while the folder has the key that they had, or as far as the own manifest covers it; to others
// not at all before the owner's vault has written the folder anew.
import { beforeEach, expect, test } from 'vitest';
import type { GivenObject } from '../../workers/engine/sharing/share-seal.ts';
import type { Person } from '../fakes/organisation.ts';
import { grantsOn, newObject, Office } from '../fakes/shares.ts';

let office: Office;
let owner: Person;
let manager: Person;
let viewer: Person;
let folder: GivenObject;

beforeEach(() => {
  office = new Office();
  [owner, manager, viewer] = [office.hire(), office.hire(), office.hire()];
  folder = newObject('folder', owner);
});

/** The vault of that person after the manager left; `seen`: it was there while they were one. */
async function vaultOf(person: Person, { seen = true, manages = true } = {}) {
  const mine = await office.bookOf(person);
  const toViewer = await office.grant(owner, folder, viewer);
  const toManager = await office.grant(owner, folder, manager, { rights: { manageRecords: manages } });
  if (seen)
    await mine.admit({
      grants: [grantsOn(folder, toViewer, toManager)],
      folders: [await office.folder(owner, folder, 'Before')],
    });
  const roster = office.roster();
  const departed = { signingPublicKey: manager.signer.publicKey };
  mine.rosters.roster = {
    ...roster,
    members: roster.members.filter(({ accountUid }) => accountUid !== manager.accountUid),
    ends: [{ uid: manager.accountUid, untilMs: office.now + 1, departed }],
  };
  await mine.admit({ grants: [grantsOn(folder, toViewer)] });
  return mine;
}

const written = (as: GivenObject = folder) => office.folder(manager, as, 'By who left', 2n, owner);
const namesIn = async ({ book }: Awaited<ReturnType<typeof vaultOf>>) =>
  (await book.folders()).map(({ name }) => name);

test('what they wrote under the key that they had is the owner’s folder', async () => {
  const mine = await vaultOf(owner);
  await mine.admit({ folders: [await written()] });
  expect(await namesIn(mine)).toEqual(['By who left']);
});

test('what they write once the owner has replaced the key', async () => {
  const mine = await vaultOf(owner);
  const next = { ...newObject('folder', owner), uid: folder.uid, keyVersion: 2 };
  await mine.admit({ folders: [await office.folder(owner, next, 'By its owner', 2n)] });
  await mine.admit({ folders: [await office.folder(manager, folder, 'Again', 3n, owner)] });
  await mine.admit({ folders: [await office.folder(manager, next, 'And again', 4n, owner)] });
  expect(await namesIn(mine)).toEqual(['By its owner']);
});

test('what they show to others than the owner', async () => {
  const mine = await vaultOf(viewer);
  await mine.admit({ folders: [await written()] });
  expect(await namesIn(mine)).toEqual(['Before']);
});

test('what they could never write', async () => {
  const mine = await vaultOf(owner, { manages: false });
  await mine.admit({ folders: [await written()] });
  expect(await namesIn(mine)).toEqual(['Before']);
});

test('a new device of the owner’s opens it when the manifest covers it, and not before', async () => {
  const mine = await vaultOf(owner, { seen: false });
  await mine.admit({ folders: [await written()] });
  expect(await namesIn(mine)).toEqual([]);
  mine.covered.add(folder.uid);
  expect(await namesIn(mine)).toEqual(['By who left']);
});

test('a new device of somebody else’s does not, whatever it is told', async () => {
  const mine = await vaultOf(viewer, { seen: false });
  mine.covered.add(folder.uid);
  await mine.admit({ folders: [await written()] });
  expect(await namesIn(mine)).toEqual([]);
});
