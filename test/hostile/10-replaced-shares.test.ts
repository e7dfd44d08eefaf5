// Attack class 10: what was shared, replaced by words of former times, of the future, and of members who may not say them.
import { beforeEach, expect, test } from 'vitest';
import { uidBytes } from '../../protocol/uid.ts';
import { FeedKind } from '../../protocol/messages/gen/record_pb.js';
import type { GivenObject } from '../../workers/engine/sharing/share-seal.ts';
import type { StoredObject } from '../../workers/engine/storage.ts';
import type { Person } from '../fakes/organisation.ts';
import { grantsOn, newObject, Office } from '../fakes/shares.ts';

let office: Office;
let owner: Person;
let victim: Person;
let colluder: Person;
let record: GivenObject;
let folder: GivenObject;

beforeEach(() => {
  office = new Office();
  [owner, victim, colluder] = [office.hire(), office.hire(), office.hire()];
  [record, folder] = [newObject('record', owner), newObject('folder', owner)];
});

const removal = (object: GivenObject) => ({ kind: FeedKind.GRANTS, objectUid: uidBytes(object.uid) });

async function narrowed() {
  const wide = await office.grant(owner, record, victim, { rights: { edit: true } });
  const narrow = await office.grant(owner, record, victim, { issuedAtMs: office.now + 1 });
  return { wide, narrow };
}

test.each(['an empty list', 'a removal'])('a wider grant of before comes again after %s', async (way) => {
  const mine = await office.bookOf(owner);
  const { wide, narrow } = await narrowed();
  await mine.admit({ grants: [grantsOn(record, wide)] });
  await mine.admit({ grants: [grantsOn(record, narrow)] });
  await mine.admit(way === 'a removal' ? { removals: [removal(record)] } : { grants: [grantsOn(record)] });
  await mine.admit({ grants: [grantsOn(record, wide)] });
  expect(mine.book.accessOf(victim.accountUid, record.uid, owner.accountUid)).toBeNull();
  await mine.admit({ grants: [grantsOn(record, narrow)] });
  expect(mine.book.accessOf(victim.accountUid, record.uid, owner.accountUid)?.rights.edit).toBe(false);
});

test('the same on a device that was locked meanwhile: what was seen is stored', async () => {
  const before = await office.bookOf(owner);
  const { wide, narrow } = await narrowed();
  const stored = new Map<string, StoredObject>();
  const keep = (shares: readonly StoredObject[]) => shares.forEach((share) => stored.set(share.key, share));
  keep(await before.admit({ grants: [grantsOn(record, narrow)] }));
  const gone = await before.admit({ removals: [removal(record)] });
  stored.delete(`grants:${record.uid}`);
  keep(gone);
  const mine = await office.bookOf(owner);
  mine.book.load([...stored.values()]);
  await mine.admit({ grants: [grantsOn(record, wide)] });
  expect(mine.book.accessOf(victim.accountUid, record.uid, owner.accountUid)).toBeNull();
});

test('a grant and an entry that are dated far ahead', async () => {
  const mine = await office.bookOf(owner);
  const ahead = { issuedAtMs: office.now + 24 * 3_600_000 };
  await mine.admit({
    grants: [grantsOn(record, await office.grant(owner, record, victim, ahead))],
    entries: [await office.entry(owner, folder, record, ahead)],
  });
  expect(mine.book.isShared(record.uid)).toBe(false);
});

test('a member to whom the folder is nothing replaces its name, and its records', async () => {
  const mine = await office.bookOf(victim);
  await mine.admit({
    grants: [grantsOn(folder, await office.grant(owner, folder, victim))],
    folders: [await office.folder(owner, folder, 'Servers')],
    entries: [await office.entry(owner, folder, record)],
  });
  await mine.admit({
    folders: [await office.folder(colluder, folder, 'Mine', 2n, owner)],
    entries: [await office.entry(colluder, folder, record, { issuedAtMs: office.now + 1 })],
  });
  expect((await mine.book.folders()).map(({ name }) => name)).toEqual(['Servers']);
  expect(await mine.book.recordKey(record.uid, owner.accountUid)).toEqual(record.key);
  await mine.admit({
    folders: [await office.folder(owner, folder, 'Servers, renamed', 3n)],
    entries: [await office.entry(owner, folder, record, { issuedAtMs: office.now + 2 })],
  });
  expect((await mine.book.folders()).map(({ name }) => name)).toEqual(['Servers, renamed']);
});

test('a member to whom the folder is nothing was first: what its owner wrote takes the place', async () => {
  const mine = await office.bookOf(victim);
  await mine.admit({
    grants: [grantsOn(folder, await office.grant(owner, folder, victim))],
    folders: [await office.folder(colluder, folder, 'Mine', 1_000n, owner)],
    entries: [await office.entry(colluder, folder, record, { issuedAtMs: office.now + 1 })],
  });
  await mine.admit({
    folders: [await office.folder(owner, folder, 'Servers', 2n)],
    entries: [await office.entry(owner, folder, record)],
  });
  expect((await mine.book.folders()).map(({ name }) => name)).toEqual(['Servers']);
  expect(await mine.book.recordKey(record.uid, owner.accountUid)).toEqual(record.key);
});

test('a word that comes before the grant that it rests on waits for it', async () => {
  const mine = await office.bookOf(victim);
  await mine.admit({
    grants: [grantsOn(folder, await office.grant(owner, folder, victim))],
    folders: [await office.folder(owner, folder, 'Servers')],
  });
  await mine.admit({ folders: [await office.folder(colluder, folder, 'Renamed', 2n, owner)] });
  expect((await mine.book.folders()).map(({ name }) => name)).toEqual(['Servers']);
  const manage = await office.grant(owner, folder, colluder, { rights: { manageRecords: true } });
  await mine.admit({
    grants: [grantsOn(folder, await office.grant(owner, folder, victim), manage)],
  });
  expect((await mine.book.folders()).map(({ name }) => name)).toEqual(['Renamed']);
});

test('a folder with a revision that cannot be', async () => {
  const mine = await office.bookOf(owner);
  await mine.admit({ folders: [await office.folder(owner, folder, 'Servers')] });
  await mine.admit({ folders: [await office.folder(owner, folder, 'Far', 1n << 40n)] });
  expect((await mine.book.folders()).map(({ name }) => name)).toEqual(['Servers']);
});

test('a grant that its granter took back comes again, under its signature', async () => {
  const mine = await office.bookOf(owner);
  const grant = await office.grant(owner, record, victim);
  await mine.admit({ grants: [grantsOn(record, grant)] });
  mine.book.revoke([
    {
      ...{ kind: 'record', objectUid: record.uid, outUid: victim.accountUid, signerUid: null },
      ...{ untilMs: office.now, keyVersion: 1 },
    },
  ]);
  expect(mine.book.accessOf(victim.accountUid, record.uid, owner.accountUid)).toBeNull();
  await mine.admit({ grants: [grantsOn(record, grant)] });
  expect(mine.book.accessOf(victim.accountUid, record.uid, owner.accountUid)).toBeNull();
  const anew = await office.grant(owner, record, victim, { issuedAtMs: office.now + 1 });
  await mine.admit({ grants: [grantsOn(record, anew)] });
  expect(mine.book.accessOf(victim.accountUid, record.uid, owner.accountUid)).not.toBeNull();
});
