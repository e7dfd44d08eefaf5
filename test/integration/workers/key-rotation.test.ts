// An account gets new keys on a real server, with the real engines of everybody who has something of it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readHostname } from '../../../protocol/records/pam-settings.ts';
import type { RecordContent } from '../../../protocol/records/content.ts';
import type { Uid } from '../../../protocol/uid.ts';
import { FakeGateway } from '../../fakes/engine-gateway.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { organisationPassword, startOrganisation } from '../../fixtures/organisation.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

const login = (title: string, password = 'the secret'): RecordContent => ({
  type: 'login',
  title,
  fields: [{ type: 'password', value: [password] }],
});
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: Error) => error.name,
  );

/** Resolves when `fits` does, asked at each change of the vault. */
async function until(engine: TestEngine, fits: () => Promise<boolean>): Promise<void> {
  for (;;) {
    const version = engine.states.at(-1)?.recordsVersion ?? 0;
    if (await fits()) return;
    await engine.until(({ recordsVersion }) => recordsVersion > version);
  }
}

async function rotate(engine: TestEngine, password = organisationPassword) {
  await engine.draftRecoveryPhrase();
  const { previewUid } = await engine.previewKeyRotation();
  const steps: string[] = [];
  const step = await engine.rotateKeys(
    { previewUid, password },
    (progress) => void steps.push(progress.step),
  );
  expect(step).toEqual({ kind: 'done' });
  return steps;
}

describe('a person alone', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
  });
  afterAll(() => server.close());

  test('everything opens under the new keys, here and on another device that signs in again', async () => {
    const here = await startEngine(server.url);
    await here.draftRecoveryPhrase();
    const [email, password] = ['alone@example.test', organisationPassword];
    await here.createAccount({ email, password });
    const there = await startEngine(server.url);
    await there.signIn({ email, password });
    const uid = await here.saveRecord({ content: login('Mine') });
    const trashed = await here.saveRecord({ content: login('Trashed') });
    await here.trashRecords([trashed]);
    await here.setFavourite({ uids: [uid], favourite: true });
    await there.syncNow();
    const phrase = await here.draftRecoveryPhrase();
    const { previewUid, own } = await here.previewKeyRotation();
    expect(own.records).toBe(2);
    await here.rotateKeys({ previewUid, password });
    expect((await here.readRecord(uid)).content.title).toBe('Mine');
    expect(here.states.at(-1)).toMatchObject({ phase: 'unlocked', vaultIncomplete: false });
    await here.saveRecord({ content: login('After') });

    await there.until(({ phase }) => phase === 'locked');
    expect(there.states.at(-1)?.notice).toBe('session-ended');
    await there.unlock({ password });
    await there.until(({ link }) => link === 'connected');
    await there.syncNow();
    expect((await there.readRecord(uid)).content.title).toBe('Mine');
    expect(there.states.at(-1)).toMatchObject({ vaultIncomplete: false, refusedRecords: 0 });
    const third = await startEngine(server.url);
    expect(await third.recover({ email, phrase, newPassword: password })).toEqual({ kind: 'done' });
    expect((await third.readRecord(uid)).content.title).toBe('Mine');
    await here.lock();
    await Promise.all([here, there, third].map((engine) => engine.close()));
  });
});

