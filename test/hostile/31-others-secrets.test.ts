// Attack class 31: whoever has an account tries on another's applications what is for its vaults alone, and colleagues try to
// give their own applications more than they were given.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateEcdhKeyPair } from '../../protocol/crypto/ecdh.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { ApplicationService, ClientKind } from '../../protocol/messages/gen/application_pb.js';
import { SecretTransaction, SecretWriteKind } from '../../protocol/messages/gen/secrets_pb.js';
import { newUid, uidBytes, uidOf, type Uid } from '../../protocol/uid.ts';
import { createApplication } from '../fixtures/application.ts';
import { startOpenServer, type OpenServer } from '../fixtures/open-server.ts';
import {
  folderOf,
  listOffice,
  nameOf,
  plantFile,
  plantWrite,
  secrets,
  shareOf,
  subfolderOf,
  versionOf,
  wrapFor,
  type Version,
} from '../fixtures/secrets-office.ts';
import { registerPeople, registerPerson, type Person } from '../fixtures/sharing-client.ts';
import { tableContents } from '../fixtures/table-contents.ts';

let open: OpenServer;
let ada: Person;
let ben: Person;
let mallory: Person;
/** Of ada: an application with a record and a folder. */
let application: Uid;
let record: Uid;
let folder: Uid;
beforeAll(async () => {
  open = await startOpenServer();
  const people = await registerPeople(open, 2);
  [ada, ben] = people as [Person, Person];
  mallory = await registerPerson(open.server);
  application = (await createApplication(ada.client)).applicationUid;
  [record, folder] = [await ada.create(), await ada.createFolder()];
  await ada.place({ uid: folder, owner: ada.uid }, [record]);
  await ada.client.call(secrets.putSecretFolders, { folders: [folderOf(folder)] });
  const places = [{ folderUid: uidBytes(folder) }];
  const version = versionOf(record, { keys: [wrapFor(application), wrapFor(folder)], places });
  await ada.client.call(secrets.putSecrets, { versions: [version] });
  const shares = [shareOf(application, record), shareOf(application, folder, true)];
  await ada.client.call(secrets.putSecretShares, { shares });
});
afterAll(() => open.close());

const failure = (call: Promise<unknown>) =>
  call.then(
    () => 'done',
    (error: { code?: string }) => error.code,
  );
const applicationOf = async (person: Person) => (await createApplication(person.client)).applicationUid;
const put = (person: Person, ...versions: Version[]) => person.client.call(secrets.putSecrets, { versions });

/** All that the server keeps for anybody's applications. */
const everything = () =>
  tableContents(open.db, [
    ...['secret', 'secret_version', 'secret_key', 'secret_place', 'secret_folder', 'secret_share'],
    ...['secret_write', 'secret_event', 'client'],
  ]);

describe('a stranger', () => {
  test('changes nothing of another’s office, and reads nothing of it', async () => {
    const write = await plantWrite(open.db, ada, record);
    const openWrite = await plantWrite(open.db, ada, newUid(), { transaction: SecretTransaction.ROTATION });
    const before = await everything();
    const own = await applicationOf(mallory);
    const { client } = mallory;
    const applicationUid = uidBytes(application);
    expect(await failure(put(mallory, versionOf(record, { keys: [wrapFor(own)] })))).toBe('not-found');
    const mine = await mallory.create();
    expect(await failure(put(mallory, versionOf(mine, { keys: [wrapFor(application)] })))).toBe('not-found');
    for (const share of [shareOf(own, record), shareOf(own, folder, true), shareOf(application, mine)])
      expect(await failure(client.call(secrets.putSecretShares, { shares: [share] }))).toBe('not-found');
    const objectUids = [record, folder].map(uidBytes);
    const unshare = { applicationUid, objectUids };
    expect(await failure(client.call(secrets.removeSecretShares, unshare))).toBe('not-found');
    for (const folders of [[folderOf(folder)], [subfolderOf(folder, newUid())]])
      expect(await failure(client.call(secrets.putSecretFolders, { folders }))).toBe('not-found');
    // What is not there is removed already; what is another's is not there.
    await client.call(secrets.removeSecrets, {
      recordUids: [uidBytes(record)],
      dropWrites: true,
    });
    await client.call(secrets.putSecretFolders, { removed: [uidBytes(folder)] });
    const name = nameOf(record, write);
    const taken = [name];
    expect(await failure(client.call(secrets.putSecrets, { versions: [versionOf(mine)], taken }))).toBe(
      'conflict',
    );
    const settled = [{ name, declined: true }];
    expect(await failure(client.call(secrets.settleSecretWrites, { settled }))).toBe('conflict');
    for (const one of taken.concat(nameOf(newUid(), openWrite)))
      expect(await failure(client.call(secrets.endSecretTransaction, { name: one, finalize: true }))).toBe(
        'conflict',
      );
    const device = {
      ...{ applicationUid, clientId: randomBytes(64), kind: ClientKind.GENERAL },
      ...{ appOwnerPublicKey: generateEcdhKeyPair().publicKey, publicKey: generateEcdhKeyPair().publicKey },
    };
    expect(await failure(client.call(ApplicationService.method.addClient, device))).toBe('not-found');
    expect(await everything()).toEqual(before);

    expect((await client.call(secrets.listSecretWrites, {})).writes).toEqual([]);
    expect((await client.call(secrets.listClients, { applicationUid })).clients).toEqual([]);
    expect((await client.call(secrets.listSecretEvents, { applicationUid })).events).toEqual([]);
    const office = await listOffice(mallory);
    expect({ ...office, pages: 0 }).toEqual({ records: [], folders: [], shares: [], pages: 0 });
    await open.db.deleteFrom('secret_write').where('account_uid', '=', uidBytes(ada.uid)).execute();
  });

  test('does not name another’s files, nor attach them to a record of their own', async () => {
    const fileUid = await plantFile(open.db, ada, record);
    const files = [{ fileUid: uidBytes(fileUid), wrappedKey: randomBytes(60) }];
    expect(await failure(put(mallory, versionOf(await mallory.create(), { files })))).toBe('not-found');
    const other = await ada.create();
    expect(await failure(put(ada, versionOf(other, { files })))).toBe('not-found'); // it is another record's
  });
});

