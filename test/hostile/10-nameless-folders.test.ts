// An application makes a folder and takes its name away while the vault makes it: nobody else has to wait for a person to see that.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Uid } from '../../protocol/uid.ts';
import { eventually, SecretsVault } from '../fixtures/secrets-vault.ts';
import { startTestServer, type TestServer } from '../fixtures/server.ts';
import { UnsteadyTransport } from '../fixtures/unsteady-transport.ts';

let server: TestServer;
let vault: SecretsVault;
const transport = new UnsteadyTransport();
beforeAll(async () => {
  server = await startTestServer();
  vault = await SecretsVault.create(server.url, { transport });
});
afterAll(async () => {
  await vault.close();
  await server.close();
});

/** The vault takes over the folder that the script makes, and before it says so, the folder has no name that anybody could read. */
async function namelessFolder() {
  const { script, recordUid, applicationUid } = await vault.sharedRecord();
  const rootUid = await vault.engine.createSharedFolder('Servers');
  await vault.share(applicationUid, rootUid, 'folder');
  await eventually(async () => (await script.read()).folders.has(rootUid)).toBe(true);
  const created = Promise.withResolvers<Uid>();
  const renamed = Promise.withResolvers<void>();
  transport.onCall = async (method) => {
    if (method !== 'SecretsService/PutSecretFolders') return;
    const uid = await created.promise;
    if (!(await vault.subfolders()).has(uid)) return;
    transport.onCall = () => {};
    await script.renameFolder(uid, '').then(renamed.resolve, renamed.reject);
  };
  const uid = await script.createFolder(rootUid, 'Staging');
  created.resolve(uid);
  await renamed.promise;
  const changes = async () =>
    (await vault.engine.listApplicationChanges()).map(({ kind, objectUid }) => ({ kind, objectUid }));
  await eventually(changes).toEqual([{ kind: 'unreadable', objectUid: uid }]);
  return { script, recordUid, rootUid, uid };
}

test('what people change goes to applications all the same, and the folder is the vault’s once its person dismisses that', async () => {
  const { script, recordUid, rootUid, uid } = await namelessFolder();
  await vault.save('Database', 'two', recordUid);
  await eventually(() => script.passwordOf('Database')).toBe('two');
  await vault.engine.addSubfolder({ folderUid: rootUid, name: 'Production', parentUid: uid });
  await eventually(async () => [...(await script.folders()).values()].map(({ name }) => name)).toContain(
    'Production',
  );
  const [change] = await vault.engine.listApplicationChanges();
  await vault.engine.settleApplicationChange({ change: change?.change ?? '', accept: false });
  await eventually(async () => (await script.folders()).get(uid)?.name).toBe('Staging');
  expect(await vault.engine.listApplicationChanges()).toEqual([]);
});
