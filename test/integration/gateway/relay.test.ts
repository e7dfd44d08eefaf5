import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { enrol } from '../../../gateway/enrolment/enrol.ts';
import { startGateway, type RunningGateway } from '../../../gateway/gateway.ts';
import { Logger } from '../../../gateway/log/logger.ts';
import { RisingState } from '../../../gateway/rising-state.ts';
import { readSettings } from '../../../gateway/settings.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { GuacdPool } from '../../../scripts/process/guacd-pool.ts';
import type { SessionEvent } from '../../../workers/api.ts';
import { FakePage } from '../../fakes/page.ts';
import { deadCandidate, RelayedPath } from '../../fakes/relayed-path.ts';
import { FakeTerminal, fileHolds } from '../../fakes/terminal.ts';
import { startCoturn, type Coturn } from '../../fixtures/coturn.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { startTestGuacdPool } from '../../fixtures/guacd.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';
import { startSshTarget, type SshTarget } from '../../fixtures/ssh-target.ts';

const asRoot = process.getuid?.() === 0;
const display = { width: 1024, height: 768, dpi: 96, timezone: 'UTC' };

describe.runIf(asRoot)('a server with a relay, real coturn, gateway, guacd and sshd', () => {
  let folder: string;
  let coturn: Coturn;
  let server: TestServer;
  let engine: TestEngine;
  let guacd: GuacdPool;
  let sshd: SshTarget;
  let gateway: RunningGateway;
  let machineUid: Uid;
  const log: string[] = [];
  const pages: FakePage[] = [];
  let path: RelayedPath | null = null;
  /** By session: candidates that the gateway found after its answer. */
  let heard: (event: SessionEvent) => void = () => undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sallyport-relay-'));
    [coturn, guacd, sshd] = await Promise.all([startCoturn(), startTestGuacdPool(), startSshTarget()]);
    const { urls, secret } = coturn;
    server = await startTestServer({ relay: { urls, secret, lifetimeSeconds: 600 } });
    engine = await startEngine(server.url);
    await engine.watchSessions((event) => heard(event));
    await engine.draftRecoveryPhrase();
    await engine.createAccount({ email: 'ada@example.test', password: 'correct horse battery staple' });
    gateway = await enrolGateway((await engine.createGateway({ name: 'Office' })).token);
    machineUid = await writeMachine();
  });

  afterAll(async () => {
    for (const page of pages) page.close();
    path?.close();
    await gateway?.close();
    await engine?.close();
    await Promise.all([server?.close(), guacd?.stop(), sshd?.stop(), coturn?.stop()]);
    await rm(folder, { recursive: true, force: true });
  });

  async function enrolGateway(token: string): Promise<RunningGateway> {
    const file = join(folder, 'gateway.json');
    const signal = AbortSignal.timeout(60_000);
    const config = await enrol({ server: server.url, token, file, certificateAuthority: null, signal });
    const settings = { SALLYPORT_GATEWAY_BIND: '127.0.0.1', GUACD_POOL: guacd.path };
    const started = startGateway({
      ...{ config, settings: readSettings(settings) },
      state: await RisingState.open(null, { roster: config.rosterVersion }),
      log: new Logger('debug', (line) => void log.push(line)),
    });
    await started.online;
    return started;
  }

  async function writeMachine(): Promise<Uid> {
    const [view] = await engine.listGateways();
    const login = { type: 'login', value: [sshd.username] };
    const password = { type: 'password', value: [sshd.password] };
    const user = { type: 'pamUser', title: 'User', fields: [login, password] };
    const launchCredentialUid = await engine.saveRecord({ content: user });
    const connection = { launchCredentialUid, hostKey: sshd.hostKeys[0] };
    const fields = [
      { type: 'pamHostname', value: [{ hostName: sshd.host, port: String(sshd.port) }] },
      { type: 'pamSettings', value: [{ configurationUid: view?.configurationUid, connection }] },
      { type: 'trafficEncryptionSeed', value: [] },
    ];
    return await engine.saveRecord({ content: { type: 'pamMachine', title: 'Machine', fields } });
  }

  test('the vault is given credentials of its own each time, which tell nobody who it is', async () => {
    const [first, second] = [await engine.iceServers(), await engine.iceServers()];
    expect(first).toMatchObject([{ urls: coturn.urls }]);
    expect(first[0]?.username).toMatch(/^\d{10}:[\w-]{22}$/);
    expect(second[0]?.username).not.toBe(first[0]?.username);
  });

  test('a page that reaches the gateway’s relay alone gets its terminal', async () => {
    path = await RelayedPath.open();
    const page = new FakePage({ reach: path.reach });
    pages.push(page);
    const late: string[] = [];
    let take: (candidate: string) => void = (candidate) => late.push(candidate);
    heard = (event) => {
      if (event.kind === 'candidate') take(event.candidate);
    };
    const offer = await page.offer();
    const started = await engine.startSession({
      ...{ recordUid: machineUid, peerUid: page.peerUid, offer, display },
    });
    await engine.sendCandidate({ sessionUid: started.sessionUid, candidate: deadCandidate, mid: '0' });
    page.accept(started.answer ?? '');
    take = (candidate) => page.addCandidate(candidate);
    late.forEach(take);
    await page.opened;
    expect(page.connection.getSelectedCandidatePair()?.remote.type).toBe('relay');
    const terminal = new FakeTerminal(page.openStream(started.streamToken));
    await terminal.until(() => terminal.count('sync') > 0 && terminal.pictures > 0);
    terminal.type('echo by relay > relayed\n');
    await fileHolds(sshd, 'relayed', 'by relay\n');
  });

  test('nothing that the gateway was told of the relay is in its log', async () => {
    const names = coturn.log.flatMap((line) => /username=<\d+:([\w-]+)>/.exec(line)?.[1] ?? []);
    expect(names).not.toEqual([]);
    for (const told of [...names, coturn.secret, 'turn:']) expect(log.join('\n')).not.toContain(told);
  });
});
