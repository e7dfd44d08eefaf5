import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { empty } from '../../../protocol/bytes.ts';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ApplicationService, ClientKind } from '../../../protocol/messages/gen/application_pb.js';
import { RecordService } from '../../../protocol/messages/gen/record_pb.js';
import { SecretWriteKind } from '../../../protocol/messages/gen/secrets_pb.js';
import { SharingService } from '../../../protocol/messages/gen/sharing_pb.js';
import { newUid, uidBytes, uidOf, type Uid } from '../../../protocol/uid.ts';
import { expireSecretEvents } from '../../../server/secrets/secret-events.ts';
import { addClient, createApplication, secretsClient } from '../../fixtures/application.ts';
import { startOpenServer, type OpenServer } from '../../fixtures/open-server.ts';
import {
  countRows,
  folderOf,
  listOffice,
  nameOf,
  plantWrite,
  secrets,
  shareOf,
  subfolderOf,
  versionOf,
  wrapFor,
  type Folder,
  type Share,
} from '../../fixtures/secrets-office.ts';
import { registerPeople, type Person } from '../../fixtures/sharing-client.ts';

let open: OpenServer;
let ada: Person;
let ben: Person;
beforeAll(async () => {
  open = await startOpenServer();
  const [first, second] = await registerPeople(open, 2);
  if (!first || !second) throw new Error('nobody');
  [ada, ben] = [first, second];
});
afterAll(() => open.close());

const failure = (call: Promise<unknown>) =>
  call.then(
    () => 'done',
    (error: { code?: string }) => error.code,
  );
const putShares = (person: Person, ...shares: Share[]) =>
  person.client.call(secrets.putSecretShares, { shares });
const putFolders = (person: Person, folders: Folder[], removed: Uid[] = []) =>
  person.client.call(secrets.putSecretFolders, { folders, removed: removed.map(uidBytes) });
const eventNames = async (person: Person) =>
  (await person.client.call(secrets.listSecretEvents, {})).events.map(({ name }) => name);
const applicationOf = async (person: Person) => (await createApplication(person.client)).applicationUid;

describe('shares', () => {
  test('are put, changed and removed, and each of that is an event of its account', async () => {
    const application = await applicationOf(ada);
    const [record, folder] = [await ada.create(), await ada.createFolder()];
    await ada.client.call(secrets.putSecrets, {
      versions: [versionOf(record, { keys: [wrapFor(application)] })],
    });
    await putShares(ada, shareOf(application, record), shareOf(application, folder, true));
    await putShares(ada, shareOf(application, record, false, true));
    await putShares(ada, shareOf(application, record, false, true)); // no news
    const ofObject = ({ objectUid }: { objectUid: Uint8Array }) => uidOf(objectUid) === record;
    expect((await listOffice(ada)).shares.find(ofObject)).toMatchObject({ isFolder: false, editable: true });
    const objectUids = [uidBytes(record), uidBytes(folder), uidBytes(newUid())];
    await ada.client.call(secrets.removeSecretShares, { applicationUid: uidBytes(application), objectUids });
    expect(
      (await listOffice(ada)).records.find(({ recordUid }) => uidOf(recordUid) === record),
    ).toMatchObject({
      holderUids: [],
    });
    const names = ['app_folder_shared', 'app_record_share_changed', 'app_record_shared'];
    expect((await eventNames(ada)).sort()).toEqual(
      [...names, 'app_folder_removed', 'app_record_removed'].sort(),
    );
    expect(await eventNames(ben)).toEqual([]);
  });

  test('of others’ records need the right to share them, and give no more than the account has', async () => {
    const application = await applicationOf(ben);
    const record = await ada.create();
    const share = shareOf(application, record);
    expect(await failure(putShares(ben, share))).toBe('not-found');
    await ada.share(record, ben, { rights: { edit: true } });
    expect(await failure(putShares(ben, share))).toBe('not-allowed');
    await ada.share(record, ben, { rights: { share: true } });
    await putShares(ben, share);
    expect(await failure(putShares(ben, { ...share, editable: true }))).toBe('not-allowed');
    await ada.share(record, ben, { rights: { share: true, edit: true } });
    await putShares(ben, { ...share, editable: true });
  });

  test('of others’ folders need the right to manage their records', async () => {
    const application = await applicationOf(ben);
    const folder = await ada.createFolder();
    const give = (rights: object) => ada.share(folder, ben, { objectKind: 'folder', rights });
    const share = shareOf(application, folder, true);
    expect(await failure(putShares(ben, share))).toBe('not-found');
    await give({ edit: true });
    expect(await failure(putShares(ben, share))).toBe('not-allowed');
    expect(await failure(putFolders(ben, [folderOf(folder)]))).toBe('not-allowed');
    await give({ edit: true, manageRecords: true });
    await putFolders(ben, [folderOf(folder)]);
    await putShares(ben, share);
    expect((await listOffice(ben)).shares.some(({ objectUid }) => uidOf(objectUid) === folder)).toBe(true);
  });

  test('that are malformed change nothing', async () => {
    const application = await applicationOf(ada);
    const record = await ada.create();
    const share = shareOf(application, record);
    for (const wrong of [
      [{ ...share, objectUid: randomBytes(15) }],
      [{ ...share, wrappedKey: randomBytes(60) }],
      [{ ...share, isFolder: true }],
      [share, share],
    ])
      expect(await failure(putShares(ada, ...wrong))).toBe('malformed');
    expect(await failure(putShares(ada, shareOf(newUid(), record)))).toBe('not-found');
    expect((await listOffice(ada)).shares.some(({ objectUid }) => uidOf(objectUid) === record)).toBe(false);
  });
});

