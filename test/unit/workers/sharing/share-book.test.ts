import { beforeEach, describe, expect, test } from 'vitest';
import { empty } from '../../../../protocol/bytes.ts';
import { randomBytes } from '../../../../protocol/crypto/random.ts';
import { FeedKind } from '../../../../protocol/messages/gen/record_pb.js';
import { newUid, uidBytes } from '../../../../protocol/uid.ts';
import { folderLaunchKeyOf } from '../../../../protocol/vault/folder-seal.ts';
import { renewFormerKeys } from '../../../../protocol/vault/former-folder-keys.ts';
import { recordLaunchKeyOf } from '../../../../protocol/vault/launch-card.ts';
import type { Person } from '../../../fakes/organisation.ts';
import { grantsOn, newObject, Office } from '../../../fakes/shares.ts';

let office: Office;
let owner: Person;
let ben: Person;
let cora: Person;

beforeEach(() => {
  office = new Office();
  [owner, ben, cora] = [office.hire(), office.hire(), office.hire()];
});

describe('a record that was shared with me', () => {
  test('gives its key, and its launch key with it', async () => {
    const record = newObject('record', owner);
    const { book, admit } = await office.bookOf(ben);
    await admit({ grants: [grantsOn(record, await office.grant(owner, record, ben))] });
    expect(await book.recordKey(record.uid, owner.accountUid)).toEqual(record.key);
    expect(await book.launchKey(record.uid, owner.accountUid)).toEqual(
      recordLaunchKeyOf(record.key, record.uid),
    );
    expect(book.accessTo(record.uid, owner.accountUid)?.rights.edit).toBe(false);
  });

  test('to launch gives the launch key and never its own', async () => {
    const record = newObject('record', owner);
    const { book, admit } = await office.bookOf(ben);
    const grant = await office.grant(owner, record, ben, { rights: { launchOnly: true } });
    await admit({ grants: [grantsOn(record, grant)] });
    expect(await book.recordKey(record.uid, owner.accountUid)).toBeNull();
    expect(await book.launchKey(record.uid, owner.accountUid)).toEqual(
      recordLaunchKeyOf(record.key, record.uid),
    );
  });

  test('through a team gives it to its members alone', async () => {
    const record = newObject('record', owner);
    const team = office.team(ben);
    const grants = [grantsOn(record, await office.grant(owner, record, team))];
    const [first, second] = [await office.bookOf(ben), await office.bookOf(cora)];
    await first.admit({ grants });
    await second.admit({ grants });
    expect(await first.book.recordKey(record.uid, owner.accountUid)).toEqual(record.key);
    expect(await second.book.recordKey(record.uid, owner.accountUid)).toBeNull();
  });

  test('gives nothing after its end, and nothing once the grants are gone', async () => {
    const record = newObject('record', owner);
    const { book, admit } = await office.bookOf(ben);
    const grant = await office.grant(owner, record, ben, { expiresAtMs: office.now + 1_000 });
    await admit({ grants: [grantsOn(record, grant)] });
    office.now += 1_000;
    expect(await book.recordKey(record.uid, owner.accountUid)).toBeNull();
    office.now -= 1_000;
    await admit({ removals: [{ kind: FeedKind.GRANTS, objectUid: uidBytes(record.uid) }] });
    expect(await book.recordKey(record.uid, owner.accountUid)).toBeNull();
  });

  test('keeps the newest key where there are two', async () => {
    const record = newObject('record', owner);
    const newer = { ...record, key: randomBytes(32), keyVersion: 2 };
    const team = office.team(ben);
    const { book, admit } = await office.bookOf(ben);
    const older = await office.grant(owner, record, ben);
    await admit({ grants: [grantsOn(record, older, await office.grant(owner, newer, team))] });
    expect(await book.recordKey(record.uid, owner.accountUid)).toEqual(newer.key);
    await admit({ grants: [grantsOn(record, older)] });
    expect(await book.recordKey(record.uid, owner.accountUid)).toEqual(record.key);
  });
});

