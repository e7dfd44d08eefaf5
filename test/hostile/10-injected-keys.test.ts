// Attack class 10: injected vault or folder keys. The server puts keys of its own, of colluding members and of former
// times among what was shared: none of them is ever used.
import { beforeEach, expect, test } from 'vitest';
import { empty } from '../../protocol/bytes.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { uidBytes } from '../../protocol/uid.ts';
import { wrapFolderKey } from '../../protocol/vault/folder-seal.ts';
import type { GivenObject } from '../../workers/engine/sharing/share-seal.ts';
import { newPerson, type Person } from '../fakes/organisation.ts';
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

/** The same object with a key that the attacker knows. */
const injected = (object: GivenObject): GivenObject => ({ ...object, key: randomBytes(32), keyVersion: 99 });

async function keysOf({ book }: Awaited<ReturnType<Office['bookOf']>>) {
  return [
    await book.recordKey(record.uid, owner.accountUid),
    await book.launchKey(record.uid, owner.accountUid),
    await book.keyring.ofFolder('full', folder.uid, owner.accountUid),
    await book.keyring.ofFolder('launch', folder.uid, owner.accountUid),
  ];
}
const none = [null, null, null, null];

test('an honest server: the keys are those of the owner', async () => {
  const mine = await office.bookOf(victim);
  await mine.admit({
    grants: [grantsOn(folder, await office.grant(owner, folder, victim))],
    entries: [await office.entry(owner, folder, record)],
  });
  expect((await keysOf(mine))[0]).toEqual(record.key);
});

test('a record key from the server itself, or from a member to whom the record is nothing', async () => {
  const mine = await office.bookOf(victim);
  const fakes = [newPerson(), colluder, victim].map((from) => office.grant(from, injected(record), victim));
  await mine.admit({ grants: [grantsOn(record, ...(await Promise.all(fakes)))] });
  expect(await keysOf(mine)).toEqual(none);
});

test('words in the owner’s name that the server signed: grants, entries and folders', async () => {
  const mine = await office.bookOf(victim);
  const forger = { ...newPerson(), accountUid: owner.accountUid };
  await mine.admit({ grants: [grantsOn(record, await office.grant(forger, injected(record), victim))] });
  expect(await keysOf(mine)).toEqual(none);
  expect(mine.book.shares.grantsOf('record', record.uid)).toEqual([]);
  await mine.admit({
    grants: [grantsOn(folder, await office.grant(owner, folder, victim))],
    entries: [await office.entry(forger, folder, injected(record))],
    folders: [await office.folder(forger, folder, 'Forged', 1n, owner)],
  });
  expect(await mine.book.recordKey(record.uid, owner.accountUid)).toBeNull();
  expect(mine.book.shares.entriesOf(record.uid)).toEqual([]);
  expect(await mine.book.folders()).toEqual([]);
  await mine.admit({
    entries: [await office.entry(owner, folder, record)],
    folders: [await office.folder(owner, folder, 'Servers')],
  });
  expect((await mine.book.folders()).map(({ name }) => name)).toEqual(['Servers']);
  await mine.admit({ folders: [await office.folder(forger, folder, 'Forged', 2n, owner)] });
  expect((await mine.book.folders()).map(({ name }) => name)).toEqual(['Servers']);
});

test('a folder key from a member who is in it and may take nobody in', async () => {
  const mine = await office.bookOf(victim);
  await mine.admit({
    grants: [
      grantsOn(
        folder,
        await office.grant(owner, folder, colluder, { rights: { manageRecords: true } }),
        await office.grant(colluder, injected(folder), victim),
      ),
    ],
  });
  expect(await keysOf(mine)).toEqual(none);
});

test('an entry with a key of the colluder’s, who may not share the record', async () => {
  const mine = await office.bookOf(victim);
  const manage = { rights: { manageRecords: true } };
  await mine.admit({
    grants: [
      grantsOn(
        folder,
        await office.grant(owner, folder, colluder, manage),
        await office.grant(owner, folder, victim),
      ),
    ],
    entries: [await office.entry(colluder, folder, injected(record))],
  });
  const { book } = mine;
  expect(await book.recordKey(record.uid, owner.accountUid)).toBeNull();
  expect(await book.launchKey(record.uid, owner.accountUid)).toBeNull();
});