describe('folders', () => {
  test('are a tree below a shared folder of the account, whatever order they come in', async () => {
    const [root, upper, lower] = [await ada.createFolder(), newUid(), newUid()];
    const parentUid = uidBytes(upper);
    await putFolders(ada, [
      subfolderOf(root, lower, { parentUid }),
      folderOf(root),
      subfolderOf(root, upper),
    ]);
    const listed = (await listOffice(ada)).folders.filter(({ rootUid }) => uidOf(rootUid) === root);
    expect(listed).toHaveLength(3);
    const ring = subfolderOf(root, upper, { parentUid: uidBytes(lower) });
    expect(await failure(putFolders(ada, [ring]))).toBe('malformed');
    expect(
      await failure(putFolders(ada, [subfolderOf(root, newUid(), { parentUid: uidBytes(newUid()) })])),
    ).toBe('not-found');
    const other = await ada.createFolder();
    await putFolders(ada, [folderOf(other)]);
    expect(await failure(putFolders(ada, [subfolderOf(other, lower)]))).toBe('conflict');
    expect(await failure(putFolders(ada, [subfolderOf(other, newUid(), { parentUid })]))).toBe('malformed');
    expect(await failure(putFolders(ada, [folderOf(root, { baseRevision: 2n })]))).toBe('conflict');
    await putFolders(ada, [], [upper]);
    expect((await listOffice(ada)).folders.filter(({ rootUid }) => uidOf(rootUid) === root)).toHaveLength(1);
  });

  test('that are malformed change nothing', async () => {
    const root = await ada.createFolder();
    for (const wrong of [
      folderOf(root, { wrappedKey: randomBytes(64) }),
      folderOf(root, { parentUid: uidBytes(newUid()) }),
      folderOf(root, { data: randomBytes(47) }),
      folderOf(root, { baseRevision: 0n }),
      subfolderOf(root, newUid(), { wrappedKey: randomBytes(60) }),
    ])
      expect(await failure(putFolders(ada, [wrong]))).toBe('malformed');
    expect((await listOffice(ada)).folders.some(({ rootUid }) => uidOf(rootUid) === root)).toBe(false);
  });

  test('stay while an application’s change of them waits, which is taken over by its number', async () => {
    const [root, sub] = [await ada.createFolder(), newUid()];
    await putFolders(ada, [folderOf(root), subfolderOf(root, sub)]);
    const write = await plantWrite(open.db, ada, sub, { kind: SecretWriteKind.UPDATE_FOLDER });
    expect(await failure(putFolders(ada, [], [sub]))).toBe('conflict');
    const { writes } = await ada.client.call(secrets.listSecretWrites, { after: write - 1n });
    expect(writes[0]).toMatchObject({ folder: { rootUid: uidBytes(root), parentUid: empty } });
    const folders = [subfolderOf(root, sub)];
    await ada.client.call(secrets.putSecretFolders, { folders, taken: [nameOf(sub, write)] });
    await putFolders(ada, [], [sub]);
    expect((await listOffice(ada)).folders.some(({ folderUid }) => uidOf(folderUid) === sub)).toBe(false);
  });
});

