// Applications of a vault on a real server: what they are given, what scripts read of it, and what becomes of what they write.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf } from '../../fixtures/outcome.ts';
import { loginSecret, withField } from '../../fixtures/secrets-script.ts';
import { eventually, SecretsVault, vaultPassword } from '../../fixtures/secrets-vault.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

describe('applications of a vault', () => {
  let server: TestServer;
  const closing: SecretsVault[] = [];
  beforeAll(async () => void (server = await startTestServer()));
  afterAll(async () => {
    for (const vault of closing.reverse()) await vault.close();
    await server.close();
  });

  async function newVault(): Promise<SecretsVault> {
    const vault = await SecretsVault.create(server.url);
    closing.push(vault);
    return vault;
  }

  async function sharedRecord(editable = true) {
    const vault = await newVault();
    return { vault, engine: vault.engine, ...(await vault.sharedRecord(editable)) };
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
    const { vault, engine, applicationUid, recordUid, script } = await sharedRecord();
    expect(await script.passwordOf('Database')).toBe('one');
    await vault.save('Database', 'two', recordUid);
    await eventually(() => script.passwordOf('Database')).toBe('two');
    await eventually(() => engine.listApplications()).toMatchObject([
      { shares: [{ uid: recordUid, title: 'Database', state: 'ready', editable: true }] },
    ]);
    await engine.unshareFromApplication({ applicationUid, objectUids: [recordUid] });
    expect(await script.titles()).toEqual([]);
  });

  test('whoever opens the vault later is told when it is known what is ready', async () => {
    const { engine } = await sharedRecord();
    await engine.lock();
    const before = engine.states.at(-1)?.applicationsVersion ?? 0;
    await engine.unlock({ password: vaultPassword });
    await engine.until(({ applicationsVersion }) => applicationsVersion > before);
    expect(await engine.listApplications()).toMatchObject([{ shares: [{ state: 'ready' }] }]);
  });

  test('what a script writes becomes a revision, and the rest of the record stays', async () => {
    const { vault, engine, recordUid, script } = await sharedRecord();
    const read = await script.record('Database');
    await script.update(read, { ...withField(read.content, 'password', 'rotated'), notes: 'by a script' });
    await eventually(() => vault.passwordOf(recordUid)).toBe('rotated');
    expect((await engine.readRecord(recordUid)).content.notes).toBe('by a script');
    expect(await engine.listHistory(recordUid)).toHaveLength(2);
    // And from there on.
    await eventually(async () => (await script.record('Database')).revision).not.toBe(read.revision);
    await eventually(() => codeOf(writeOnce('again'))).toBe('done');
    async function writeOnce(value: string) {
      const now = await script.record('Database');
      await script.update(now, withField(now.content, 'password', value));
    }
    await eventually(() => vault.passwordOf(recordUid)).toBe('again');
  });

  test('what a script may only read, it does not write', async () => {
    const { vault, script, recordUid } = await sharedRecord(false);
    const read = await script.record('Database');
    expect(read.isEditable).toBe(false);
    await expect(script.update(read, loginSecret('Database', 'two'))).rejects.toMatchObject({
      code: 'access_denied',
    });
    expect(await vault.passwordOf(recordUid)).toBe('one');
  });

  test('a shared folder with its subfolders, and what scripts make in it', async () => {
    const vault = await newVault();
    const { engine } = vault;
    const applicationUid = await engine.createApplication({ name: 'CI' });
    const folderUid = await engine.createSharedFolder('Servers');
    const inside = await engine.addSubfolder({ folderUid, name: 'Staging', parentUid: null });
    const recordUid = await vault.save('Web', 'one');
    await engine.addToFolder({ folderUid, subfolderUid: inside, recordUids: [recordUid], rights: 'view' });
    await vault.share(applicationUid, folderUid, 'folder');
    const script = await vault.addScript(applicationUid);
    await eventually(() => script.titles()).toEqual(['Web']);
    expect(await script.record('Web')).toMatchObject({ folderUid, innerFolderUid: inside });
    expect(await engine.listApplicationsOf(recordUid)).toEqual([
      { applicationUid, applicationName: 'CI', editable: true, folderUid, folderName: 'Servers' },
    ]);
    expect((await script.folders()).get(inside)).toMatchObject({ name: 'Staging', parent: folderUid });

    const made = await script.createFolder(folderUid, 'Production', inside);
    const created = await script.create(folderUid, loginSecret('Made by a script', 'new'), made);
    await eventually(() => codeOf(engine.readRecord(created))).toBe('done');
    await eventually(async () => (await vault.subfolders()).get(made)).toBe('Production');
    expect(await vault.passwordOf(created)).toBe('new');
    await eventually(async () => (await script.record('Made by a script')).innerFolderUid).toBe(made);

    await script.renameFolder(made, 'Live');
    await eventually(async () => (await vault.subfolders()).get(made)).toBe('Live');
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
    const { vault, engine, recordUid, script } = await sharedRecord();
    const read = await script.record('Database');
    await script.update(read, withField(read.content, 'password', 'pending'), {
      transactionType: 'rotation',
    });
    expect(await script.passwordOf('Database')).toBe('pending');
    const [open] = await engine.listApplicationChanges();
    expect(open).toMatchObject({ kind: 'transaction', objectUid: recordUid });
    expect(await vault.passwordOf(recordUid)).toBe('one');
    await engine.settleApplicationChange({ change: open?.change ?? '', accept: true });
    await eventually(() => vault.passwordOf(recordUid)).toBe('pending');
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
