import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { generateEcdhKeyPair } from '../../../protocol/crypto/ecdh.ts';
import { signerOf } from '../../../protocol/crypto/ecdsa.ts';
import { Leg, LegState } from '../../../protocol/messages/gen/session_pb.js';
import { firstText, type RecordContent } from '../../../protocol/records/content.ts';
import { newUid, type Uid } from '../../../protocol/uid.ts';
import type { SessionEvent } from '../../../workers/api.ts';
import { FakeGateway, type Misbehaviour } from '../../fakes/engine-gateway.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';

const password = 'correct horse battery staple';
const display = { width: 800, height: 600, dpi: 96, timezone: 'UTC' };

const userRecord = (title: string): RecordContent => ({
  type: 'pamUser',
  title,
  notes: 'a note that no gateway needs',
  fields: [
    { type: 'login', value: ['root'] },
    { type: 'password', value: ['target password'] },
  ],
});

const machineRecord = (configurationUid: Uid | undefined, launchCredentialUid: Uid): RecordContent => ({
  type: 'pamMachine',
  title: 'Build host',
  fields: [
    { type: 'pamHostname', value: [{ hostName: '10.0.0.5', port: '2222' }] },
    {
      type: 'pamSettings',
      value: [{ ...(configurationUid && { configurationUid }), connection: { launchCredentialUid } }],
    },
  ],
});