describe('what ends in the vault ends for applications', () => {
  /** A record in a shared folder, both given to an application of ada's, with something that waits. */
  async function given() {
    const [application, record, folder] = [
      await applicationOf(ada),
      await ada.create(),
      await ada.createFolder(),
    ];
    await ada.place({ uid: folder, owner: ada.uid }, [record]);
    await putFolders(ada, [folderOf(folder)]);
    const places = [{ folderUid: uidBytes(folder) }];
    const version = versionOf(record, { keys: [wrapFor(application), wrapFor(folder)], places });
    await ada.client.call(secrets.putSecrets, { versions: [version] });
    await putShares(ada, shareOf(application, record), shareOf(application, folder, true));
    await plantWrite(open.db, ada, record);
    return { application, record, folder };
  }
  const rowsOf = async (object: Uid) => {
    const { records, folders, shares } = await listOffice(ada);
    const is = (uid: Uint8Array) => uidOf(uid) === object;
    return {
      state: records.find(({ recordUid }) => is(recordUid)) ?? null,
      folder: folders.some(({ folderUid }) => is(folderUid)),
      share: shares.some(({ objectUid }) => is(objectUid)),
    };
  };

  test('a record that is purged', async () => {
    const { record, folder } = await given();
    const trashed = await ada.change('gone', {
      recordUid: uidBytes(record),
      baseRevision: 1n,
      deleted: true,
    });
    await ada.client.putRecords([trashed]);
    const records = [{ recordUid: uidBytes(record), revision: 2n }];
    const { purgeRecords } = RecordService.method;
    await ada.client.writeNext((manifest) => ada.client.call(purgeRecords, { records, manifest }));
    expect(await rowsOf(record)).toEqual({ state: null, folder: false, share: false });
    expect((await rowsOf(folder)).folder).toBe(true);
    const waiting = open.db
      .selectFrom('secret_write')
      .select('write')
      .where('object_uid', '=', uidBytes(record));
    expect(await waiting.execute()).toEqual([]);
  });

  test('a record that is taken out of its folder, and the folder', async () => {
    const { record, folder, application } = await given();
    const { removeEntries, deleteFolder } = SharingService.method;
    await ada.client.call(removeEntries, { folderUid: uidBytes(folder), recordUids: [uidBytes(record)] });
    expect((await rowsOf(record)).state).toMatchObject({ holderUids: [uidBytes(application)], places: [] });
    await ada.client.writeNext((manifest) =>
      ada.client.call(deleteFolder, { folderUid: uidBytes(folder), manifest }),
    );
    expect(await rowsOf(folder)).toEqual({ state: null, folder: false, share: false });
  });

  test('an application, and an account with everything', async () => {
    const { record, folder, application } = await given();
    const { deleteApplication } = ApplicationService.method;
    await ada.client.call(deleteApplication, { applicationUid: uidBytes(application) });
    expect((await rowsOf(record)).state).toMatchObject({ holderUids: [uidBytes(folder)] });
    expect((await rowsOf(record)).share).toBe(false);
    expect(await countRows(open.db, ada, 'secret_event')).toBeGreaterThan(0);
    await open.db.deleteFrom('account').where('account_uid', '=', uidBytes(ada.uid)).execute();
    for (const table of [
      'secret',
      'secret_version',
      'secret_key',
      'secret_folder',
      'secret_write',
      'secret_event',
    ])
      expect([table, await countRows(open.db, ada, table)]).toEqual([table, 0]);
    [ada] = (await registerPeople(open, 1)) as [Person];
  });
});

