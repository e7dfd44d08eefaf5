// Scripts delete what they have just created, while a vault is making records and folders of it, and while it is cut off in that.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Uid } from '../../../protocol/uid.ts';
import { codeOf } from '../../fixtures/outcome.ts';
import { loginSecret, withField, type SecretsScript } from '../../fixtures/secrets-script.ts';
import { eventually, SecretsVault } from '../../fixtures/secrets-vault.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';
import { UnsteadyTransport } from '../../fixtures/unsteady-transport.ts';

let server: TestServer;
const closing: { close(): Promise<void> }[] = [];
beforeAll(async () => void (server = await startTestServer()));
afterAll(async () => {
  for (const one of closing.reverse()) await one.close();
  await server.close();
});

interface Scene {
  readonly vault: SecretsVault;
  readonly transport: UnsteadyTransport;
  readonly script: SecretsScript;
  readonly applicationUid: Uid;
  readonly folderUid: Uid;
}

/** A vault whose calls a test holds up, and a script that may write into its shared folder. */
async function setUp(): Promise<Scene> {
  const transport = new UnsteadyTransport();
  const vault = await SecretsVault.create(server.url, { transport });
  closing.push(vault);
  const applicationUid = await vault.engine.createApplication({ name: 'CI' });
  const folderUid = await vault.engine.createSharedFolder('Servers');
  await vault.share(applicationUid, folderUid, 'folder');
  const script = await vault.addScript(applicationUid);
  await eventually(async () => (await script.read()).folders.has(folderUid)).toBe(true);
  return { vault, transport, script, applicationUid, folderUid };
}

/** Another device of the account, after this one was closed as it stood. */
async function onAnotherDevice({ vault }: Scene): Promise<SecretsVault> {
  const other = await vault.another();
  closing.push(other);
  return other;
}

const told = async ({ engine }: SecretsVault) =>
  (await engine.listApplicationChanges()).map(({ kind, objectUid, title }) => ({ kind, objectUid, title }));
const settle = async ({ engine }: SecretsVault, accept: boolean) => {
  const [change] = await engine.listApplicationChanges();
  await engine.settleApplicationChange({ change: change?.change ?? '', accept });
};

/** The next call of that method waits until the script has deleted what it creates. Resolves with what that is. */
async function deletedBefore(
  method: string,
  { transport }: Scene,
  create: () => Promise<Uid>,
  remove: (uid: Uid) => Promise<unknown>,
): Promise<Uid> {
  const created = Promise.withResolvers<Uid>();
  const deleted = Promise.withResolvers<void>();
  const calls = transport.count(method);
  transport.onCall = async (called, nth) => {
    if (called !== method || nth !== calls + 1) return;
    await created.promise.then(remove).then(() => deleted.resolve(), deleted.reject);
  };
  created.resolve(await create());
  await deleted.promise;
  return await created.promise;
}

describe('a record that is deleted while the vault makes it', () => {
  async function deleted() {
    const scene = await setUp();
    const { script, folderUid } = scene;
    const uid = await deletedBefore(
      'SecretsService/PutSecrets',
      scene,
      () => script.create(folderUid, loginSecret('Created', 'new')),
      (created) => script.call('delete_secret', { recordUids: [created] }),
    );
    await eventually(() => told(scene.vault)).toEqual([
      { kind: 'delete-record', objectUid: uid, title: 'Created' },
    ]);
    await eventually(() => script.titles()).toEqual([]);
    return { ...scene, uid };
  }

  test('waits for a person, who puts it into the trash', async () => {
    const { vault, script, uid } = await deleted();
    expect((await vault.engine.readRecord(uid)).trashed).toBe(false);
    await settle(vault, true);
    expect((await vault.engine.readRecord(uid)).trashed).toBe(true);
    expect([await told(vault), await script.titles()]).toEqual([[], []]);
  });

  test('is, kept by its person, there for applications, who go on with it', async () => {
    const { vault, script, uid } = await deleted();
    await settle(vault, false);
    await eventually(() => script.titles()).toEqual(['Created']);
    await eventually(() => told(vault)).toEqual([]);
    expect(await vault.engine.listHistory(uid)).toHaveLength(1);
    const read = await script.record('Created');
    await script.update(read, withField(read.content, 'password', 'newer'));
    await eventually(() => vault.passwordOf(uid)).toBe('newer');
  });
});

