// Attack class 10, of applications: a server gives an application what its person did not give it, swaps the keys of folders, and an
// application writes what no record or folder is. Keys go only where the sealed record of the application says.
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { encodeBase64 } from '../../protocol/bytes.ts';
import { sealLegacyBlob } from '../../protocol/secrets-manager/legacy-crypto.ts';
import { randomBytes } from '../../protocol/crypto/random.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import { startOpenServer, type OpenServer } from '../fixtures/open-server.ts';
import { loginSecret, withField, type SecretsScript } from '../fixtures/secrets-script.ts';
import { eventually, SecretsVault, vaultPassword } from '../fixtures/secrets-vault.ts';

let open: OpenServer;
let vault: SecretsVault;
let script: SecretsScript;
let applicationUid: Uid;
let recordUid: Uid;
let folderUid: Uid;

beforeAll(async () => void (open = await startOpenServer()));
afterAll(() => open.close());

beforeEach(async () => {
  vault = await SecretsVault.create(open.server.url);
  ({ applicationUid, recordUid, script } = await vault.sharedRecord());
  folderUid = await vault.engine.createSharedFolder('Servers');
  await vault.share(applicationUid, folderUid, 'folder');
  await eventually(async () => (await script.read()).folders.has(folderUid)).toBe(true);
  return () => vault.close();
});

/** The vault looks at everything that the server shows. */
const look = () => vault.engine.syncNow();
const told = async () =>
  (await vault.engine.listApplicationChanges()).map(({ kind, objectUid }) => ({ kind, objectUid }));
const rowsOf = async (query: ReturnType<typeof sql<{ count: number }>>) =>
  (await query.execute(open.db)).rows[0]?.count;

describe('what a server adds to what applications have', () => {
  test('a record that nobody gave: no version is made of it, and it goes', async () => {
    const secret = await vault.save('Nobody’s', 'secret');
    await sql`INSERT INTO secret_share (application_uid, object_uid, is_folder, editable, wrapped_key)
      VALUES (${uidBytes(applicationUid)}, ${uidBytes(secret)}, false, true, '')`.execute(open.db);
    await look();
    await eventually(() =>
      rowsOf(sql`SELECT count(*)::integer AS count FROM secret_share WHERE object_uid = ${uidBytes(secret)}`),
    ).toBe(0);
    expect(
      await rowsOf(sql`SELECT count(*)::integer AS count FROM secret WHERE record_uid = ${uidBytes(secret)}`),
    ).toBe(0);
    expect(await script.titles()).toEqual(['Database']);
  });

  test('a folder that nobody gave: its key is wrapped for nobody', async () => {
    const hidden = await vault.engine.createSharedFolder('Hidden');
    await sql`INSERT INTO secret_share (application_uid, object_uid, is_folder, editable, wrapped_key)
      VALUES (${uidBytes(applicationUid)}, ${uidBytes(hidden)}, true, true, ${randomBytes(60)})`.execute(
      open.db,
    );
    await look();
    await eventually(() =>
      rowsOf(sql`SELECT count(*)::integer AS count FROM secret_share WHERE object_uid = ${uidBytes(hidden)}`),
    ).toBe(0);
    expect([...(await script.folders()).keys()]).toEqual([folderUid]);
  });

  test('that it may write: it is set right, and what it wrote is not taken over', async () => {
    await vault.share(applicationUid, recordUid, 'record', false);
    await eventually(async () => (await script.record('Database')).isEditable).toBe(false);
    await sql`UPDATE secret_share SET editable = true WHERE object_uid = ${uidBytes(recordUid)}`.execute(
      open.db,
    );
    const read = await script.record('Database');
    await script.update(read, withField(read.content, 'password', 'two'));
    await eventually(told).toEqual([{ kind: 'unreadable', objectUid: recordUid }]);
    expect(await vault.passwordOf(recordUid)).toBe('one');
    await eventually(async () => (await script.record('Database')).isEditable).toBe(false);
  });

  test('another key of a shared folder: the vault puts its own there again', async () => {
    const key = (await script.read()).folders.get(folderUid);
    await sql`UPDATE secret_share SET wrapped_key = ${randomBytes(60)}
      WHERE object_uid = ${uidBytes(folderUid)}`.execute(open.db);
    await expect(script.read()).rejects.toThrow();
    await look();
    await eventually(async () =>
      String((await script.read().catch(() => null))?.folders.get(folderUid)),
    ).toBe(String(key));
  });

  test('another key of a folder that an application made: it gets no name', async () => {
    await vault.engine.lock();
    const [kept, swapped] = [
      await script.createFolder(folderUid, 'Kept'),
      await script.createFolder(folderUid, 'Swapped'),
    ];
    await sql`UPDATE secret_folder SET wrapped_key = ${randomBytes(64)}
      WHERE folder_uid = ${uidBytes(swapped)}`.execute(open.db);
    await vault.engine.unlock({ password: vaultPassword });
    await eventually(async () => (await vault.subfolders()).get(kept)).toBe('Kept');
    expect((await vault.subfolders()).has(swapped)).toBe(false);
    await eventually(told).toEqual([{ kind: 'unreadable', objectUid: swapped }]);
  });

  test('a folder of a uid that the vault has: it is not taken for that one', async () => {
    const known = await vault.engine.createSharedFolder('Known');
    await vault.engine.lock();
    const made = await script.createFolder(folderUid, 'Mine');
    await sql`UPDATE secret_folder SET folder_uid = ${uidBytes(known)}
      WHERE folder_uid = ${uidBytes(made)}`.execute(open.db);
    await sql`UPDATE secret_write SET object_uid = ${uidBytes(known)}
      WHERE object_uid = ${uidBytes(made)}`.execute(open.db);
    await vault.engine.unlock({ password: vaultPassword });
    await eventually(told).toEqual([{ kind: 'unreadable', objectUid: known }]);
    expect([...(await vault.subfolders()).values()]).toEqual([]);
    const { folders } = await vault.engine.listPlaces();
    expect(folders.find(({ uid }) => uid === known)?.name).toBe('Known');
  });
});