describe('a key that the server put in', () => {
  test('sealed to me by nobody of the roster is dropped', async () => {
    const record = newObject('record', owner);
    const stranger = new Office().hire();
    const { book, admit, warnings } = await office.bookOf(ben);
    await admit({ grants: [grantsOn(record, await office.grant(stranger, record, ben))] });
    expect(await book.recordKey(record.uid, owner.accountUid)).toBeNull();
    expect(warnings).toHaveLength(1);
  });

  test('signed by a member who may not give it is never tried', async () => {
    const record = newObject('record', owner);
    const injected = { ...record, key: randomBytes(32), keyVersion: 9 };
    const { book, admit } = await office.bookOf(ben);
    const good = await office.grant(owner, record, ben);
    await admit({ grants: [grantsOn(record, good, await office.grant(cora, injected, ben))] });
    expect(await book.recordKey(record.uid, owner.accountUid)).toEqual(record.key);
  });

  test('in the place of the signed one is dropped', async () => {
    const record = newObject('record', owner);
    const { book, admit, warnings } = await office.bookOf(ben);
    const [signed, other] = [await office.grant(owner, record, ben), await office.grant(owner, record, ben)];
    await admit({ grants: [grantsOn(record, { ...signed, sealedKey: other.sealedKey ?? empty })] });
    expect(await book.recordKey(record.uid, owner.accountUid)).toBeNull();
    expect(warnings).toHaveLength(1);
  });

  test('moved from another record is dropped', async () => {
    const [record, other] = [newObject('record', owner), newObject('record', owner)];
    const { book, admit } = await office.bookOf(ben);
    await admit({ grants: [grantsOn(record, await office.grant(owner, other, ben))] });
    expect(await book.recordKey(record.uid, owner.accountUid)).toBeNull();
  });

  test('of an owner who is another one than the record’s is not for it', async () => {
    const record = newObject('record', owner);
    const claimed = { ...record, ownerUid: cora.accountUid, key: randomBytes(32) };
    const { book, admit } = await office.bookOf(ben);
    await admit({ grants: [grantsOn(record, await office.grant(cora, claimed, ben))] });
    expect(await book.recordKey(record.uid, owner.accountUid)).toBeNull();
    expect(book.accessTo(record.uid, owner.accountUid)).toBeNull();
  });
});

describe('a former word of the server', () => {
  test('does not come back: a grant that was replaced by a narrower one', async () => {
    const record = newObject('record', owner);
    const { book, admit } = await office.bookOf(ben);
    const wide = await office.grant(owner, record, ben, { rights: { edit: true } });
    const narrow = await office.grant(owner, record, ben, { issuedAtMs: office.now + 1 });
    await admit({ grants: [grantsOn(record, narrow)] });
    await admit({ grants: [grantsOn(record, wide)] });
    expect(book.accessTo(record.uid, owner.accountUid)?.rights.edit).toBe(false);
  });

  test('not after the vault was closed and opened either', async () => {
    const record = newObject('record', owner);
    const first = await office.bookOf(ben);
    const wide = await office.grant(owner, record, ben, { rights: { edit: true } });
    const narrow = await office.grant(owner, record, ben, { issuedAtMs: office.now + 1 });
    const stored = await first.admit({ grants: [grantsOn(record, narrow)] });
    const second = await office.bookOf(ben);
    second.book.load(stored);
    await second.admit({ grants: [grantsOn(record, wide)] });
    expect(second.book.accessTo(record.uid, owner.accountUid)?.rights.edit).toBe(false);
  });

  test('a folder that was renamed keeps its newer name', async () => {
    const folder = newObject('folder', owner);
    const { book, admit } = await office.bookOf(owner);
    const [before, after] = [
      await office.folder(owner, folder, 'Old'),
      await office.folder(owner, folder, 'New', 2n),
    ];
    await admit({ folders: [after] });
    await admit({ folders: [before] });
    expect((await book.folders()).map(({ name }) => name)).toEqual(['New']);
  });
});

