// People share records and folders on a real server, each with the real engine.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Uid } from '../../../protocol/uid.ts';
import type { RecordRights } from '../../../workers/api.ts';
import type { TestEngine } from '../../fixtures/engine.ts';
import { startOrganisation } from '../../fixtures/organisation.ts';
import { codeOf } from '../../fixtures/outcome.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

let server: TestServer;
let [ada, ben, cora]: TestEngine[] = [];
let uids: Record<'ada' | 'ben' | 'cora', Uid>;

beforeAll(async () => {
  server = await startTestServer();
  [ada, ben, cora] = (await startOrganisation(server.url, 3)).map(({ engine }) => engine);
  if (!ada || !ben || !cora) throw new Error('three people');
  const own = async (engine: TestEngine) => (await engine.readOrganisation()).ownUid;
  uids = { ada: await own(ada), ben: await own(ben), cora: await own(cora) };
});
afterAll(async () => {
  await Promise.all([ada, ben, cora].map((engine) => engine?.close()));
  await server.close();
});

const people = () => {
  if (!ada || !ben || !cora) throw new Error('three people');
  return { ada, ben, cora };
};
const to = (...names: (keyof typeof uids)[]) =>
  names.map((name) => ({ kind: 'account', uid: uids[name] }) as const);
function save(engine: TestEngine, title: string, password = 'the secret') {
  return engine.saveRecord({
    content: { type: 'login', title, fields: [{ type: 'password', value: [password] }] },
  });
}

/** Resolves when `fits` does, asked at each change of the vault. */
async function until(engine: TestEngine, fits: () => Promise<boolean>): Promise<void> {
  for (;;) {
    const version = engine.states.at(-1)?.recordsVersion ?? 0;
    if (await fits()) return;
    await engine.until(({ recordsVersion }) => recordsVersion > version);
  }
}

const sees = (engine: TestEngine, recordUid: Uid) => async () =>
  (await codeOf(engine.readRecord(recordUid))) === 'done';
const misses = (engine: TestEngine, recordUid: Uid) => async () =>
  (await codeOf(engine.readRecord(recordUid))) === 'not-found';

function share(
  recordUid: Uid,
  rights: RecordRights,
  expiresAt: number | null = null,
  ...names: ('ben' | 'cora')[]
) {
  return people().ada.shareRecords({
    recordUids: [recordUid],
    grantees: to(...(names.length > 0 ? names : ['ben' as const])),
    rights,
    expiresAt,
  });
}

describe('a record shared with a person', () => {
  test('comes by itself, and can be read and not changed', async () => {
    const { ada, ben } = people();
    const uid = await save(ada, 'To view');
    await share(uid, 'view');
    await until(ben, sees(ben, uid));
    const view = await ben.readRecord(uid);
    expect(view.content.title).toBe('To view');
    const changed = { ...view.content, title: 'Mine now' };
    expect(await codeOf(ben.saveRecord({ uid, content: changed, withheld: [] }))).toBe('not-allowed');
    const access = await ada.accessOf(uid);
    expect(access.ways.map(({ name, rights, until }) => [name, rights.records, until])).toEqual([
      [expect.stringContaining('@'), 'view', null],
    ]);
    expect((await ben.accessOf(uid)).own.records).toBe('view');
    const toThem = async (engine: TestEngine) => (await engine.accessOf(uid)).ways.map(({ toYou }) => toYou);
    expect([await toThem(ada), await toThem(ben)]).toEqual([[false], [true]]);
  });

  test('to edit: what they write comes to its owner', async () => {
    const { ada, ben } = people();
    const uid = await save(ada, 'To edit');
    await share(uid, 'edit');
    await ben.syncNow();
    const view = await ben.readRecord(uid);
    await ben.saveRecord({
      uid,
      baseRevision: view.revision,
      content: { ...view.content, title: 'Edited by Ben' },
      withheld: view.withheld,
    });
    await ada.syncNow();
    expect((await ada.readRecord(uid)).content.title).toBe('Edited by Ben');
  });

  test('taken back: gone for them, under a new key for the others', async () => {
    const { ada, ben, cora } = people();
    const uid = await save(ada, 'Taken back');
    await share(uid, 'view', null, 'ben', 'cora');
    await Promise.all([ben.syncNow(), cora.syncNow()]);
    expect((await cora.readRecord(uid)).content.title).toBe('Taken back');
    const rekeyed = await ada.unshare({ objectUid: uid, grantees: to('ben') });
    expect(rekeyed).toMatchObject({ records: 1, leftOut: [] });
    expect(rekeyed.givenTo).toHaveLength(1);
    await Promise.all([ben.syncNow(), cora.syncNow()]);
    expect(await codeOf(ben.readRecord(uid))).toBe('not-found');
    expect((await cora.readRecord(uid)).content.title).toBe('Taken back');
  });

  test('shared on by who may, and by nobody else', async () => {
    const { ada, ben, cora } = people();
    const uid = await save(ada, 'Handed on');
    await share(uid, 'view-share');
    await ben.syncNow();
    const input = { recordUids: [uid], grantees: to('cora'), expiresAt: null } as const;
    expect(await codeOf(ben.shareRecords({ ...input, rights: 'edit' }))).toBe('not-allowed');
    await ben.shareRecords({ ...input, rights: 'view' });
    await cora.syncNow();
    expect((await cora.readRecord(uid)).content.title).toBe('Handed on');
    expect(await codeOf(cora.shareRecords({ ...input, grantees: to('ben'), rights: 'view' }))).toBe(
      'not-allowed',
    );
  });

  test('ends by itself at its time', async () => {
    const { ada, ben } = people();
    const uid = await save(ada, 'For a moment');
    const ends = Date.now() + 8_000; // not before it was shared, on a busy machine either
    await share(uid, 'view', ends);
    await ben.syncNow();
    expect((await ben.readRecord(uid)).content.title).toBe('For a moment');
    await ben.until(() => Date.now() > ends && ben.states.length > 0);
    while ((await codeOf(ben.readRecord(uid))) === 'done') await new Promise(setImmediate);
    expect(Date.now()).toBeGreaterThanOrEqual(ends);
  });
});

