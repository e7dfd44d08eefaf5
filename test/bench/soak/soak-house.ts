// Server, gateway, guacds and an SSH target, each a process of its own, and a vault with the machine in it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Uid } from '../../../protocol/uid.ts';
import { enrolGateway, startGatewayProcess } from '../../../scripts/process/gateway.ts';
import type { GuacdPool } from '../../../scripts/process/guacd-pool.ts';
import { openLogFile } from '../../../scripts/process/log-file.ts';
import type { OwnedChild } from '../../../scripts/process/owned-child.ts';
import { startServerProcess, type ServerProcess } from '../../../scripts/process/server.ts';
import { startEngine, type TestEngine } from '../../fixtures/engine.ts';
import { startTestGuacdPool } from '../../fixtures/guacd.ts';
import { startSshTarget, type SshTarget } from '../../fixtures/ssh-target.ts';

export interface SoakHouse {
  readonly server: ServerProcess;
  readonly gateway: OwnedChild;
  readonly pool: GuacdPool;
  readonly target: SshTarget;
  readonly engine: TestEngine;
  readonly machineUid: Uid;
  stop(): Promise<void>;
}

/** Needs root, as its sshd does. `sessions`: at once. */
export async function startSoakHouse(sessions: number): Promise<SoakHouse> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-soak-'));
  const [target, pool] = await Promise.all([
    startSshTarget({ settings: [`MaxStartups ${sessions * 2}`] }),
    startTestGuacdPool(),
  ]);
  const server = await startServerProcess({
    settings: { SALLYPORT_DATA: join(folder, 'data'), SALLYPORT_HOST: '127.0.0.1', SALLYPORT_PORT: '0' },
    log: openLogFile(join(folder, 'server.log')),
  });
  const engine = await startEngine(server.url);
  const gateway = await startGateway(folder, { server, engine, pool });
  const machineUid = await writeMachine(engine, target);
  const stop = async () => {
    await engine.close();
    await gateway.stop();
    await Promise.all([server.stop(), pool.stop(), target.stop()]);
    rmSync(folder, { recursive: true, force: true });
  };
  return { server, gateway, pool, target, engine, machineUid, stop };
}

async function startGateway(
  folder: string,
  { server, engine, pool }: Pick<SoakHouse, 'server' | 'engine' | 'pool'>,
): Promise<OwnedChild> {
  await engine.draftRecoveryPhrase();
  await engine.createAccount({
    email: 'ada@example.test',
    password: 'correct horse battery staple',
    ...(server.setupToken !== null && { setupToken: server.setupToken }),
  });
  const { token } = await engine.createGateway({ name: 'Office' });
  const config = join(folder, 'gateway.json');
  const log = openLogFile(join(folder, 'gateway.log'));
  await enrolGateway({ config, log, server: server.url, token });
  const settings = { SALLYPORT_GATEWAY_BIND: '127.0.0.1' };
  const child = await startGatewayProcess({ config, log, guacd: { pool: pool.path }, settings });
  const online = async () => (await engine.listGateways()).some(({ status }) => status === 'online');
  while (!(await online())) await wait(200);
  return child;
}

async function writeMachine(vault: TestEngine, sshd: SshTarget): Promise<Uid> {
  const [view] = await vault.listGateways();
  const login = { type: 'login', value: [sshd.username] };
  const password = { type: 'password', value: [sshd.password] };
  const user = { type: 'pamUser', title: 'User', fields: [login, password] };
  const launchCredentialUid = await vault.saveRecord({ content: user });
  const connection = { launchCredentialUid, hostKey: sshd.hostKeys[0] };
  const fields = [
    { type: 'pamHostname', value: [{ hostName: sshd.host, port: String(sshd.port) }] },
    { type: 'pamSettings', value: [{ configurationUid: view?.configurationUid, connection }] },
    { type: 'trafficEncryptionSeed', value: [] },
  ];
  return await vault.saveRecord({ content: { type: 'pamMachine', title: 'Machine', fields } });
}