describe('a colleague', () => {
  test('who may only read a record gives it to no application, by itself nor through a folder of theirs', async () => {
    const own = await applicationOf(ben);
    await ada.share(record, ben, { rights: {} });
    const places = [{ folderUid: uidBytes(await ben.createFolder()) }];
    const [place] = places;
    if (!place) throw new Error('no place');
    const root = uidOf(place.folderUid);
    await ben.client.call(secrets.putSecretFolders, { folders: [folderOf(root)] });
    const share = shareOf(own, record);
    expect(await failure(ben.client.call(secrets.putSecretShares, { shares: [share] }))).toBe('not-allowed');
    const placed = versionOf(record, { keys: [wrapFor(root)], places });
    expect(await failure(put(ben, placed))).toBe('not-found'); // ada did not put it there
    const claimed = versionOf(record, { keys: [wrapFor(folder)], places: [{ folderUid: uidBytes(folder) }] });
    expect(await failure(put(ben, claimed))).toBe('not-found'); // and it is not ben's folder
  });

  test('who may launch and no more puts no version; who lost the record none either', async () => {
    const secret = await ada.create();
    const own = await applicationOf(ben);
    const version = versionOf(secret, { keys: [wrapFor(own)] });
    await ada.share(secret, ben, { rights: { share: true } });
    await put(ben, version);
    const before = await listOffice(ben);
    await ada.unshare('record', secret, ben.uid);
    expect(await failure(put(ben, version))).toBe('not-found');
    expect(await failure(ben.client.call(secrets.putSecretShares, { shares: [shareOf(own, secret)] }))).toBe(
      'not-found',
    );
    expect(await listOffice(ben)).toEqual(before); // until ben's vault takes it away; applications read none of it
    await ada.share(secret, ben, { rights: { launchOnly: true, read: false } as object });
    expect(await failure(put(ben, version))).toBe('not-allowed');
  });
});

describe('what was true before', () => {
  test('is not played back: a write that was taken, a version before the newest', async () => {
    const secret = await ada.create();
    const version = versionOf(secret, { keys: [wrapFor(application)] });
    await put(ada, version);
    const taken = [nameOf(secret, await plantWrite(open.db, ada, secret))];
    const next = await ada.change('next', { recordUid: uidBytes(secret), baseRevision: 1n });
    await ada.client.putRecords([next]);
    const request = { versions: [{ ...version, baseRevision: 2n }], taken };
    await ada.client.call(secrets.putSecrets, request);
    expect(await failure(ada.client.call(secrets.putSecrets, request))).toBe('conflict');
    expect(await failure(put(ada, version))).toBe('conflict');
  });

  test('of two vaults that take over the same write one does', async () => {
    const secret = await ada.create();
    const version = versionOf(secret);
    await put(ada, version);
    const taken = [nameOf(secret, await plantWrite(open.db, ada, secret))];
    const both = [1, 2].map(() =>
      failure(ada.client.call(secrets.putSecrets, { versions: [version], taken })),
    );
    expect((await Promise.all(both)).sort()).toEqual(['conflict', 'done']);
  });

  test('a deletion is settled, not taken over, so that no vault deletes by the server’s word alone', async () => {
    const secret = await ada.create();
    const version = versionOf(secret);
    await put(ada, version);
    const write = await plantWrite(open.db, ada, secret, { kind: SecretWriteKind.DELETE });
    const taken = [nameOf(secret, write)];
    expect(await failure(ada.client.call(secrets.putSecrets, { versions: [version], taken }))).toBe(
      'malformed',
    );
  });
});