describe('a shared folder', () => {
  test('opens its records to members, each with what folder and entry allow', async () => {
    const [folder, record] = [newObject('folder', owner), newObject('record', owner)];
    const { book, admit } = await office.bookOf(ben);
    await admit({
      grants: [grantsOn(folder, await office.grant(owner, folder, ben, { rights: { edit: true } }))],
      folders: [await office.folder(owner, folder, 'Servers')],
      entries: [await office.entry(owner, folder, record, { rights: { edit: true } })],
    });
    expect(await book.recordKey(record.uid, owner.accountUid)).toEqual(record.key);
    expect(
      book.mayWrite(ben.accountUid, { recordUid: record.uid, ownerUid: owner.accountUid, keyVersion: 1 }),
    ).toBe(true);
    expect(book.foldersOf(record.uid)).toEqual([folder.uid]);
    const [listed] = await book.folders();
    expect(listed).toMatchObject({ name: 'Servers', uid: folder.uid });
    expect([...(listed?.places ?? [])]).toEqual([[record.uid, null]]);
  });

  test('gives launch-only members names and launch keys, and no record key', async () => {
    const [folder, record] = [newObject('folder', owner), newObject('record', owner)];
    const { book, admit } = await office.bookOf(ben);
    const grant = await office.grant(owner, folder, ben, { rights: { launchOnly: true } });
    const entry = await office.entry(owner, folder, record);
    await admit({
      grants: [grantsOn(folder, grant)],
      folders: [await office.folder(owner, folder, 'Servers')],
      entries: [{ ...entry, sealedKey: empty }],
    });
    expect(await book.recordKey(record.uid, owner.accountUid)).toBeNull();
    expect(await book.launchKey(record.uid, owner.accountUid)).toEqual(
      recordLaunchKeyOf(record.key, record.uid),
    );
    expect((await book.folders())[0]?.name).toBe('Servers');
    expect(await book.keyring.ofFolder('full', folder.uid, owner.accountUid)).toBeNull();
    expect(await book.keyring.ofFolder('launch', folder.uid, owner.accountUid)).toEqual(
      folderLaunchKeyOf(folder.key, folder.uid),
    );
  });

  test('gives the keys that it had whole, though they are forgotten while its former ones are opened', async () => {
    const [folder, former] = [newObject('folder', owner), randomBytes(32)];
    const renewed = { ...folder, keyVersion: 2 };
    const replaced = { key: former, launchKey: folderLaunchKeyOf(former, folder.uid), keyVersion: 1 };
    const formerKeys = await renewFormerKeys(folder.uid, replaced, folder.key, []);
    const { book, admit } = await office.bookOf(owner);
    await admit({ folders: [await office.folder(owner, renewed, 'Servers', 1n, owner, formerKeys)] });
    const read = () => book.keyring.ofFolderEver(folder.uid, owner.accountUid);
    expect(await read()).toEqual([folder.key, former]);
    // At each of its steps once: a page of the server's is enough for it.
    for (let step = 0; step < 30; step++) {
      const keys = read();
      for (let i = 0; i < step; i++) await Promise.resolve();
      book.keyring.forget();
      expect(await keys).toEqual([folder.key, former]);
    }
  });

  test('whose key is replaced while it is looked for has the new one', async () => {
    for (let step = 0; step < 30; step++) {
      const folder = newObject('folder', owner);
      const newer = { ...folder, key: randomBytes(32), keyVersion: 2 };
      const { book, admit } = await office.bookOf(ben);
      await admit({ grants: [grantsOn(folder, await office.grant(owner, folder, ben))] });
      const renewed = { grants: [grantsOn(folder, await office.grant(owner, newer, ben))] };
      const read = () => book.keyring.ofFolder('full', folder.uid, owner.accountUid);
      const early = read();
      for (let i = 0; i < step; i++) await Promise.resolve();
      await admit(renewed);
      await early;
      expect(await read()).toEqual(newer.key);
    }
  });

  test('comes in any order of pages', async () => {
    const [folder, record] = [newObject('folder', owner), newObject('record', owner)];
    const { book, admit } = await office.bookOf(ben);
    await admit({ entries: [await office.entry(owner, folder, record)] });
    expect(await book.recordKey(record.uid, owner.accountUid)).toBeNull();
    await admit({ folders: [await office.folder(owner, folder, 'Servers')] });
    await admit({ grants: [grantsOn(folder, await office.grant(owner, folder, ben))] });
    expect(await book.recordKey(record.uid, owner.accountUid)).toEqual(record.key);
  });

  test('an entry whose keys were exchanged is dropped', async () => {
    const [folder, record, other] = [
      newObject('folder', owner),
      newObject('record', owner),
      newObject('record', owner),
    ];
    const { book, admit } = await office.bookOf(ben);
    const [entry, foreign] = [
      await office.entry(owner, folder, record),
      await office.entry(owner, folder, other),
    ];
    await admit({
      grants: [grantsOn(folder, await office.grant(owner, folder, ben))],
      entries: [{ ...entry, sealedLaunchKey: foreign.sealedLaunchKey ?? empty }],
    });
    expect(book.foldersOf(record.uid)).toEqual([]);
  });

  test('a name that somebody wrote who may not is not shown', async () => {
    const folder = newObject('folder', owner);
    const { book, admit } = await office.bookOf(cora);
    await admit({
      grants: [
        grantsOn(folder, await office.grant(owner, folder, ben), await office.grant(owner, folder, cora)),
      ],
      folders: [await office.folder(ben, folder, 'Renamed by a reader', 2n, owner)],
    });
    expect(await book.folders()).toEqual([]);
  });

  test('is gone with its removal, and so are its records', async () => {
    const [folder, record] = [newObject('folder', owner), newObject('record', owner)];
    const { book, admit } = await office.bookOf(ben);
    await admit({
      grants: [grantsOn(folder, await office.grant(owner, folder, ben))],
      folders: [await office.folder(owner, folder, 'Servers')],
      entries: [await office.entry(owner, folder, record)],
    });
    await admit({
      removals: [
        { kind: FeedKind.ENTRY, objectUid: uidBytes(folder.uid), recordUid: uidBytes(record.uid) },
        { kind: FeedKind.FOLDER, objectUid: uidBytes(folder.uid) },
      ],
    });
    expect(await book.folders()).toEqual([]);
    expect(await book.recordKey(record.uid, owner.accountUid)).toBeNull();
  });
});