describe('what an application writes', () => {
  test.each([
    ['no JSON', 'not json'],
    ['no record', '[]'],
    ['no title', '{"type":"login"}'],
    ['a type of the vault’s own', '{"type":"secretsApplication","title":"mine","fields":[]}'],
    ['a text without an end', JSON.stringify({ type: 'login', title: 'a'.repeat(70_000), fields: [] })],
  ])('%s: its person is told, and the rest goes on', async (_name, text) => {
    const read = await script.record('Database');
    const data = encodeBase64(await sealLegacyBlob(read.key, new TextEncoder().encode(text)));
    await script.call('update_secret', { recordUid, data, revision: read.revision });
    await eventually(told).toEqual([{ kind: 'unreadable', objectUid: recordUid }]);
    expect(await vault.passwordOf(recordUid)).toBe('one');
    const created = await script.create(folderUid, loginSecret('Created', 'new'));
    await eventually(() => vault.passwordOf(created).catch(() => null)).toBe('new');
    const [change] = await vault.engine.listApplicationChanges();
    await vault.engine.settleApplicationChange({ change: change?.change ?? '', accept: false });
    expect(await script.passwordOf('Database')).toBe('one');
  });

  test('a machine that leads elsewhere: its owner has not confirmed it', async () => {
    const created = await script.create(folderUid, {
      type: 'pamMachine',
      title: 'Mine',
      fields: [
        { type: 'pamHostname', value: [{ hostName: '203.0.113.9', port: '22' }] },
        { type: 'pamSettings', value: [{ connection: { hostKey: 'ssh-ed25519 AAAA' } }] },
        { type: 'trafficEncryptionSeed', value: ['AAAA'] },
      ],
    });
    await eventually(() => vault.engine.readRecord(created).catch(() => null)).toMatchObject({
      unconfirmed: true,
    });
    const { content } = await vault.engine.readRecord(created);
    expect(content.fields.find(({ type }) => type === 'pamSettings')).toBeUndefined();
  });

  test('a folder with a name of many lines: one line comes of it', async () => {
    const made = await script.createFolder(folderUid, 'Staging\n\u202egnp.exe');
    await eventually(async () => (await vault.subfolders()).get(made)).toBe('Staging  gnp.exe');
  });
});