test('keys of two entries or two grants exchanged', async () => {
  const other = newObject('record', owner);
  const mine = await office.bookOf(victim);
  const [entry, foreign] = [
    await office.entry(owner, folder, record),
    await office.entry(owner, folder, other),
  ];
  const [grant, strange] = [
    await office.grant(owner, record, victim),
    await office.grant(owner, other, victim),
  ];
  await mine.admit({
    grants: [
      grantsOn(folder, await office.grant(owner, folder, victim)),
      grantsOn(record, { ...grant, sealedKey: strange.sealedKey ?? empty }),
    ],
    entries: [
      { ...entry, sealedKey: foreign.sealedKey ?? empty, sealedLaunchKey: foreign.sealedLaunchKey ?? empty },
    ],
  });
  expect(await mine.book.recordKey(record.uid, owner.accountUid)).toBeNull();
  expect(mine.warnings).toHaveLength(2);
});

test('one key exchanged is enough: the grant or entry is not even kept', async () => {
  const other = newObject('record', owner);
  const entry = await office.entry(owner, folder, record);
  const foreign = await office.entry(owner, folder, other);
  for (const change of [
    { sealedKey: foreign.sealedKey ?? empty },
    { sealedLaunchKey: foreign.sealedLaunchKey ?? empty },
  ]) {
    const mine = await office.bookOf(victim);
    const member = grantsOn(folder, await office.grant(owner, folder, victim));
    await mine.admit({ grants: [member], entries: [{ ...entry, ...change }] });
    expect(mine.book.shares.entriesOf(record.uid)).toEqual([]);
    await mine.admit({ entries: [entry] });
    expect(mine.book.shares.entriesOf(record.uid)).toHaveLength(1);
  }
  const mine = await office.bookOf(victim);
  const grant = await office.grant(owner, record, victim);
  const { sealedKey = empty } = await office.grant(owner, other, victim);
  await mine.admit({ grants: [grantsOn(record, { ...grant, sealedKey })] });
  expect(mine.book.shares.grantsOf('record', record.uid)).toEqual([]);
});

test('a folder of one’s own with a key that the data key of this account never wrapped', async () => {
  const mine = await office.bookOf(owner);
  const sound = await office.folder(owner, folder, 'Servers');
  const { keys } = await office.bookOf(colluder);
  const scope = { folderUid: folder.uid, ownerUid: owner.accountUid };
  const sealedKey = await wrapFolderKey(keys.dataKey, scope, randomBytes(32));
  await mine.admit({ folders: [{ ...sound, sealedKey }] });
  expect(await keysOf(mine)).toEqual(none);
  expect(await mine.book.folders()).toEqual([]);
});

test('a folder of mine that somebody else is said to own, with a key of theirs', async () => {
  const mine = await office.bookOf(victim);
  await mine.admit({
    grants: [grantsOn(folder, await office.grant(owner, folder, victim))],
    folders: [await office.folder(owner, folder, 'Servers')],
  });
  const stolen = { ...injected(folder), ownerUid: colluder.accountUid };
  const theirs = await office.folder(colluder, stolen, 'Servers', 2n);
  await mine.admit({
    folders: [theirs],
    grants: [grantsOn(folder, await office.grant(colluder, stolen, victim))],
  });
  expect(mine.book.shares.folders.get(folder.uid)?.ownerUid).toBe(owner.accountUid);
  expect(theirs.folderUid).toEqual(uidBytes(folder.uid));
  expect(await mine.book.keyring.ofFolder('full', folder.uid, owner.accountUid)).not.toEqual(stolen.key);
});

test('the key of a grant that was taken back, shown again beside its successor', async () => {
  const mine = await office.bookOf(victim);
  const former = await office.grant(owner, record, victim);
  const renewed = { ...record, key: randomBytes(32), keyVersion: 2 };
  const now = await office.grant(owner, renewed, victim, { issuedAtMs: office.now + 1 });
  await mine.admit({ grants: [grantsOn(record, now)] });
  await mine.admit({ grants: [grantsOn(record, former)] });
  expect(await mine.book.recordKey(record.uid, owner.accountUid)).toEqual(renewed.key);
});