test('whoever leaves the roster takes what they gave with them', async () => {
  const record = newObject('record', owner);
  const { book, admit, rosters } = await office.bookOf(cora);
  const grants = [
    await office.grant(owner, record, ben, { rights: { share: true } }),
    await office.grant(ben, record, cora),
  ];
  await admit({ grants: [grantsOn(record, ...grants)] });
  expect(await book.recordKey(record.uid, owner.accountUid)).toEqual(record.key);
  rosters.roster = office.roster([owner, cora]);
  expect(await book.recordKey(record.uid, owner.accountUid)).toBeNull();
});

test('only who was offered a record by its owner may take it over', async () => {
  const record = newObject('record', owner);
  const { book, admit } = await office.bookOf(cora);
  const grants = [
    await office.grant(owner, record, ben, { rights: { edit: true, share: true, own: true } }),
    await office.grant(ben, record, cora, { rights: { own: true } }),
  ];
  await admit({ grants: [grantsOn(record, ...grants)] });
  expect(book.mayTakeOver(ben.accountUid, record.uid, owner.accountUid)).toBe(true);
  expect(book.mayTakeOver(cora.accountUid, record.uid, owner.accountUid)).toBe(false);
  expect(book.mayTakeOver(newUid(), record.uid, owner.accountUid)).toBe(false);
});

test('grants of too many people at once are refused whole', async () => {
  const record = newObject('record', owner);
  const { book, admit, warnings } = await office.bookOf(ben);
  const grant = await office.grant(owner, record, ben);
  await admit({ grants: [grantsOn(record, ...Array.from({ length: 501 }, () => grant))] });
  expect(book.accessTo(record.uid, owner.accountUid)).toBeNull();
  expect(warnings).toHaveLength(1);
});

test('nothing is left once the vault is locked', async () => {
  const record = newObject('record', owner);
  const { book, admit } = await office.bookOf(ben);
  await admit({ grants: [grantsOn(record, await office.grant(owner, record, ben))] });
  book.clear();
  expect(await book.recordKey(record.uid, owner.accountUid)).toBeNull();
});