describe('in an organisation', () => {
  let server: TestServer;
  let [ada, ben, cora]: TestEngine[] = [];
  let uids: Record<'ada' | 'ben' | 'cora', Uid>;
  let gateway: FakeGateway;
  const made: Record<string, Uid> = {};

  beforeAll(async () => {
    server = await startTestServer();
    [ada, ben, cora] = (await startOrganisation(server.url, 3)).map(({ engine }) => engine);
    const { ada: a, ben: b, cora: c } = people();
    const own = async (engine: TestEngine) => (await engine.readOrganisation()).ownUid;
    uids = { ada: await own(a), ben: await own(b), cora: await own(c) };
    await settleHouse();
  });
  afterAll(async () => {
    await Promise.all([ada, ben, cora].map((engine) => engine?.close()));
    await gateway.close();
    await server.close();
  });

  const people = () => {
    if (!ada || !ben || !cora) throw new Error('three people');
    return { ada, ben, cora };
  };
  const to = (name: keyof typeof uids) => [{ kind: 'account', uid: uids[name] } as const];
  const opens = (engine: TestEngine, uid: Uid | undefined) => async () =>
    (await codeOf(engine.readRecord(uid as Uid))) === 'done';

  /** Ben gives Cora a record, a folder and something by a team; Ada gives Ben a record, which he edits; Ben has a machine. */
  async function settleHouse() {
    const { ada, ben, cora } = people();
    const terms = { rights: 'edit', expiresAt: null } as const;
    made['given'] = await ben.saveRecord({ content: login('Given to Cora') });
    await ben.shareRecords({ recordUids: [made['given']], grantees: to('cora'), ...terms });
    made['team'] = await ada.createTeam({ name: 'Operations', memberUids: [uids.ben, uids.cora] });
    await ben.syncNow();
    made['teams'] = await ben.saveRecord({ content: login('Of the team') });
    await until(ben, async () => (await ben.readOrganisation()).teams.length === 1);
    const team = [{ kind: 'team', uid: made['team'] } as const];
    await ben.shareRecords({ recordUids: [made['teams']], grantees: team, ...terms });
    made['folder'] = await ben.createSharedFolder('Shared by Ben');
    made['inside'] = await ben.saveRecord({ content: login('In the folder') });
    await ben.addToFolder({
      ...{ folderUid: made['folder'], subfolderUid: null, recordUids: [made['inside']], rights: 'edit' },
    });
    const rights = { records: 'edit', manageMembers: false, manageRecords: true } as const;
    await ben.shareFolder({ folderUid: made['folder'], grantees: to('cora'), rights, expiresAt: null });
    made['received'] = await ada.saveRecord({ content: login('Given by Ada') });
    await ada.shareRecords({ recordUids: [made['received']], grantees: to('ben'), ...terms });
    await until(ben, opens(ben, made['received']));
    const view = await ben.readRecord(made['received']);
    await ben.saveRecord({
      ...{ uid: made['received'], baseRevision: view.revision, withheld: view.withheld },
      content: { ...view.content, title: 'Edited by Ben' },
    });
    const { token } = await ben.createGateway({ name: 'Bonn' });
    gateway = await FakeGateway.enrol(server.url, token);
    const configurationUid = (await ben.listGateways())[0]?.configurationUid as Uid;
    made['credential'] = await ben.saveRecord({
      content: { type: 'pamUser', title: 'root', fields: [{ type: 'password', value: ['of root'] }] },
    });
    const connection = { launchCredentialUid: made['credential'], hostKey: 'ssh-ed25519 AAAA' };
    made['machine'] = await ben.saveRecord({
      content: {
        type: 'pamMachine',
        title: 'Build host',
        fields: [
          { type: 'pamHostname', value: [{ hostName: '10.0.0.5', port: '22' }] },
          { type: 'pamSettings', value: [{ configurationUid, connection }] },
        ],
      },
    });
    await until(cora, opens(cora, made['inside']));
    await until(cora, opens(cora, made['teams']));
  }

  test('the preview says exactly who everything is sealed to', async () => {
    const { ben } = people();
    const { recipients, blocked, written } = await ben.previewKeyRotation();
    expect(blocked).toBe(false);
    expect(written).toBe(1);
    expect(recipients).toMatchObject([
      { kind: 'person', uid: uids.cora, keys: 'pinned', records: 1, folders: 1, rights: ['edit'] },
      { kind: 'team', uid: made['team'], name: 'Operations', records: 1, folders: 0 },
      { kind: 'application', name: 'Bonn', records: 3 },
    ]);
    const team = recipients.find(({ kind }) => kind === 'team');
    expect(team?.kind === 'team' && team.members).toMatchObject([{ keys: 'pinned' }]);
  });

  test('afterwards everything opens for everybody, and an administrator certifies the new keys', async () => {
    const { ada, ben, cora } = people();
    const wordsBefore = (await cora.fingerprintOf(uids.ben)).words;
    const before = (await ada.readOrganisation()).members.length;
    await rotate(ben);
    for (const name of ['given', 'teams', 'inside', 'received', 'machine'])
      expect(await codeOf(ben.readRecord(made[name] as Uid)), name).toBe('done');
    expect(ben.states.at(-1)).toMatchObject({ vaultIncomplete: false, refusedRecords: 0 });
    await Promise.all([ada.syncNow(), cora.syncNow()]);
    expect((await ada.readRecord(made['received'] as Uid)).content.title).toBe('Edited by Ben');
    for (const name of ['given', 'inside', 'teams'])
      expect(await codeOf(cora.readRecord(made[name] as Uid)), name).toBe('done');
    const after = await cora.fingerprintOf(uids.ben);
    expect(after.words).not.toEqual(wordsBefore);
    expect(after.pin).not.toBe('changed');
    expect((await ada.readOrganisation()).members).toHaveLength(before);
    expect(cora.warnings.filter((warning) => warning.includes('was dropped'))).toEqual([]);

    // A device of Cora's that never saw the former keys sees the same.
    const fresh = await startEngine(server.url);
    await fresh.signIn({ email: 'person-2@example.test', password: organisationPassword });
    await fresh.syncNow();
    for (const name of ['given', 'inside', 'teams'])
      expect(await codeOf(fresh.readRecord(made[name] as Uid)), name).toBe('done');
    await fresh.close();
  });

  test('sharing goes on both ways', async () => {
    const { ben, cora } = people();
    const view = await cora.readRecord(made['given'] as Uid);
    await cora.saveRecord({
      ...{ uid: made['given'] as Uid, baseRevision: view.revision, withheld: view.withheld },
      content: { ...view.content, title: 'By Cora' },
    });
    await until(ben, async () => (await ben.readRecord(made['given'] as Uid)).content.title === 'By Cora');
    const uid = await cora.saveRecord({ content: login('New from Cora') });
    await cora.shareRecords({ recordUids: [uid], grantees: to('ben'), rights: 'view', expiresAt: null });
    await until(ben, opens(ben, uid));
  });

  test('the gateway has the machine, and its owner stands by it under the new key', async () => {
    const { ben } = people();
    const machine = (await gateway.records()).get(made['machine'] as Uid);
    expect(machine && readHostname(machine).host).toBe('10.0.0.5');
    await until(ben, async () => !(await ben.readRecord(made['machine'] as Uid)).unconfirmed);
    expect((await gateway.records()).size).toBe(3);
  });

  test('twice, by an administrator, too', async () => {
    const { ada, ben } = people();
    await rotate(ada);
    await ben.syncNow();
    expect(await codeOf(ben.readRecord(made['received'] as Uid))).toBe('done');
    await rotate(ben);
    await ada.syncNow();
    expect(await codeOf(ada.readRecord(made['received'] as Uid))).toBe('done');
    expect(await codeOf(ben.readRecord(made['received'] as Uid))).toBe('done');
  });
});
