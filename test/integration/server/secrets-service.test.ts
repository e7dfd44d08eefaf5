import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { SecretTransaction, SecretWriteKind } from '../../../protocol/messages/gen/secrets_pb.js';
import { newUid, uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import { createApplication } from '../../fixtures/application.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';
import {
  folderOf,
  listOffice,
  nameOf,
  plantCreation,
  plantFile,
  plantWrite,
  revisionOf,
  secrets,
  shareOf,
  subfolderOf,
  versionOf,
  wrapFor,
  type Version,
} from '../../fixtures/secrets-office.ts';
import { registerPerson, type Person } from '../../fixtures/sharing-client.ts';

let open: OpenServer;
let ada: Person;
beforeAll(async () => {
  open = await startOpenServer();
  ada = await registerPerson(open.server);
});
afterAll(() => open.close());

const failure = (call: Promise<unknown>) =>
  call.then(
    () => 'done',
    (error: { code?: string }) => error.code,
  );
const put = (versions: Version[], taken: ReturnType<typeof nameOf>[] = []) =>
  ada.client.call(secrets.putSecrets, { versions, taken });
const stateOf = async (recordUid: Uid) =>
  (await listOffice(ada)).records.find((one) => uidOf(one.recordUid) === recordUid) ?? null;

/** A next revision of an own record. */
async function revise(recordUid: Uid, baseRevision: bigint): Promise<void> {
  await ada.client.putRecords([await ada.change('next', { recordUid: uidBytes(recordUid), baseRevision })]);
}

/** An own shared folder with an own record in it, and a subfolder, as applications see them. */
async function furnish() {
  const { applicationUid } = await createApplication(ada.client);
  const [recordUid, folderUid, subfolderUid] = [await ada.create(), await ada.createFolder(), newUid()];
  await ada.place({ uid: folderUid, owner: ada.uid }, [recordUid]);
  const folders = [subfolderOf(folderUid, subfolderUid), folderOf(folderUid)];
  await ada.client.call(secrets.putSecretFolders, { folders });
  const places = [{ folderUid: uidBytes(folderUid), subfolderUid: uidBytes(subfolderUid) }];
  const version = versionOf(recordUid, { keys: [wrapFor(applicationUid), wrapFor(folderUid)], places });
  await put([version]);
  return { applicationUid, recordUid, folderUid, subfolderUid, places, version };
}

describe('versions', () => {
  test('are listed as they were put, and a later one takes the place of the former', async () => {
    const { recordUid, folderUid, subfolderUid, applicationUid, places } = await furnish();
    const first = await revisionOf(open.db, ada, recordUid);
    expect(await stateOf(recordUid)).toMatchObject({
      ...{ baseRevision: 1n, keyVersion: 1, written: false, fileUids: [] },
      holderUids: expect.toSatisfy((uids: Uint8Array[]) => uids.length === 2),
      places: [{ folderUid: uidBytes(folderUid), subfolderUid: uidBytes(subfolderUid) }],
    });
    await revise(recordUid, 1n);
    const files = [
      { fileUid: uidBytes(await plantFile(open.db, ada, recordUid)), wrappedKey: randomBytes(60) },
    ];
    const links = [{ recordUid: uidBytes(newUid()), data: randomBytes(5), path: 'meta' }];
    const keys = [wrapFor(applicationUid)];
    await put([versionOf(recordUid, { baseRevision: 2n, keys, places, files, links })]);
    expect(await stateOf(recordUid)).toMatchObject({
      ...{ baseRevision: 2n, holderUids: [uidBytes(applicationUid)], fileUids: [files[0]?.fileUid] },
    });
    expect(await revisionOf(open.db, ada, recordUid)).toBeGreaterThan(first ?? Infinity);
    const kept = open.db.selectFrom('secret_version').selectAll();
    const rows = await kept.where('record_uid', '=', uidBytes(recordUid)).execute();
    expect(rows).toMatchObject([{ base_revision: 2, links: [expect.anything()] }]);
  });

  test('of the same revision may get other holders, and clients need not read again for that', async () => {
    const { recordUid, applicationUid, version } = await furnish();
    const before = await revisionOf(open.db, ada, recordUid);
    const other = await createApplication(ada.client);
    const keys = [wrapFor(applicationUid), wrapFor(other.applicationUid)];
    await put([{ ...version, keys, places: [] }]);
    expect((await stateOf(recordUid))?.holderUids).toHaveLength(2);
    expect((await stateOf(recordUid))?.places).toEqual([]);
    expect(await revisionOf(open.db, ada, recordUid)).toBe(before);
  });

  test('never go back, are of no revision that is not there, and are given to nobody else', async () => {
    const { recordUid, version, folderUid, places } = await furnish();
    await revise(recordUid, 1n);
    await put([{ ...version, baseRevision: 2n }]);
    expect(await failure(put([version]))).toBe('conflict');
    expect(await failure(put([{ ...version, baseRevision: 3n }]))).toBe('conflict');
    expect(await failure(put([{ ...version, baseRevision: 2n, keyVersion: 2 }]))).toBe('conflict');
    const next = { ...version, baseRevision: 2n };
    expect(await failure(put([{ ...next, keys: [wrapFor(newUid())] }]))).toBe('not-found');
    expect(await failure(put([{ ...next, places: [], keys: [wrapFor(folderUid)] }]))).toBe('not-found');
    const outside = [{ folderUid: uidBytes(folderUid), subfolderUid: uidBytes(newUid()) }];
    expect(await failure(put([{ ...next, places: outside }]))).toBe('not-found');
    const elsewhere = versionOf(await ada.create(), { places });
    expect(await failure(put([elsewhere]))).toBe('not-found'); // it is not in that folder
    const file = { fileUid: uidBytes(newUid()), wrappedKey: randomBytes(60) };
    expect(await failure(put([{ ...next, files: [file] }]))).toBe('not-found');
  });

  test('lose their files when no version names them any more', async () => {
    const { recordUid, version } = await furnish();
    const fileUid = await plantFile(open.db, ada, recordUid);
    await put([{ ...version, files: [{ fileUid: uidBytes(fileUid), wrappedKey: randomBytes(60) }] }]);
    await put([version]);
    const found = open.db.selectFrom('secret_file').selectAll().where('file_uid', '=', uidBytes(fileUid));
    expect(await found.execute()).toEqual([]);
  });

  test('that are malformed change nothing', async () => {
    const { recordUid, version } = await furnish();
    const before = await stateOf(recordUid);
    const wrong: Version[] = [
      { ...version, recordUid: randomBytes(15) },
      { ...version, baseRevision: 0n },
      { ...version, keyVersion: 0 },
      { ...version, data: randomBytes(28) },
      { ...version, keys: [{ holderUid: randomBytes(16), wrappedKey: randomBytes(61) }] },
      { ...version, keys: [wrapFor(recordUid), wrapFor(recordUid)] },
      { ...version, places: [{ folderUid: randomBytes(16), subfolderUid: randomBytes(3) }] },
      { ...version, files: [{ fileUid: randomBytes(17), wrappedKey: randomBytes(60) }] },
      { ...version, links: [{ recordUid: randomBytes(1) }] },
    ];
    for (const one of wrong) expect(await failure(put([one]))).toBe('malformed');
    expect(await failure(put([version, version]))).toBe('malformed');
    expect(await failure(put([{ ...version, data: new Uint8Array(300_000) }]))).toBe('too-large');
    expect(await stateOf(recordUid)).toEqual(before);
  });
});

describe('what applications wrote', () => {
  test('is taken over by its number, and the version that it was made from goes then', async () => {
    const { recordUid, version } = await furnish();
    const first = await plantWrite(open.db, ada, recordUid);
    await revise(recordUid, 1n);
    const next = { ...version, baseRevision: 2n };
    await put([next]); // the person's own change; what waits was made from the first
    expect((await stateOf(recordUid))?.written).toBe(true);
    const versions = open.db.selectFrom('secret_version').select('base_revision');
    const ofRecord = versions.where('record_uid', '=', uidBytes(recordUid)).orderBy('base_revision');
    expect(await ofRecord.execute()).toMatchObject([{ base_revision: 1 }, { base_revision: 2 }]);
    const second = await plantWrite(open.db, ada, recordUid);
    expect(await failure(put([next], [nameOf(recordUid, first)]))).toBe('conflict');
    const { writes } = await ada.client.call(secrets.listSecretWrites, {});
    expect(writes.find(({ write }) => write === second)).toMatchObject({
      ...{ objectUid: uidBytes(recordUid), kind: SecretWriteKind.UPDATE, baseRevision: 1n, transaction: 0 },
    });
    await put([next], [nameOf(recordUid, second)]);
    expect(await ofRecord.execute()).toMatchObject([{ base_revision: 2 }]);
    expect((await stateOf(recordUid))?.written).toBe(false);
  });

  test('waits while its transaction is open, which a person may end', async () => {
    const { recordUid, version } = await furnish();
    const options = { transaction: SecretTransaction.ROTATION };
    const write = await plantWrite(open.db, ada, recordUid, options);
    expect(await failure(put([version], [nameOf(recordUid, write)]))).toBe('conflict');
    const settled = [{ name: nameOf(recordUid, write), declined: true }];
    expect(await failure(ada.client.call(secrets.settleSecretWrites, { settled }))).toBe('conflict');
    await ada.client.call(secrets.endSecretTransaction, { name: nameOf(recordUid, write), finalize: true });
    const again = { name: nameOf(recordUid, write), finalize: true };
    expect(await failure(ada.client.call(secrets.endSecretTransaction, again))).toBe('conflict');
    await put([version], [nameOf(recordUid, write)]);

    const former = randomBytes(412);
    const second = await plantWrite(open.db, ada, recordUid, { ...options, formerData: former });
    const revision = await revisionOf(open.db, ada, recordUid);
    await ada.client.call(secrets.endSecretTransaction, { name: nameOf(recordUid, second), finalize: false });
    const { writes } = await ada.client.call(secrets.listSecretWrites, { after: second });
    expect(writes).toMatchObject([{ data: former, transaction: 0 }]);
    expect(await revisionOf(open.db, ada, recordUid)).toBeGreaterThan(revision ?? Infinity);

    const third = await plantWrite(open.db, ada, recordUid, options);
    await ada.client.call(secrets.endSecretTransaction, { name: nameOf(recordUid, third), finalize: false });
    expect((await stateOf(recordUid))?.written).toBe(false);
  });

  test('a new record is taken over with its first version, or turned down', async () => {
    const recordUid = newUid();
    const write = await plantCreation(open.db, ada, recordUid);
    expect(await stateOf(recordUid)).toMatchObject({ baseRevision: 0n, written: true });
    expect(await failure(put([versionOf(recordUid)], [nameOf(recordUid, write)]))).toBe('not-found');
    expect(await failure(put([], [nameOf(recordUid, write)]))).toBe('malformed');
    const change = await ada.change('taken over', { recordUid: uidBytes(recordUid) });
    await ada.client.putRecords([change]);
    await put([versionOf(recordUid)], [nameOf(recordUid, write)]);
    expect(await stateOf(recordUid)).toMatchObject({ baseRevision: 1n, written: false });

    const unwanted = newUid();
    const refused = { name: nameOf(unwanted, await plantCreation(open.db, ada, unwanted)) };
    const settle = (declined: boolean) =>
      ada.client.call(secrets.settleSecretWrites, { settled: [{ ...refused, declined }] });
    expect(await failure(settle(false))).toBe('malformed');
    await settle(true);
    expect(await stateOf(unwanted)).toBeNull();
  });

  test('a deletion is done or turned down; what was changed before it is a change again', async () => {
    const [gone, kept] = [await furnish(), await furnish()];
    const { DELETE, UPDATE } = SecretWriteKind;
    const done = await plantWrite(open.db, ada, gone.recordUid, { kind: DELETE, data: new Uint8Array(0) });
    const changed = await plantWrite(open.db, ada, kept.recordUid, { kind: DELETE });
    const settled = [
      { name: nameOf(gone.recordUid, done), declined: false },
      { name: nameOf(kept.recordUid, changed), declined: true },
    ];
    await ada.client.call(secrets.settleSecretWrites, { settled });
    expect(await stateOf(gone.recordUid)).toBeNull();
    const { writes } = await ada.client.call(secrets.listSecretWrites, { after: changed });
    expect(writes).toMatchObject([{ objectUid: uidBytes(kept.recordUid), kind: UPDATE }]);
  });

  test('its files come with it, stay beside what the vault seals anew, and go once the vault has its own', async () => {
    const { recordUid, version } = await furnish();
    const fileUid = await plantFile(open.db, ada, recordUid, true);
    const key = { file_uid: uidBytes(fileUid), wrapped_key: randomBytes(60), base_revision: 1, added: true };
    const of = { account_uid: uidBytes(ada.uid), record_uid: uidBytes(recordUid) };
    await open.db
      .insertInto('secret_file_key')
      .values({ ...of, ...key })
      .execute();
    const write = await plantWrite(open.db, ada, recordUid);
    await put([version]);
    const { writes } = await ada.client.call(secrets.listSecretWrites, { after: write - 1n });
    expect(writes[0]?.files).toMatchObject([
      { fileUid: uidBytes(fileUid), wrappedKey: key.wrapped_key, size: 100n },
    ]);
    await revise(recordUid, 1n);
    const stored = open.db
      .selectFrom('secret_file')
      .select('added')
      .where('file_uid', '=', uidBytes(fileUid));
    const own = [{ fileUid: uidBytes(fileUid), wrappedKey: randomBytes(60) }];
    expect(await failure(put([{ ...version, baseRevision: 2n, files: own }]))).toBe('not-found');
    await plantFile(open.db, ada, recordUid, false, fileUid);
    await put([{ ...version, baseRevision: 2n, files: own }]);
    expect(await stored.execute()).toHaveLength(2);
    await put([{ ...version, baseRevision: 2n, files: own }], [nameOf(recordUid, write)]);
    expect(await stored.execute()).toEqual([{ added: false }]);
  });

  test('is in the way of removing the record, unless it is to go, too', async () => {
    const { recordUid } = await furnish();
    await plantWrite(open.db, ada, recordUid);
    const remove = (dropWrites: boolean) =>
      ada.client.call(secrets.removeSecrets, { recordUids: [uidBytes(recordUid)], dropWrites });
    expect(await failure(remove(false))).toBe('conflict');
    await remove(true);
    expect(await stateOf(recordUid)).toBeNull();
    await remove(false); // what is not there is removed already
  });

  test('comes in pages that a request can hold, each write once', async () => {
    const names: bigint[] = [];
    for (let i = 0; i < 12; i++)
      names.push(await plantWrite(open.db, ada, newUid(), { data: new Uint8Array(260_000) }));
    const first = (names[0] ?? 1n) - 1n;
    const page = await ada.client.call(secrets.listSecretWrites, { after: first });
    expect(page.hasMore).toBe(true);
    const rest = await ada.client.call(secrets.listSecretWrites, { after: page.writes.at(-1)?.write ?? 0n });
    expect(rest.hasMore).toBe(false);
    expect([...page.writes, ...rest.writes].map(({ write }) => write)).toEqual(names);
  });
});

test('everything comes in pages, by the order of UIDs', async () => {
  const bea = await registerPerson(open.server);
  const { applicationUid } = await createApplication(bea.client);
  const root = await bea.createFolder();
  const folders = Array.from({ length: 400 }, () => subfolderOf(root, newUid()));
  await bea.client.call(secrets.putSecretFolders, { folders: [folderOf(root), ...folders] });
  for (let i = 0; i < 3; i++) {
    const more = Array.from({ length: 400 }, () => subfolderOf(root, newUid()));
    await bea.client.call(secrets.putSecretFolders, { folders: more });
  }
  await bea.client.call(secrets.putSecretShares, { shares: [shareOf(applicationUid, root, true)] });
  const office = await listOffice(bea);
  expect(office.pages).toBeGreaterThan(1);
  expect(office.folders).toHaveLength(1601);
  const uids = office.folders.map(({ folderUid }) => Buffer.from(folderUid).toString('hex'));
  expect(uids).toEqual([...uids].sort());
  expect(office.shares).toMatchObject([{ objectUid: uidBytes(root), isFolder: true, editable: false }]);
});
