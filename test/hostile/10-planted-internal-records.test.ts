// Attack class 10: keys put in by somebody else. An editor, or who offers a record, gives it the type of the vault's own
// bookkeeping (pinned keys, revocations, gateways): signed by the owner's vault later on, it would count as the owner's word.
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { withValue, type RecordContent } from '../../protocol/records/content.ts';
import { uidBytes, type Uid } from '../../protocol/uid.ts';
import type * as recordView from '../../workers/engine/records/record-view.ts';
import { startEngine, type TestEngine } from '../fixtures/engine.ts';
import { organisationPassword } from '../fixtures/organisation.ts';
import { startOpenOrganisation, type OpenOrganisation } from '../fixtures/open-organisation.ts';

/** What a client that was tampered with seals in the place of what has that title. */
const planted = vi.hoisted(() => new Map<string, unknown>());
vi.mock('../../workers/engine/records/record-view.ts', async (original) => {
  const real = await original<typeof recordView>();
  const completeContent: typeof real.completeContent = (input, current) =>
    (planted.get(input.content.title) as RecordContent | undefined) ?? real.completeContent(input, current);
  return { ...real, completeContent };
});

let house: OpenOrganisation;

beforeAll(async () => {
  house = await startOpenOrganisation(3);
});
afterAll(() => house.close());

function people() {
  const [{ engine: ada, uid: adaUid }, { engine: ben, uid: benUid }] = [house.person(0), house.person(1)];
  const { engine: cal, uid: calUid } = house.person(2);
  return { ada, ben, cal, adaUid, benUid, calUid };
}

const to = (uid: Uid) => [{ kind: 'account' as const, uid }];
const text = (label: string, value: string[]) => ({ type: 'text', label, value });
const save = (engine: TestEngine, title: string, more = {}) =>
  engine.saveRecord({
    content: { type: 'login', title, fields: [{ type: 'password', value: [title] }] },
    ...more,
  });

/** Keys of somebody's that nobody has, said to have been compared. */
const pinOf = (accountUid: Uid) => ({
  type: 'contactPin',
  title: 'cal@example.test',
  fields: [
    text('accountUid', [accountUid]),
    text('ecdhKey', ['AAAA']),
    text('signingKey', ['AAAA']),
    text('verified', ['yes']),
  ],
});

/** Everybody's words on that record are taken back, for ever, under every key that it will have. */
const revocationsOf = (recordUid: Uid, outUid: Uid) => ({
  type: 'revocations',
  title: 'Revocations',
  fields: [text('revoked', [`record ${recordUid} ${outUid} * 8000000000000000 2000000000`])],
});

async function plant(engine: TestEngine, content: object, uid?: Uid): Promise<Uid> {
  const title = `plant ${planted.size}`;
  planted.set(title, content);
  await engine.syncNow();
  if (uid === undefined) return await save(engine, title);
  const { revision } = await engine.readRecord(uid);
  return await save(engine, title, { uid, baseRevision: revision });
}

async function pinSeenBy(engine: TestEngine, accountUid: Uid) {
  await engine.syncNow();
  return (await engine.listPeople()).find((person) => person.accountUid === accountUid)?.pin;
}

/** A record that its editor planted something in, adopted by its owner and written anew when the editor is out. */
async function plantedByEditor(content: object): Promise<Uid> {
  const { ada, ben, benUid } = people();
  const uid = await save(ada, 'edited');
  await ada.shareRecords({ recordUids: [uid], grantees: to(benUid), rights: 'edit', expiresAt: null });
  await plant(ben, content, uid);
  await ada.syncNow();
  await ada.syncNow();
  await ada.unshare({ objectUid: uid, grantees: to(benUid) });
  await ada.syncNow();
  return uid;
}

test('pinned keys that an editor wrote, and the owner’s vault under a new key: nobody’s keys are others', async () => {
  const { ada, calUid } = people();
  await plantedByEditor(pinOf(calUid));
  expect(await pinSeenBy(ada, calUid)).toBe('new');
  const uid = await save(ada, 'for cal');
  await ada.shareRecords({ recordUids: [uid], grantees: to(calUid), rights: 'view', expiresAt: null });
  expect(await pinSeenBy(ada, calUid)).toBe('pinned');
});

test('what was planted is shown as a note of its owner’s, who may delete it', async () => {
  const { ada, calUid } = people();
  const uid = await plantedByEditor(pinOf(calUid));
  expect((await ada.readRecord(uid)).content.type).toBe('encryptedNotes');
  await ada.trashRecords([uid]);
  expect((await ada.listRecords()).map((row) => row.uid)).not.toContain(uid);
});

test('revocations that an editor wrote take nothing back, and no key is replaced for them', async () => {
  const { ada, benUid } = people();
  const victim = await save(ada, 'untouched');
  await plantedByEditor(revocationsOf(victim, benUid));
  await ada.syncNow();
  expect((await ada.readRecord(victim)).revision).toBe(1);
  await ada.shareRecords({ recordUids: [victim], grantees: to(benUid), rights: 'view', expiresAt: null });
  const grants = await house.db
    .selectFrom('sharing_grant')
    .select('body')
    .where('object_uid', '=', uidBytes(victim))
    .execute();
  expect(grants).toHaveLength(1);
});

