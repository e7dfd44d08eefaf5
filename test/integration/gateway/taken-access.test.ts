// Access that is taken back while a session runs: two vaults, the real server, gateway, guacd and sshd.
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
import { FakePage } from '../../fakes/page.ts';
import { FakeTerminal } from '../../fakes/terminal.ts';
import type { TestEngine } from '../../fixtures/engine.ts';
import { startTestGuacdPool } from '../../fixtures/guacd.ts';
import { startOrganisation } from '../../fixtures/organisation.ts';
import { startTestServer, type TestServer } from '../../fixtures/server.ts';
import { startSshTarget, type SshTarget } from '../../fixtures/ssh-target.ts';

const asRoot = process.getuid?.() === 0;
const display = { width: 1024, height: 768, dpi: 96, timezone: 'UTC' };
const accessLeaseMs = 5_000;

describe.runIf(asRoot)('a session on somebody else’s machine', () => {
  let folder: string;
  let server: TestServer;
  let guacd: GuacdPool;
  let sshd: SshTarget;
  let gateway: RunningGateway;
  let [ada, ben, cora]: TestEngine[] = [];
  let adaEmail = '';
  const pages: FakePage[] = [];
  let onRenewal = () => {};
  const heard = (line: string) => {
    if (line.includes('RENEW_ACCESS')) onRenewal();
  };
  const renewals = (count: number) =>
    new Promise<void>((resolve) => {
      onRenewal = () => void (--count === 0 && resolve());
    });
  const need = (engine: TestEngine | undefined) => {
    if (!engine) throw new Error('not started');
    return engine;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sallyport-taken-'));
    [server, guacd, sshd] = await Promise.all([startTestServer(), startTestGuacdPool(), startSshTarget()]);
    const people = await startOrganisation(server.url, 3);
    [ada, ben, cora] = people.map(({ engine }) => engine);
    adaEmail = people[0]?.email ?? '';
    const { token } = await need(ada).createGateway({ name: 'Office' });
    const config = await enrol({
      ...{ server: server.url, token, file: join(folder, 'gateway.json') },
      ...{ certificateAuthority: null, signal: AbortSignal.timeout(60_000) },
    });
    gateway = startGateway({
      ...{ config, accessLeaseMs, log: new Logger('info', heard) },
      state: await RisingState.open(null, { roster: config.rosterVersion }),
      settings: readSettings({
        ...{ SALLYPORT_GATEWAY_BIND: '127.0.0.1', GUACD_POOL: guacd.path },
      }),
    });
    await gateway.online;
  });

  afterAll(async () => {
    for (const page of pages) page.close();
    await gateway?.close();
    await Promise.all([ada, ben, cora].map((engine) => engine?.close()));
    await Promise.all([server?.close(), guacd?.stop(), sshd?.stop()]);
    await rm(folder, { recursive: true, force: true });
  });

  const uidOf = async (engine: TestEngine) => (await engine.readOrganisation()).ownUid;
  const toBen = async () => ({
    grantees: [{ kind: 'account', uid: await uidOf(need(ben)) } as const],
    expiresAt: null,
  });

  async function newMachine(): Promise<Uid> {
    const [view] = await need(ada).listGateways(); // pins it, too
    const launchCredentialUid = await need(ada).saveRecord({
      content: {
        ...{ type: 'pamUser', title: 'User' },
        fields: [
          { type: 'login', value: [sshd.username] },
          { type: 'password', value: [sshd.password] },
        ],
      },
    });
    const connection = { launchCredentialUid, hostKey: sshd.hostKeys[0], disablePaste: true };
    return await need(ada).saveRecord({
      content: {
        ...{ type: 'pamMachine', title: 'Machine' },
        fields: [
          { type: 'pamHostname', value: [{ hostName: sshd.host, port: String(sshd.port) }] },
          { type: 'pamSettings', value: [{ configurationUid: view?.configurationUid, connection }] },
          { type: 'trafficEncryptionSeed', value: [] },
        ],
      },
    });
  }

  async function connect(engine: TestEngine, recordUid: Uid) {
    await engine.syncNow();
    const page = new FakePage();
    pages.push(page);
    const offer = await page.offer();
    const started = await engine.startSession({ recordUid, peerUid: page.peerUid, offer, display });
    page.accept(started.answer ?? '');
    await page.opened;
    const terminal = new FakeTerminal(page.openStream(started.streamToken));
    await terminal.until(() => terminal.count('sync') > 0);
    return { started, terminal };
  }

  const endOf = async (terminal: FakeTerminal) => (await terminal.control('ended')).body.value;
  const takenBack = () => ({ code: 'access-taken-back', message: adaEmail });

  test('ends when its owner takes the record back; whoever keeps it goes on past a lease', async () => {
    const machineUid = await newMachine();
    const rights = { rights: 'launch', expiresAt: null } as const;
    const grantees = [
      ...(await toBen()).grantees,
      { kind: 'account', uid: await uidOf(need(cora)) } as const,
    ];
    await need(ada).shareRecords({ recordUids: [machineUid], grantees, ...rights });
    const [out, stays] = [await connect(need(ben), machineUid), await connect(need(cora), machineUid)];
    // What holds for the clipboard is the record's to say, and the gateway's to tell who may not read it.
    expect(out.started.clipboard).toEqual({ disableCopy: false, disablePaste: true });
    const told = endOf(out.terminal);
    const { grantees: bens } = await toBen();
    const { sessions } = await need(ada).unshare({ objectUid: machineUid, grantees: bens });
    expect(await told).toMatchObject(takenBack()); // by the owner's word: the end of a lease says another
    expect(sessions).toEqual({ ended: 1, unreached: 0 });
    // The key was replaced: the one who stays shows the new grant before the lease is over.
    await renewals(3); // each after two fifths of a lease
    expect(gateway.sessions.find(stays.started.sessionUid)).not.toBeNull();
    await need(cora).endSession(stays.started.sessionUid);
  });

  test('ends when its person leaves the folder, when the record does, and with the folder itself', async () => {
    const machineUid = await newMachine();
    const folderUid = await need(ada).createSharedFolder('Operations');
    const rights = { records: 'launch', manageMembers: false, manageRecords: false } as const;
    const share = async () => need(ada).shareFolder({ folderUid, rights, ...(await toBen()) });
    const put = () =>
      need(ada).addToFolder({ folderUid, subfolderUid: null, recordUids: [machineUid], rights: 'view' });
    await put();
    await share();
    const first = await connect(need(ben), machineUid);
    const { grantees } = await toBen();
    expect((await need(ada).unshare({ objectUid: folderUid, grantees })).sessions.ended).toBe(1);
    expect(await endOf(first.terminal)).toMatchObject(takenBack());

    await share();
    const second = await connect(need(ben), machineUid);
    await need(ada).removeFromFolder({ folderUid, recordUids: [machineUid] });
    expect(await endOf(second.terminal)).toMatchObject(takenBack());

    await put();
    const third = await connect(need(ben), machineUid);
    await need(ada).deleteSharedFolder(folderUid);
    expect(await endOf(third.terminal)).toMatchObject(takenBack());
  });

  test('ends with the account or device that opened it', async () => {
    const machineUid = await newMachine();
    await need(ada).shareRecords({ recordUids: [machineUid], rights: 'launch', ...(await toBen()) });
    const { terminal } = await connect(need(ben), machineUid);
    await need(ben).signOut({ everywhere: true });
    expect(await endOf(terminal)).toMatchObject({ code: 'signed-out' });
  });
});