describe('gateways and sessions of the vault engine', () => {
  let server: TestServer;
  let count = 0;
  const closing: { close(): Promise<void> }[] = [];
  beforeAll(async () => void (server = await startTestServer()));
  afterAll(() => server.close());
  afterEach(async () => {
    for (const one of closing.splice(0).reverse()) await one.close();
  });

  async function start(): Promise<TestEngine> {
    const engine = await startEngine(server.url);
    closing.push(engine);
    return engine;
  }

  async function create(): Promise<{ engine: TestEngine; email: string }> {
    const engine = await start();
    const email = `person${++count}@example.test`;
    await engine.draftRecoveryPhrase();
    await engine.createAccount({ email, password });
    await engine.until(({ link }) => link === 'connected');
    return { engine, email };
  }

  async function enrol(engine: TestEngine, name: string, misbehaviour?: Misbehaviour) {
    const created = await engine.createGateway({ name });
    const gateway = await FakeGateway.enrol(server.url, created.token, misbehaviour);
    const version = engine.states.at(-1)?.gatewaysVersion ?? 0;
    const told = engine.until((state) => state.gatewaysVersion > version);
    await gateway.connect();
    closing.push(gateway);
    await told;
    return { gateway, gatewayUid: created.gatewayUid };
  }

  async function makeMachine(engine: TestEngine, gatewayUid: Uid) {
    const view = (await engine.listGateways()).find(({ uid }) => uid === gatewayUid);
    const userUid = await engine.saveRecord({ content: userRecord('root on build host') });
    const content = machineRecord(view?.configurationUid, userUid);
    const machineUid = await engine.saveRecord({ content });
    return { userUid, machineUid, configurationUid: view?.configurationUid as Uid };
  }

  const startSession = (engine: TestEngine, recordUid: Uid) =>
    engine.startSession({ recordUid, peerUid: newUid(), offer: 'the offer', display });

  test('a gateway waits, enrols, is pinned without a question, goes offline and is deleted', async () => {
    const { engine, email } = await create();
    const { gatewayUid, token } = await engine.createGateway({ name: 'Berlin' });
    expect(await engine.listGateways()).toMatchObject([
      { uid: gatewayUid, name: 'Berlin', status: 'waiting' },
    ]);
    const gateway = await FakeGateway.enrol(server.url, token);
    const before = engine.states.at(-1)?.gatewaysVersion ?? 0;
    await gateway.connect();
    await engine.until((state) => state.gatewaysVersion > before);
    expect(await engine.listGateways()).toMatchObject([{ status: 'online', version: '9.9.9' }]);

    const other = await start();
    await other.signIn({ email, password });
    expect(await other.listGateways()).toMatchObject([{ status: 'online' }]);
    const version = engine.states.at(-1)?.gatewaysVersion ?? 0;
    await gateway.close();
    await engine.until((state) => state.gatewaysVersion > version);
    await engine.deleteGateway(gatewayUid);
    expect(await engine.listGateways()).toEqual([]);
    await other.syncNow();
    expect(await other.listGateways()).toEqual([]);
    await expect(gateway.records()).rejects.toThrow();
  });

  test('its configuration is edited before and after it is pinned, and no form moves a pin', async () => {
    const { engine } = await create();
    const { token } = await engine.createGateway({ name: 'Oslo' });
    const configurationUid = (await engine.listGateways())[0]?.configurationUid as Uid;
    const resources = async () =>
      (await engine.readRecord(configurationUid)).content.fields.find(({ type }) => type === 'pamResources')
        ?.value[0] as Readonly<Record<string, unknown>>;
    const edit = async (value: Readonly<Record<string, unknown>>) => {
      const { content, revision } = await engine.readRecord(configurationUid);
      const fields = [{ type: 'pamResources', value: [value] }];
      await engine.saveRecord({
        uid: configurationUid,
        baseRevision: revision,
        content: { ...content, fields },
      });
    };
    const folderUid = newUid();
    const made = await resources();
    await edit({ ...made, folderUid });
    const gateway = await FakeGateway.enrol(server.url, token);
    const before = engine.states.at(-1)?.gatewaysVersion ?? 0;
    await gateway.connect();
    closing.push(gateway);
    await engine.until((state) => state.gatewaysVersion > before);
    expect(await engine.listGateways()).toMatchObject([{ status: 'online' }]);
    const pinned = await resources();
    expect(pinned).toMatchObject({ ...made, folderUid, gatewayKey: expect.any(String) });
    await edit({ ...pinned, gatewayKey: made['organisationKey'], controllerUid: newUid(), folderUid: '' });
    expect(await resources()).toEqual({ ...pinned, folderUid: '' });
    expect(await engine.listGateways()).toMatchObject([{ status: 'online', name: 'Oslo' }]);
    const content = { type: 'pamNetworkConfiguration', title: 'mine', fields: [] };
    await expect(engine.saveRecord({ content })).rejects.toMatchObject({ code: 'not-allowed' });
    await expect(
      engine.saveRecord({ uid: configurationUid, content: { ...content, type: 'login' } }),
    ).rejects.toMatchObject({ code: 'not-allowed' });
  });

  test('its application has what the machine needs, and only as long as the machine names it', async () => {
    const { engine } = await create();
    const { gateway, gatewayUid } = await enrol(engine, 'Paris');
    const { userUid, machineUid, configurationUid } = await makeMachine(engine, gatewayUid);
    const records = await gateway.records();
    expect(new Set(records.keys())).toEqual(new Set([userUid, machineUid, configurationUid]));
    const user = records.get(userUid);
    expect(user).toMatchObject({ title: '', type: 'pamUser' });
    expect(user?.notes).toBeUndefined();
    expect(firstText(user as RecordContent, 'password')).toBe('target password');
    expect(await engine.listRecords()).toMatchObject([
      { uid: machineUid, connectable: true, subtitle: '10.0.0.5:2222' },
      { uid: userUid, connectable: false },
    ]);

    const view = await engine.readRecord(userUid);
    const renewed = {
      ...view.content,
      fields: userRecord('x').fields.with(1, { type: 'password', value: ['new'] }),
    };
    await engine.saveRecord({ uid: userUid, content: renewed });
    expect(firstText((await gateway.records()).get(userUid) as RecordContent, 'password')).toBe('new');

    await engine.saveRecord({ uid: machineUid, content: machineRecord(undefined, userUid) });
    expect([...(await gateway.records()).keys()]).toEqual([configurationUid]);
    await engine.saveRecord({ uid: machineUid, content: machineRecord(configurationUid, userUid) });
    expect((await gateway.records()).size).toBe(3);
    await engine.trashRecords([machineUid]);
    expect([...(await gateway.records()).keys()]).toEqual([configurationUid]);
    await engine.restoreRecords([machineUid]);
    expect((await gateway.records()).size).toBe(3);
  });

  test('changes made side by side leave every machine with its credential', async () => {
    const { engine, email } = await create();
    const { gateway, gatewayUid } = await enrol(engine, 'Graz');
    const { userUid, machineUid, configurationUid } = await makeMachine(engine, gatewayUid);
    const machine = machineRecord(configurationUid, userUid);
    const other = await start();
    await other.signIn({ email, password });
    const [second] = await Promise.all([
      engine.saveRecord({ content: { ...machine, title: 'Second' } }),
      engine.saveRecord({ uid: machineUid, content: machineRecord(undefined, userUid) }),
      other.saveRecord({ content: { ...machine, title: 'Third' } }),
    ]);
    const records = await gateway.records();
    expect(records.has(second) && records.has(userUid) && records.has(configurationUid)).toBe(true);
    expect([records.has(machineUid), records.size]).toEqual([false, 4]);
  });

  test('a traffic seed is made once and stays through edits', async () => {
    const { engine } = await create();
    const uid = await engine.saveRecord({ content: machineRecord(undefined, newUid()) });
    const seedOf = async () => {
      const { content } = await engine.readRecord(uid);
      const index = content.fields.findIndex(({ type }) => type === 'trafficEncryptionSeed');
      return await engine.revealField({ recordUid: uid, field: { group: 'fields', index } });
    };
    const seed = await seedOf();
    expect(Buffer.from(seed, 'base64')).toHaveLength(32);
    const mine = { type: 'trafficEncryptionSeed', value: ['AAAA'] };
    const content = machineRecord(undefined, newUid());
    await engine.saveRecord({ uid, content: { ...content, fields: [...content.fields, mine] } });
    expect(await seedOf()).toBe(seed);
  });

  test('information and tasks come sealed and signed', async () => {
    const { engine } = await create();
    const { gatewayUid } = await enrol(engine, 'Rome');
    expect(await engine.readGatewayInfo(gatewayUid)).toMatchObject({
      version: '9.9',
      hostname: 'fake',
      sessions: 3,
    });
    expect(await engine.listTasks(gatewayUid)).toHaveLength(1);
    await expect(engine.readGatewayInfo(newUid())).rejects.toMatchObject({ name: 'gateway-unknown' });
  });

  test('a session starts with the offer sealed, signals go both ways, and a repeated one is ignored', async () => {
    const { engine } = await create();
    const { gateway, gatewayUid } = await enrol(engine, 'Oslo');
    const { machineUid } = await makeMachine(engine, gatewayUid);
    const events: SessionEvent[] = [];
    const ended = Promise.withResolvers<void>();
    await engine.watchSessions((event) => {
      events.push(event);
      if (event.kind === 'ended') ended.resolve();
    });
    gateway.early = [
      { case: 'progress', value: { leg: Leg.GATEWAY, state: LegState.STARTED, atMs: 1 } },
      { case: 'progress', value: { leg: Leg.GATEWAY, state: LegState.DONE, atMs: 2 } },
    ];
    const started = await startSession(engine, machineUid);
    expect(started).toMatchObject({ gatewayUid, answer: 'the answer' });
    expect(started.streamToken).toHaveLength(16);
    const { sessionUid } = started;
    expect(gateway.sessions[0]?.request.offer).toBe('the offer');
    await engine.sendCandidate({ sessionUid, candidate: 'candidate:1', mid: '0' });
    const sent = await gateway.signal(sessionUid, { case: 'candidate', value: { candidate: 'c', mid: '0' } });
    await gateway.sendSealed(sessionUid, sent);
    await gateway.signal(sessionUid, {
      case: 'ended',
      value: { leg: Leg.LOGIN, code: 'login-refused', message: 'no' },
    });
    await ended.promise;
    expect(events.map(({ kind }) => kind)).toEqual(['progress', 'progress', 'candidate', 'ended']);
    expect(events.at(-1)).toMatchObject({ sessionUid, leg: 'login', code: 'login-refused' });
    expect(engine.warnings.filter((warning) => warning.includes('replayed'))).toHaveLength(1);
    const [signal] = gateway.signals;
    const opened = await gateway.sessions[0]?.keys.openSignal(signal?.sealed ?? new Uint8Array(0));
    expect(opened?.body).toMatchObject({ case: 'candidate', value: { candidate: 'candidate:1', mid: '0' } });
    await expect(engine.sendCandidate({ sessionUid, candidate: '', mid: '' })).rejects.toMatchObject({
      name: 'not-found',
    });
  });

  test('a session states what its gateway must have at least: revisions and pin as the vault has them', async () => {
    const { engine } = await create();
    const { gateway, gatewayUid } = await enrol(engine, 'Tartu');
    const { machineUid, userUid, configurationUid } = await makeMachine(engine, gatewayUid);
    const hostKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ5dGVzIG9mIGFub3RoZXIga2V5IGZvciBhIHRlc3Q=';
    await engine.pinHostKey({ recordUid: machineUid, hostKey });
    await startSession(engine, machineUid);
    const request = gateway.sessions.at(-1)?.request;
    expect(request).toMatchObject({
      recordRevision: gateway.revisions.get(machineUid),
      credentialRevision: gateway.revisions.get(userUid),
      configurationRevision: gateway.revisions.get(configurationUid),
      pinnedHostKey: hostKey,
    });
    expect(request?.recordRevision).toBe(2n);

    await engine.pinHostKey({ recordUid: machineUid, hostKey });
    const other = hostKey.replace('IGJ5', 'IGJ6');
    await expect(engine.pinHostKey({ recordUid: machineUid, hostKey: other })).rejects.toMatchObject({
      name: 'conflict',
    });
  });

  test('a gateway that was given a former copy gets a new one, and the session begins', async () => {
    const { engine } = await create();
    const { gateway, gatewayUid } = await enrol(engine, 'Narva');
    const { machineUid } = await makeMachine(engine, gatewayUid);
    const outdated = { code: 'record-outdated', message: 'the server gives an older copy of a record' };
    gateway.refusalsOnce.push(outdated);
    expect(await startSession(engine, machineUid)).toMatchObject({ gatewayUid, answer: 'the answer' });
    gateway.refusalsOnce.push(outdated, outdated);
    await expect(startSession(engine, machineUid)).rejects.toMatchObject({ name: 'refused' });
    expect(gateway.refusalsOnce).toEqual([]);
  });

  test('each failure has its name', async () => {
    const { engine } = await create();
    const { gateway, gatewayUid } = await enrol(engine, 'Riga');
    const { machineUid, userUid, configurationUid } = await makeMachine(engine, gatewayUid);
    gateway.refusal = { code: 'host-key-unknown', message: 'accept it first' };
    await expect(startSession(engine, machineUid)).rejects.toMatchObject({
      name: 'refused',
      message: 'host-key-unknown: accept it first',
    });
    gateway.refusal = { code: 'untrusted', message: 'says the router' };
    await expect(startSession(engine, machineUid)).rejects.toMatchObject({ name: 'refused' });
    gateway.refusal = null;

    const { revision: baseRevision, content, withheld } = await engine.readRecord(machineUid);
    await engine.saveRecord({ uid: machineUid, baseRevision, content, withheld, connectionsAllowed: false });
    await expect(startSession(engine, machineUid)).rejects.toMatchObject({ name: 'not-allowed' });
    await engine.saveRecord({ uid: machineUid, content, withheld, connectionsAllowed: true });
    await gateway.close();
    await expect(startSession(engine, machineUid)).rejects.toMatchObject({ name: 'gateway-offline' });
    await engine.trashRecords([userUid]);
    await expect(startSession(engine, machineUid)).rejects.toMatchObject({ name: 'not-found' });
    await engine.saveRecord({ uid: machineUid, content: machineRecord(newUid(), configurationUid) });
    await expect(startSession(engine, machineUid)).rejects.toMatchObject({ name: 'gateway-unknown' });
  });

  test.each([0, 1, 3])('a gateway that speaks version %i of frames is told apart at once', async (frames) => {
    const { engine } = await create();
    const { gatewayUid } = await enrol(engine, 'Oulu', { frames });
    const { machineUid } = await makeMachine(engine, gatewayUid);
    await expect(startSession(engine, machineUid)).rejects.toMatchObject({
      name: 'refused',
      message: 'unsupported: the gateway speaks another version of frames',
    });
  });

  test('an answer that another key signed is no answer', async () => {
    const { engine } = await create();
    const answerSigner = signerOf(generateEcdhKeyPair().privateKey);
    const { gatewayUid } = await enrol(engine, 'Bonn', { answerSigner });
    const { machineUid } = await makeMachine(engine, gatewayUid);
    await expect(startSession(engine, machineUid)).rejects.toMatchObject({ name: 'bad-signature' });
    await expect(engine.readGatewayInfo(gatewayUid)).rejects.toMatchObject({ name: 'bad-signature' });
  });

  test('a gateway that cannot prove that it holds the application key is not trusted', async () => {
    const { engine } = await create();
    const { gatewayUid } = await enrol(engine, 'Fake', { wrongProof: true });
    expect(await engine.listGateways()).toMatchObject([{ status: 'untrusted' }]);
    const { machineUid } = await makeMachine(engine, gatewayUid);
    await expect(startSession(engine, machineUid)).rejects.toMatchObject({ name: 'untrusted' });
  });

  test('a change on one device appears on the other without asking', async () => {
    const { engine, email } = await create();
    const other = await start();
    await other.signIn({ email, password });
    await other.until(({ link }) => link === 'connected');
    const version = other.states.at(-1)?.recordsVersion ?? 0;
    await engine.saveRecord({ content: userRecord('pushed') });
    await other.until((state) => state.recordsVersion > version);
    expect(await other.listRecords()).toMatchObject([{ title: 'pushed' }]);
  });
});
