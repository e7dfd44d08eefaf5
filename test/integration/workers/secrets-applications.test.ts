// Applications of a vault on a real server: what they are given, what scripts read of it, and what becomes of what they write.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Uid } from '../../../protocol/uid.ts';
import type { AddedApplicationClient } from '../../../workers/api.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { codeOf } from '../../fixtures/outcome.ts';
import { loginSecret, SecretsScript, withField } from '../../fixtures/secrets-script.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

const password = 'correct horse battery staple';

describe('applications of a vault', () => {
  let server: TestServer;
  let count = 0;
  const closing: TestEngine[] = [];
  beforeAll(async () => void (server = await startTestServer()));
  afterAll(async () => {
    for (const engine of closing.reverse()) await engine.close();
    await server.close();
  });

  async function newVault(): Promise<{ engine: TestEngine; email: string }> {
    const engine = await startEngine(server.url);
    closing.push(engine);
    const email = `secrets-owner${++count}@example.test`;
    await engine.draftRecoveryPhrase();
    await engine.createAccount({ email, password });
    await engine.until(({ link }) => link === 'connected');
    return { engine, email };
  }

  const save = (engine: TestEngine, title: string, secret: string, uid?: Uid) =>
    engine.saveRecord({
      ...(uid === undefined ? {} : { uid }),
      content: {
        ...{ type: 'login', title },
        fields: [
          { type: 'login', value: ['root'] },
          { type: 'password', value: [secret] },
        ],
      },
    });

  async function addScript(engine: TestEngine, applicationUid: Uid, name = 'runner'): Promise<SecretsScript> {
    const added = await engine.addApplicationClient({
      ...{ applicationUid, name, lockIp: false, tokenMs: 3_600_000, accessExpiresAt: 0 },
      form: 'configuration',
    });
    return new SecretsScript(server.url, jsonOf(added));
  }

  const jsonOf = (added: AddedApplicationClient): string => {
    if (added.form !== 'configuration') throw new Error('not a configuration');
    return added.json;
  };

  const share = (
    engine: TestEngine,
    applicationUid: Uid,
    uid: Uid,
    kind: 'record' | 'folder',
    editable = true,
  ) => engine.shareToApplication({ applicationUid, objects: [{ uid, kind }], editable });

  const passwordIn = async (script: SecretsScript, title: string) =>
    (await script.record(title)).content.fields.find(({ type }) => type === 'password')?.value[0];

  const passwordOf = (engine: TestEngine, recordUid: Uid, index = 1) =>
    engine.revealField({ recordUid, field: { group: 'fields', index } });

  const subfolders = async (engine: TestEngine) =>
    (await engine.listPlaces()).folders.filter(({ kind }) => kind === 'subfolder');

  const eventually = (what: () => Promise<unknown>) => expect.poll(what, { timeout: 30_000 });

  async function sharedRecord(editable = true) {
    const { engine, email } = await newVault();
    const applicationUid = await engine.createApplication({ name: 'CI' });
    const recordUid = await save(engine, 'Database', 'one');
    await share(engine, applicationUid, recordUid, 'record', editable);
    const script = await addScript(engine, applicationUid);
    await eventually(() => script.titles()).toEqual(['Database']);
    return { engine, email, applicationUid, recordUid, script };
  }

  test('an application is made, renamed and deleted, and its devices see its name', async () => {
    const { engine, applicationUid, script } = await sharedRecord();
    expect((await script.read()).appTitle).toBe('CI');
    await engine.renameApplication({ applicationUid, name: 'Build server' });
    expect((await script.read()).appTitle).toBe('Build server');
    expect(await engine.listApplications()).toMatchObject([{ name: 'Build server', clients: 1 }]);
    await engine.deleteApplication(applicationUid);
    expect(await engine.listApplications()).toEqual([]);
    await expect(script.read()).rejects.toMatchObject({ code: 'access_denied' });
  });

  test('what a person changes, scripts read; what they are given no more, they do not', async () => {
    const { engine, applicationUid, recordUid, script } = await sharedRecord();
    expect(await passwordIn(script, 'Database')).toBe('one');
    await save(engine, 'Database', 'two', recordUid);
    await eventually(() => passwordIn(script, 'Database')).toBe('two');
    await eventually(() => engine.listApplications()).toMatchObject([
      { shares: [{ uid: recordUid, title: 'Database', state: 'ready', editable: true }] },
    ]);
    await engine.unshareFromApplication({ applicationUid, objectUids: [recordUid] });
    expect(await script.titles()).toEqual([]);
  });

  test('what a script writes becomes a revision, and the rest of the record stays', async () => {
    const { engine, recordUid, script } = await sharedRecord();
    const read = await script.record('Database');
    await script.update(read, { ...withField(read.content, 'password', 'rotated'), notes: 'by a script' });
    await eventually(() => passwordOf(engine, recordUid)).toBe('rotated');
    expect((await engine.readRecord(recordUid)).content.notes).toBe('by a script');
    expect(await engine.listHistory(recordUid)).toHaveLength(2);
    // And from there on.
    await eventually(async () => (await script.record('Database')).revision).not.toBe(read.revision);
    await eventually(() => codeOf(writeOnce('again'))).toBe('done');
    async function writeOnce(value: string) {
      const now = await script.record('Database');
      await script.update(now, withField(now.content, 'password', value));
    }
    await eventually(() => passwordOf(engine, recordUid)).toBe('again');
  });

  test('what a script may only read, it does not write', async () => {
    const { engine, script, recordUid } = await sharedRecord(false);
    const read = await script.record('Database');
    expect(read.isEditable).toBe(false);
    await expect(script.update(read, loginSecret('Database', 'two'))).rejects.toMatchObject({
      code: 'access_denied',
    });
    expect(await passwordOf(engine, recordUid)).toBe('one');
  });

  test('a shared folder with its subfolders, and what scripts make in it', async () => {
    const { engine } = await newVault();
    const applicationUid = await engine.createApplication({ name: 'CI' });
    const folderUid = await engine.createSharedFolder('Servers');
    const inside = await engine.addSubfolder({ folderUid, name: 'Staging', parentUid: null });
    const recordUid = await save(engine, 'Web', 'one');
    await engine.addToFolder({ folderUid, subfolderUid: inside, recordUids: [recordUid], rights: 'view' });
    await share(engine, applicationUid, folderUid, 'folder');
    const script = await addScript(engine, applicationUid);
    await eventually(() => script.titles()).toEqual(['Web']);
    expect(await script.record('Web')).toMatchObject({ folderUid, innerFolderUid: inside });
    expect((await script.folders()).get(inside)).toMatchObject({ name: 'Staging', parent: folderUid });

    const made = await script.createFolder(folderUid, 'Production', inside);
    const created = await script.create(folderUid, loginSecret('Made by a script', 'new'), made);
    await eventually(() => codeOf(engine.readRecord(created))).toBe('done');
    await eventually(() => subfolders(engine)).toContainEqual(
      expect.objectContaining({ uid: made, name: 'Production', sharedFolderUid: folderUid }),
    );
    expect(await passwordOf(engine, created)).toBe('new');
    await eventually(async () => (await script.record('Made by a script')).innerFolderUid).toBe(made);

    await script.renameFolder(made, 'Live');
    await eventually(() => subfolders(engine)).toContainEqual(
      expect.objectContaining({ uid: made, name: 'Live' }),
    );
  });

  test('what a script deletes waits for a person', async () => {
    const { engine, recordUid, applicationUid, script } = await sharedRecord();
    await script.call('delete_secret', { recordUids: [recordUid] });
    expect(await script.titles()).toEqual([]);
    const [kept] = await engine.listApplicationChanges();
    expect(kept).toMatchObject({
      ...{ kind: 'delete-record', applicationUid, applicationName: 'CI' },
      ...{ clientName: 'runner', objectUid: recordUid, title: 'Database' },
    });
    await engine.settleApplicationChange({ change: kept?.change ?? '', accept: false });
    expect(await script.titles()).toEqual(['Database']);
    expect(await engine.listApplicationChanges()).toEqual([]);

    await script.call('delete_secret', { recordUids: [recordUid] });
    const [done] = await engine.listApplicationChanges();
    await engine.settleApplicationChange({ change: done?.change ?? '', accept: true });
    expect((await engine.readRecord(recordUid)).trashed).toBe(true);
    expect(await codeOf(engine.settleApplicationChange({ change: done?.change ?? '', accept: true }))).toBe(
      'conflict',
    );
  });

  test('a transaction that is left open waits for the script, or for a person', async () => {
    const { engine, recordUid, script } = await sharedRecord();
    const read = await script.record('Database');
    await script.update(read, withField(read.content, 'password', 'pending'), {
      transactionType: 'rotation',
    });
    expect(await passwordIn(script, 'Database')).toBe('pending');
    const [open] = await engine.listApplicationChanges();
    expect(open).toMatchObject({ kind: 'transaction', objectUid: recordUid });
    expect(await passwordOf(engine, recordUid)).toBe('one');
    await engine.settleApplicationChange({ change: open?.change ?? '', accept: true });
    await eventually(() => passwordOf(engine, recordUid)).toBe('pending');
  });

  test('a person and a script change the same record: both changes are in it, and both are in its history', async () => {
    const { engine, recordUid, script, email } = await sharedRecord();
    await engine.lock();
    const read = await script.record('Database');
    await script.update(read, withField(read.content, 'password', 'rotated'));
    const other = await startEngine(server.url);
    closing.push(other);
    await other.signIn({ email, password });
    await eventually(() => passwordOf(other, recordUid)).toBe('rotated');
  });

  test('devices are named, renamed and removed, and their tokens bind', async () => {
    const { engine, applicationUid, script } = await sharedRecord();
    const added = await engine.addApplicationClient({
      ...{ applicationUid, name: 'laptop', lockIp: true, tokenMs: 60_000, accessExpiresAt: 0, form: 'token' },
    });
    if (added.form !== 'token') throw new Error('a token');
    expect(added).toMatchObject({ hostname: new URL(server.url).host });
    expect(added.token).not.toContain(':'); // the server has a port of its own
    const clients = await engine.listApplicationClients(applicationUid);
    expect(clients.map(({ name, status, lockIp }) => ({ name, status, lockIp }))).toEqual([
      { name: 'runner', status: 'active', lockIp: false },
      { name: 'laptop', status: 'waiting', lockIp: true },
    ]);
    await engine.renameApplicationClient({ clientId: added.clientId, name: 'old laptop' });
    expect((await engine.listApplicationClients(applicationUid))[1]?.name).toBe('old laptop');
    await engine.removeApplicationClient(clients[0]?.clientId ?? '');
    await expect(script.read()).rejects.toMatchObject({ code: 'access_denied' });
    expect(await engine.listApplicationClients(applicationUid)).toHaveLength(1);
    const { events } = await engine.listApplicationEvents({ applicationUid });
    expect(events.map(({ name }) => name)).toContain('app_client_access');
  });
});