describe('devices', () => {
  test('with a ready configuration are bound from the start; all are listed with what is known of them', async () => {
    const application = await createApplication(ada.client);
    const { applicationUid } = application;
    const [pair, clientId] = [generateEcdhKeyPair(), randomBytes(64)];
    const device = {
      ...{ applicationUid: uidBytes(applicationUid), clientId, kind: ClientKind.GENERAL, lockIp: true },
      ...{ appOwnerPublicKey: generateEcdhKeyPair().publicKey, publicKey: pair.publicKey },
    };
    const add = (changes: object) =>
      failure(ada.client.call(ApplicationService.method.addClient, { ...device, ...changes }));
    expect(await add({ encryptedAppKey: randomBytes(60) })).toBe('malformed');
    expect(await add({ firstAccessExpiresAtMs: BigInt(Date.now() + 60_000) })).toBe('malformed');
    expect(await add({ publicKey: randomBytes(65) })).toBe('malformed');
    expect(await add({ kind: ClientKind.GATEWAY, gatewayUid: uidBytes(newUid()) })).toBe('malformed');
    expect(await add({})).toBe('done');
    expect(await add({})).toBe('conflict');
    const client = secretsClient(ada.client, clientId, pair.privateKey, application.appKey);
    expect((await client.getSecret()).records).toEqual([]);
    await addClient(ada.client, application, { kind: ClientKind.GENERAL });
    await addClient(ada.client, application); // a gateway's is none of these
    const { clients } = await ada.client.call(secrets.listClients, {
      applicationUid: uidBytes(applicationUid),
    });
    expect(clients).toMatchObject([
      { clientId, bound: true, lockIp: true, address: '127.0.0.1', firstAccessExpiresAtMs: 0n },
      { bound: false, lastAccessAtMs: 0n },
    ]);
    const [bound, waiting] = clients;
    expect(bound?.lastAccessAtMs).toBeGreaterThan(0n);
    expect(waiting?.createdAtMs).toBeGreaterThan(0n);
    await ada.client.call(ApplicationService.method.removeClient, { clientId });
    const { events } = await ada.client.call(secrets.listSecretEvents, {
      applicationUid: uidBytes(applicationUid),
    });
    const names = events.map(({ name }) => name);
    expect(names.filter((name) => name === 'app_client_added')).toHaveLength(2);
    expect(names).toContain('app_client_removed');
    expect((await ben.client.call(secrets.listClients, {})).clients).toEqual([]);
  });
});

test('events come in pages, and the oldest go when there are too many', async () => {
  const application = uidBytes(newUid());
  const of = { account_uid: uidBytes(ben.uid), application_uid: application, client_id: empty };
  const row = (at: number) => ({
    ...of,
    at,
    name: 'app_client_access',
    method: 'get_secret',
    address: '::1',
  });
  await open.db
    .insertInto('secret_event')
    .values([row(1), row(2), row(2), row(2), row(3)])
    .execute();
  const read = (beforeMs: bigint, limit: number) =>
    ben.client.call(secrets.listSecretEvents, { applicationUid: application, beforeMs, limit });
  const first = await read(0n, 2);
  expect(first.events.map(({ atMs }) => atMs)).toEqual([3n, 2n, 2n, 2n]); // one moment is never torn apart
  expect(first.hasMore).toBe(true);
  expect(await read(2n, 2)).toMatchObject({ events: [{ atMs: 1n, method: 'get_secret' }], hasMore: false });
  await expireSecretEvents(open.db);
  expect((await read(0n, 0)).events).toHaveLength(5);
});
