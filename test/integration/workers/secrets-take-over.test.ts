// What scripts write, while people and several devices of the account change the same things, and while keys are replaced.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { organisationPassword, startOrganisation } from '../../fixtures/organisation.ts';
import { codeOf } from '../../fixtures/outcome.ts';
import { loginSecret, withField } from '../../fixtures/secrets-script.ts';
import { eventually, SecretsVault } from '../../fixtures/secrets-vault.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

describe('what applications write', () => {
  let server: TestServer;
  const closing: { close(): Promise<void> }[] = [];
  beforeAll(async () => void (server = await startTestServer()));
  afterAll(async () => {
    for (const one of closing.reverse()) await one.close();
    await server.close();
  });

  async function newVault(): Promise<SecretsVault> {
    const vault = await SecretsVault.create(server.url);
    closing.push(vault);
    return vault;
  }

  test('and people changed meanwhile: both changes are in the record, and what people had in its history', async () => {
    const vault = await newVault();
    const { script, recordUid } = await vault.sharedRecord();
    const read = await script.record('Database');
    await script.update(read, withField(read.content, 'password', 'rotated'), {
      transactionType: 'rotation',
    });
    await vault.save('Main database', 'one', recordUid);
    await script.call('finalize_secret_update', { recordUid });
    await eventually(() => vault.passwordOf(recordUid)).toBe('rotated');
    await eventually(async () => (await vault.engine.readRecord(recordUid)).content.title).toBe(
      'Main database',
    );
    const history = await vault.engine.listHistory(recordUid);
    const titles = [];
    for (const { revision } of history)
      titles.push((await vault.engine.readRevision({ recordUid, revision })).content.title);
    expect(titles).toEqual(['Main database', 'Main database', 'Database']);
    await eventually(() => script.passwordOf('Main database')).toBe('rotated');
  });

  test('is rolled back by the script: nothing of it is in the vault', async () => {
    const vault = await newVault();
    const { script, recordUid } = await vault.sharedRecord();
    const read = await script.record('Database');
    await script.update(read, withField(read.content, 'password', 'never'), { transactionType: 'rotation' });
    await script.call('rollback_secret_update', { recordUid });
    expect(await script.passwordOf('Database')).toBe('one');
    expect(await vault.engine.listApplicationChanges()).toEqual([]);
    expect(await vault.engine.listHistory(recordUid)).toHaveLength(1);
  });

  test('is taken over once, whatever number of devices is there', async () => {
    const vault = await newVault();
    const { script, recordUid } = await vault.sharedRecord();
    const other = await vault.another();
    closing.push(other);
    for (const password of ['a', 'b', 'c']) {
      await expect
        .poll(
          async () => {
            const now = await script.record('Database');
            return await script.update(now, withField(now.content, 'password', password)).then(
              () => 'written',
              () => 'out of sync',
            );
          },
          { timeout: 60_000 },
        )
        .toBe('written');
      await eventually(() => vault.passwordOf(recordUid)).toBe(password);
      await eventually(() => other.passwordOf(recordUid)).toBe(password);
    }
    expect(await vault.engine.listHistory(recordUid)).toHaveLength(4);
    await eventually(() => vault.engine.listApplicationChanges()).toEqual([]);
    expect(await other.engine.listApplicationChanges()).toEqual([]);
  });

  test('while the vault was away is there after the next unlock', async () => {
    const vault = await newVault();
    const { script, recordUid } = await vault.sharedRecord();
    await vault.engine.lock();
    const read = await script.record('Database');
    await script.update(read, withField(read.content, 'password', 'rotated'));
    const other = await vault.another();
    closing.push(other);
    await eventually(() => other.passwordOf(recordUid)).toBe('rotated');
  });

  test('goes on when somebody lost access and everything has new keys', async () => {
    const [ada, ben, cora] = await startOrganisation(server.url, 3);
    if (!ada || !ben || !cora) throw new Error('three people');
    closing.push(ada.engine, ben.engine, cora.engine);
    const vault = new SecretsVault(ada.engine, '', server.url);
    const folderUid = await ada.engine.createSharedFolder('Servers');
    const place = { folderUid, subfolderUid: null, rights: 'edit' } as const;
    const recordUid = await vault.save('Web', 'one');
    await ada.engine.addToFolder({ ...place, recordUids: [recordUid] });
    const granteeOf = async ({ engine }: typeof ben) =>
      ({ kind: 'account', uid: (await engine.readOrganisation()).ownUid }) as const;
    const [toBen, toCora] = [await granteeOf(ben), await granteeOf(cora)];
    await ada.engine.shareFolder({
      ...{ folderUid, grantees: [toBen, toCora], expiresAt: null },
      rights: { records: 'edit-share', manageMembers: false, manageRecords: true },
    });
    const theirs = new SecretsVault(cora.engine, '', server.url);
    const ofCora = await theirs.save('Mail', 'hers');
    await eventually(() => codeOf(cora.engine.addToFolder({ ...place, recordUids: [ofCora] }))).toBe('done');
    const applicationUid = await ada.engine.createApplication({ name: 'CI' });
    await vault.share(applicationUid, folderUid, 'folder');
    const script = await vault.addScript(applicationUid);
    await eventually(() => script.titles()).toEqual(['Mail', 'Web']);
    const before = (await script.read()).folders.get(folderUid);

    await ada.engine.unshare({ objectUid: folderUid, grantees: [toBen] });
    await eventually(async () => String((await script.read()).folders.get(folderUid) ?? before)).not.toBe(
      String(before),
    );
    await eventually(() => script.titles()).toEqual(['Mail', 'Web']);
    await eventually(async () => {
      const read = await script.record('Web');
      return await codeOf(script.update(read, withField(read.content, 'password', 'two')));
    }).toBe('done');
    await eventually(() => vault.passwordOf(recordUid)).toBe('two');
    // Of somebody else, who let the account edit it.
    const hers = await script.record('Mail');
    await script.update(hers, withField(hers.content, 'password', 'by the script'));
    await eventually(() => theirs.passwordOf(ofCora)).toBe('by the script');
  });

  test('in a folder that has a new key before their vault comes, is taken over', async () => {
    const house = await startTestServer(); // with an organisation of its own
    closing.push(house);
    const [ada, ben, cora] = await startOrganisation(house.url, 3);
    if (!ada || !ben || !cora) throw new Error('three people');
    closing.push(ada.engine, ben.engine, cora.engine);
    const granteeOf = async ({ engine }: typeof ben) =>
      ({ kind: 'account', uid: (await engine.readOrganisation()).ownUid }) as const;
    const [toAda, toBen] = [await granteeOf(ada), await granteeOf(ben)];
    const folderUid = await cora.engine.createSharedFolder('Servers');
    await cora.engine.shareFolder({
      ...{ folderUid, grantees: [toAda, toBen], expiresAt: null },
      rights: { records: 'edit-share', manageMembers: false, manageRecords: true },
    });
    const vault = new SecretsVault(ada.engine, '', house.url);
    const applicationUid = await ada.engine.createApplication({ name: 'CI' });
    await eventually(() => codeOf(vault.share(applicationUid, folderUid, 'folder'))).toBe('done');
    const script = await vault.addScript(applicationUid);
    await eventually(async () => (await script.folders()).has(folderUid)).toBe(true);
    await ada.engine.lock();
    const uid = await script.create(folderUid, loginSecret('Created', 'new'));
    await cora.engine.unshare({ objectUid: folderUid, grantees: [toBen] });

    await ada.engine.unlock({ password: organisationPassword });
    await eventually(() => vault.passwordOf(uid)).toBe('new');
    await eventually(() => script.titles()).toEqual(['Created']);
    expect(await ada.engine.listApplicationChanges()).toEqual([]);
  });
});