test('a record that was offered is not taken over as what it calls itself', async () => {
  const { ada, ben, adaUid, calUid } = people();
  const pinned = await pinSeenBy(ada, calUid);
  const uid = await save(ben, 'offered');
  await ben.offerOwnership({ recordUids: [uid], accountUid: adaUid });
  await ben.syncNow();
  await plant(ben, pinOf(calUid), uid);
  await ada.syncNow();
  await ada.acceptOwnership(uid);
  await ada.syncNow();
  expect(await pinSeenBy(ada, calUid)).toBe(pinned);
  expect((await ada.readRecord(uid)).content.type).toBe('encryptedNotes');
});

test('a revision that an editor planted is not restored from the history as the owner’s', async () => {
  const { ada, ben, benUid, calUid } = people();
  const uid = await save(ada, 'edited');
  await ada.shareRecords({ recordUids: [uid], grantees: to(benUid), rights: 'edit', expiresAt: null });
  await plant(ben, pinOf(calUid), uid);
  await ada.syncNow();
  const { revision } = await ada.readRecord(uid);
  await save(ada, 'right again', { uid, baseRevision: revision });
  await ada.restoreRevision({ recordUid: uid, revision });
  expect((await ada.readRecord(uid)).content.type).toBe('encryptedNotes');
});

/** A machine of Ada's that an editor has led elsewhere, so that it waits for her word. */
async function ledElsewhere(): Promise<{ machineUid: Uid; revision: number }> {
  const { ada, ben, benUid } = people();
  const fields = [{ type: 'pamHostname', value: [{ hostName: '10.0.0.5', port: '22' }] }];
  const machineUid = await ada.saveRecord({ content: { type: 'pamMachine', title: 'Build host', fields } });
  await ada.shareRecords({
    ...{ recordUids: [machineUid], grantees: to(benUid), rights: 'edit', expiresAt: null },
  });
  await ben.syncNow();
  const { content, withheld } = await ben.readRecord(machineUid);
  const elsewhere = withValue(content, 'pamHostname', [{ hostName: 'evil.example', port: '22' }]);
  await ben.saveRecord({ uid: machineUid, baseRevision: 1, content: elsewhere, withheld });
  await ada.syncNow();
  const { revision, unconfirmed } = await ada.readRecord(machineUid);
  expect(unconfirmed).toBe(true);
  return { machineUid, revision };
}

/** As a vault lists, before its keys change, what its owner stands by. */
const rotationOf = (machineUid: Uid, revision: number) => ({
  type: 'keyRotation',
  title: 'Key rotation',
  fields: [text('former', ['AAAA']), text('confirmed', [`${machineUid} ${revision}`])],
});

test('machines that an editor lists as stood by before a rotation are not confirmed by the owner’s vault', async () => {
  const { ada } = people();
  const { machineUid, revision } = await ledElsewhere();
  const listUid = await plantedByEditor(rotationOf(machineUid, revision));
  await ada.lock();
  await ada.unlock({ password: organisationPassword });
  await ada.syncNow();
  expect((await ada.readRecord(listUid)).content.type).toBe('encryptedNotes');
  expect(await ada.readRecord(machineUid)).toMatchObject({ revision, unconfirmed: true });
});

test('the vault’s own bookkeeping is shared with nobody', async () => {
  const { ada, benUid, calUid } = people();
  const uid = await plant(ada, pinOf(calUid));
  const folderUid = await ada.createSharedFolder('Nothing');
  const share = { grantees: to(benUid), rights: 'edit', expiresAt: null } as const;
  await expect(ada.shareRecords({ recordUids: [uid], ...share })).rejects.toThrow('by hand');
  await expect(ada.offerOwnership({ recordUids: [uid], accountUid: benUid })).rejects.toThrow('by hand');
  await expect(
    ada.addToFolder({ folderUid, subfolderUid: null, recordUids: [uid], rights: 'edit' }),
  ).rejects.toThrow('by hand');
});

test('nothing is confirmed when the server says that the owner wrote the list', async () => {
  const { ada, ben, adaUid, benUid } = people();
  const { machineUid, revision } = await ledElsewhere();
  const listUid = await save(ada, 'edited');
  await ada.shareRecords({ recordUids: [listUid], grantees: to(benUid), rights: 'edit', expiresAt: null });
  await ada.lock();
  await plant(ben, rotationOf(machineUid, revision), listUid);
  await house.db
    .updateTable('record')
    .set({ writer_uid: uidBytes(adaUid) })
    .where('record_uid', '=', uidBytes(listUid))
    .execute();
  await ada.unlock({ password: organisationPassword });
  await ada.syncNow();
  const fresh = await startEngine(house.url);
  await fresh.signIn({ email: 'person-0@example.test', password: organisationPassword });
  await fresh.syncNow();
  for (const engine of [ada, fresh]) {
    await engine.syncNow();
    expect(await engine.readRecord(machineUid)).toMatchObject({ revision, unconfirmed: true });
  }
  await fresh.close();
});