test('a record that is deleted after the vault was cut off before it told the server, is kept by another device', async () => {
  const scene = await setUp();
  const { vault, transport, script, folderUid } = scene;
  transport.fate = (method) => (method === 'SecretsService/PutSecrets' ? 'is-lost' : 'arrives');
  const uid = await script.create(folderUid, loginSecret('Created', 'new'));
  await eventually(() => codeOf(vault.engine.readRecord(uid))).toBe('done');
  await eventually(async () => transport.count('SecretsService/PutSecrets') > 0).toBe(true);
  await vault.close();
  await script.call('delete_secret', { recordUids: [uid] });
  const other = await onAnotherDevice(scene);
  await eventually(() => told(other)).toEqual([{ kind: 'delete-record', objectUid: uid, title: 'Created' }]);
  await settle(other, false);
  await eventually(() => script.titles()).toEqual(['Created']);
  await eventually(() => told(other)).toEqual([]);
  expect(await other.engine.listHistory(uid)).toHaveLength(1);
});

test('a record that the vault was given and made nothing of, has its name where its person decides', async () => {
  const scene = await setUp();
  const { vault, transport, script, folderUid } = scene;
  const method = 'SecretsService/ListSecretWrites';
  const before = transport.count(method);
  transport.fate = (called) => (called === method ? 'answer-is-lost' : 'arrives');
  const uid = await script.create(folderUid, loginSecret('Created', 'new'));
  await eventually(async () => transport.count(method) > before).toBe(true);
  await vault.close();
  await script.call('delete_secret', { recordUids: [uid] });
  const other = await onAnotherDevice(scene);
  await eventually(() => told(other)).toEqual([{ kind: 'delete-record', objectUid: uid, title: 'Created' }]);
  await settle(other, true);
  expect([await told(other), await script.titles()]).toEqual([[], []]);
  expect(await codeOf(other.engine.readRecord(uid))).toBe('not-found');
});

describe('a folder that is deleted while the vault makes it', () => {
  async function deleted() {
    const scene = await setUp();
    const { vault, script, folderUid } = scene;
    const uid = await deletedBefore(
      'SecretsService/PutSecretFolders',
      scene,
      () => script.createFolder(folderUid, 'Staging'),
      (created) => script.call('delete_folder', { folderUids: [created], forceDeletion: false }),
    );
    await eventually(() => told(vault)).toEqual([
      { kind: 'delete-folder', objectUid: uid, title: 'Staging' },
    ]);
    await eventually(async () => (await script.folders()).has(uid)).toBe(false);
    return { ...scene, uid };
  }

  test('waits for a person, who deletes it', async () => {
    const { vault, script, uid } = await deleted();
    await settle(vault, true);
    expect((await vault.subfolders()).has(uid)).toBe(false);
    expect([await told(vault), (await script.folders()).has(uid)]).toEqual([[], false]);
  });

  test('is, kept by its person, there for applications', async () => {
    const { vault, script, uid } = await deleted();
    await settle(vault, false);
    await eventually(async () => (await script.folders()).get(uid)?.name).toBe('Staging');
    await eventually(() => told(vault)).toEqual([]);
    expect((await vault.subfolders()).get(uid)).toBe('Staging');
  });
});

test('what one application created and another changed before a vault came, is taken over as it is', async () => {
  const { vault, script, folderUid } = await setUp();
  const otherUid = await vault.engine.createApplication({ name: 'Other' });
  await vault.share(otherUid, folderUid, 'folder');
  const other = await vault.addScript(otherUid);
  await eventually(async () => (await other.read()).folders.has(folderUid)).toBe(true);
  const { engine } = vault;
  await engine.lock();
  const uid = await script.create(folderUid, loginSecret('Created', 'new'));
  const read = await other.record('Created');
  await other.update(read, withField(read.content, 'password', 'by the other'));
  const device = await onAnotherDevice({ vault } as Scene);
  await eventually(() => device.passwordOf(uid).catch(() => null)).toBe('by the other');
  expect(await told(device)).toEqual([]);
});