describe('a shared folder', () => {
  test('shows members its records, each with what both allow', async () => {
    const { ada, ben } = people();
    const folderUid = await ada.createSharedFolder('Servers');
    const subfolderUid = await ada.addSubfolder({ folderUid, name: 'Test', parentUid: null });
    const uid = await save(ada, 'In the folder');
    await ada.addToFolder({ folderUid, subfolderUid, recordUids: [uid], rights: 'edit' });
    await ada.shareFolder({
      folderUid,
      grantees: to('ben'),
      rights: { records: 'view', manageMembers: false, manageRecords: false },
      expiresAt: null,
    });
    await ben.syncNow();
    expect((await ben.readRecord(uid)).content.title).toBe('In the folder');
    const { folders } = await ben.listPlaces();
    expect(folders.map(({ name, kind }) => [name, kind])).toEqual([
      ['Servers', 'shared'],
      ['Test', 'subfolder'],
    ]);
    await ada.renameSharedFolder({ folderUid, name: 'Hosts' });
    await ben.syncNow();
    expect((await ben.listPlaces()).folders[0]?.name).toBe('Hosts');
    const ways = (await ada.accessOf(uid)).ways;
    expect(ways.map(({ folderName, rights }) => [folderName, rights.records])).toEqual([['Hosts', 'view']]);
    await ada.removeFromFolder({ folderUid, recordUids: [uid] });
    await ben.syncNow();
    expect(await codeOf(ben.readRecord(uid))).toBe('not-found');
  });

  test('members who leave lose it, and what is left has new keys', async () => {
    const { ada, ben, cora } = people();
    const folderUid = await ada.createSharedFolder('Team');
    const uid = await save(ada, 'Of the team');
    await ada.addToFolder({ folderUid, subfolderUid: null, recordUids: [uid], rights: 'view' });
    const rights = { records: 'view', manageMembers: false, manageRecords: false } as const;
    await ada.shareFolder({ folderUid, grantees: to('ben', 'cora'), rights, expiresAt: null });
    await Promise.all([ben.syncNow(), cora.syncNow()]);
    const rekeyed = await ada.unshare({ objectUid: folderUid, grantees: to('ben') });
    expect(rekeyed.records).toBe(1);
    await Promise.all([ben.syncNow(), cora.syncNow()]);
    expect(await codeOf(ben.readRecord(uid))).toBe('not-found');
    expect((await cora.readRecord(uid)).content.title).toBe('Of the team');
  });
});

describe('a team', () => {
  test('gets what is shared with it, whoever joins later too', async () => {
    const { ada, ben, cora } = people();
    const teamUid = await ada.createTeam({ name: 'Operations', memberUids: [uids.ben] });
    const uid = await save(ada, 'For the team');
    await ada.shareRecords({
      recordUids: [uid],
      grantees: [{ kind: 'team', uid: teamUid }],
      rights: 'view',
      expiresAt: null,
    });
    await ben.syncNow();
    expect((await ben.readRecord(uid)).content.title).toBe('For the team');
    expect((await ben.accessOf(uid)).ways.map(({ toYou }) => toYou)).toEqual([true]);
    expect(await codeOf(cora.readRecord(uid))).toBe('not-found');
    await ada.setTeamMembers({ teamUid, memberUids: [uids.ben, uids.cora] });
    await until(cora, sees(cora, uid));
    await ada.setTeamMembers({ teamUid, memberUids: [uids.cora] });
    await until(ben, misses(ben, uid));
  });
});

describe('ownership', () => {
  test('goes to who was offered it and accepts', async () => {
    const { ada, ben } = people();
    const uid = await save(ada, 'Handed over');
    await ada.offerOwnership({ recordUids: [uid], accountUid: uids.ben });
    await ben.syncNow();
    expect(await ben.pendingOffers()).toMatchObject([
      { recordUid: uid, title: 'Handed over', fromUid: uids.ada },
    ]);
    await ben.acceptOwnership(uid);
    await ada.syncNow();
    expect((await ben.accessOf(uid)).ownerUid).toBe(uids.ben);
    expect((await ada.accessOf(uid)).own).toMatchObject({ records: 'edit-share', owner: false });
    expect(await ben.pendingOffers()).toEqual([]);
    expect(ada.states.at(-1)?.vaultIncomplete).toBe(false);
    expect(ben.states.at(-1)?.vaultIncomplete).toBe(false);
  });
});

describe('fingerprints', () => {
  test('are pinned with the first share and verified by words', async () => {
    const { ada, cora } = people();
    const uid = await save(cora, 'Of Cora');
    expect((await cora.fingerprintOf(uids.ada)).pin).toBe('new');
    await cora.shareRecords({ recordUids: [uid], grantees: to('ada'), rights: 'view', expiresAt: null });
    const { words, pin } = await cora.fingerprintOf(uids.ada);
    expect(pin).toBe('pinned');
    expect(words).toHaveLength(8);
    expect(await codeOf(cora.confirmFingerprint({ accountUid: uids.ada, words: words.toReversed() }))).toBe(
      'conflict',
    );
    await cora.confirmFingerprint({ accountUid: uids.ada, words });
    expect((await cora.listPeople()).find(({ accountUid }) => accountUid === uids.ada)?.pin).toBe('verified');
    await ada.syncNow();
  });
});
