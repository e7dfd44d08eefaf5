import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { enrol } from '../../../gateway/enrolment/enrol.ts';
import { startGateway, type RunningGateway } from '../../../gateway/gateway.ts';
import { Logger } from '../../../gateway/log/logger.ts';
import { RisingState } from '../../../gateway/rising-state.ts';
import { readSettings } from '../../../gateway/settings.ts';
import { newUid, type Uid } from '../../../protocol/uid.ts';
import type { GuacdPool } from '../../../scripts/process/guacd-pool.ts';
import type { SessionEvent } from '../../../workers/api.ts';
import { FakePage } from '../../fakes/page.ts';
import { FakeTerminal, fileHolds } from '../../fakes/terminal.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { startTestGuacdPool } from '../../fixtures/guacd.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';
import { startSshTarget, type SshTarget } from '../../fixtures/ssh-target.ts';

const asRoot = process.getuid?.() === 0;
const display = { width: 1024, height: 768, dpi: 96, timezone: 'UTC' };

describe.runIf(asRoot)('vault, real server, gateway, guacd and sshd', () => {
  let folder: string;
  let server: TestServer;
  let engine: TestEngine;
  let guacd: GuacdPool;
  let sshd: SshTarget;
  let gateway: RunningGateway;
  let gatewayUid: Uid;
  let machineUid: Uid;
  const events: SessionEvent[] = [];
  const log: string[] = [];
  const pages: FakePage[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sallyport-e2e-'));
    [server, guacd, sshd] = await Promise.all([startTestServer(), startTestGuacdPool(), startSshTarget()]);
    engine = await startEngine(server.url);
    await engine.watchSessions((event) => void events.push(event));
    await engine.draftRecoveryPhrase();
    await engine.createAccount({ email: 'ada@example.test', password: 'correct horse battery staple' });
    const created = await engine.createGateway({ name: 'Office' });
    gatewayUid = created.gatewayUid;
    const config = await enrol({
      server: server.url,
      token: created.token,
      file: join(folder, 'gateway.json'),
      certificateAuthority: null,
      signal: AbortSignal.timeout(60_000),
    });
    gateway = startGateway({
      config,
      state: await RisingState.open(null, { roster: config.rosterVersion }),
      settings: readSettings({
        SALLYPORT_GATEWAY_BIND: '127.0.0.1',
        GUACD_POOL: guacd.path,
      }),
      log: new Logger('debug', (line) => void log.push(line)),
    });
    await gateway.online;
    machineUid = await writeMachine();
  });

  afterAll(async () => {
    for (const page of pages) page.close();
    await gateway?.close();
    await engine?.close();
    await Promise.all([server?.close(), guacd?.stop(), sshd?.stop()]);
    await rm(folder, { recursive: true, force: true });
  });

  async function writeMachine(): Promise<Uid> {
    const [view] = await engine.listGateways();
    const launchCredentialUid = await engine.saveRecord({
      content: {
        type: 'pamUser',
        title: 'User',
        fields: [
          { type: 'login', value: [sshd.username] },
          { type: 'password', value: [sshd.password] },
        ],
      },
    });
    const connection = { launchCredentialUid, hostKey: sshd.hostKeys[0] };
    return await engine.saveRecord({
      content: {
        type: 'pamMachine',
        title: 'Machine',
        fields: [
          { type: 'pamHostname', value: [{ hostName: sshd.host, port: String(sshd.port) }] },
          { type: 'pamSettings', value: [{ configurationUid: view?.configurationUid, connection }] },
          { type: 'trafficEncryptionSeed', value: [] },
        ],
      },
    });
  }

  async function connect(): Promise<{ page: FakePage; sessionUid: Uid; terminal: FakeTerminal }> {
    const page = new FakePage();
    pages.push(page);
    const started = await engine.startSession({
      recordUid: machineUid,
      peerUid: page.peerUid,
      offer: await page.offer(),
      display,
    });
    page.accept(started.answer ?? '');
    await page.opened;
    return {
      page,
      sessionUid: started.sessionUid,
      terminal: new FakeTerminal(page.openStream(started.streamToken)),
    };
  }

  test('the gateway is online and trusted, and describes itself', async () => {
    await expect
      .poll(async () => (await engine.listGateways()).map(({ status }) => status))
      .toEqual(['online']);
    const info = await engine.readGatewayInfo(gatewayUid);
    expect(info).toMatchObject({ guacdReachable: true, sessions: 0, rosterVersion: 1 });
  });

  test('a command typed in the page has its effect on the target', async () => {
    const { terminal } = await connect();
    await terminal.until(() => terminal.count('sync') > 0 && terminal.pictures > 0);
    terminal.type('echo whole way > real-server\n');
    await fileHolds(sshd, 'real-server', 'whole way\n');
    expect((await engine.listTasks(gatewayUid)).map(({ recordUid }) => recordUid)).toContain(machineUid);
  });

  test('what runs is listed with whose it is, and ended from there', async () => {
    const { sessionUid, terminal } = await connect();
    await terminal.until(() => terminal.count('sync') > 0);
    const tasks = await engine.listTasks(gatewayUid);
    expect(tasks.find(({ uid }) => uid === sessionUid)?.email).toBe('ada@example.test');
    await engine.endTask({ gatewayUid, taskUid: sessionUid, reason: '' });
    expect((await terminal.control('ended')).body.value).toMatchObject({ code: 'ended-by-command' });
  });

  test('the vault ends a session whose page said nothing', async () => {
    const { sessionUid, terminal } = await connect();
    await terminal.until(() => terminal.count('sync') > 0);
    await engine.endSession(sessionUid);
    expect((await terminal.control('ended')).body.value).toMatchObject({ code: 'ended-by-command' });
  });

  test('an unreachable target is named by a sealed signal', async () => {
    const record = await engine.readRecord(machineUid);
    const fields = record.content.fields.map((field) =>
      field.type === 'pamHostname' ? { ...field, value: [{ hostName: '127.0.0.1', port: '1' }] } : field,
    );
    const { revision: baseRevision, withheld, content } = record;
    const uid = await engine.saveRecord({
      uid: machineUid,
      baseRevision,
      withheld,
      content: { ...content, fields },
    });
    const page = new FakePage();
    pages.push(page);
    const offer = await page.offer();
    const { sessionUid } = await engine.startSession({
      ...{ recordUid: uid, peerUid: newUid(), offer, display },
    });
    await expect
      .poll(() => events.find((event) => event.kind === 'ended' && event.sessionUid === sessionUid))
      .toMatchObject({ leg: 'target', code: 'target-refused' });
  });

  test('nothing secret is in the gateway’s log', () => {
    expect(log.join('')).toContain('session open');
    expect(log.join('')).not.toContain(sshd.password);
  });
});
