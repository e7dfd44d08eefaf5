// One complete installation on loopback: server, sshd, guacd, gateway and an organisation that uses them.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { provideWeb } from '../build/web.ts';
import type { CommandScope } from '../process/command.ts';
import { enrolGateway, startGatewayProcess } from '../process/gateway.ts';
import { configuredGuacd, freePort, guacdFolder } from '../process/guacd.ts';
import { keepGuacd } from '../process/kept-guacd.ts';
import { openLogFile } from '../process/log-file.ts';
import type { LogFile } from '../process/log-file.ts';
import type { OwnedChild } from '../process/owned-child.ts';
import type { ServerProcess } from '../process/server.ts';
import { startServerProcess } from '../process/server.ts';
import { allSettled } from '../process/settled.ts';
import { openOrganisation } from './organisation.ts';
import type { Organisation } from './organisation.ts';
import type { Sshd } from './sshd.ts';
import { startSshd } from './sshd.ts';
import type { DemoState } from './state.ts';
import { newSignIn, readState, writeState } from './state.ts';

export type InstallationOptions = {
  readonly folder: string;
  /** Of the web vault, at the first start; later ones keep it. 0 takes a free one. */
  readonly port?: number;
  /** The unprivileged account that sshd lets in. */
  readonly account?: string;
  /** Remove that account at the stop. */
  readonly throwAway?: boolean;
  /** Further settings of the server. */
  readonly settings?: Readonly<Record<string, string>>;
};

export type Installation = {
  readonly url: string;
  readonly email: string;
  readonly password: string;
  readonly server: ServerProcess;
  readonly gateway: OwnedChild;
  readonly guacd: { readonly host: string; readonly port: number; readonly pid: () => number | null };
  readonly sshd: Sshd;
  /** For `untilStopped`: each of them should outlast the command. */
  readonly running: readonly { name: string; exited: Promise<unknown> }[];
};

type Parts = Pick<Installation, 'server' | 'sshd' | 'guacd'>;

/** Starts everything and resolves when a person can sign in and connect. What runs is put on `scope.parts`. */
export async function startInstallation(
  scope: CommandScope,
  options: InstallationOptions,
): Promise<Installation> {
  const { folder } = options;
  const state = readState(folder) ?? { ...newSignIn(), port: await firstPort(options.port), sshPort: 0 };
  const parts = await startParts(scope, options, state);
  const { server, sshd } = parts;
  writeState(folder, { ...state, port: server.port, sshPort: sshd.port });
  const organisation = await scope.progress.step('preparing the organisation', () =>
    openOrganisation({ url: server.url, signIn: state, setupToken: server.setupToken, sshd }),
  );
  await using _ = organisation;
  const gateway = await scope.progress.step('connecting the gateway', () =>
    startGateway(scope, organisation, parts, join(folder, 'gateway')),
  );
  const running = [server, gateway, { name: 'sshd', exited: sshd.exited }];
  return { url: server.url, email: state.email, password: state.password, gateway, running, ...parts };
}

/** The first part that fails stops the others, but not before each of them is known to `scope.parts`. */
async function startParts(
  scope: CommandScope,
  options: InstallationOptions,
  state: DemoState,
): Promise<Parts> {
  const { progress } = scope;
  const [server, sshd, guacd] = await allSettled<[ServerProcess, Sshd, Parts['guacd']]>([
    provideWeb(scope).then(() =>
      progress.step('starting the server', () => startServer(scope, options, state)),
    ),
    progress.step('starting sshd', () => startTarget(scope, options, state.sshPort)),
    progress.step('starting guacd', () => startProxy(scope, openLog(options, 'guacd'))),
  ]);
  scope.signal.throwIfAborted();
  return { server, sshd, guacd };
}

async function startServer(
  scope: CommandScope,
  options: InstallationOptions,
  state: DemoState,
): Promise<ServerProcess> {
  const settings = {
    SALLYPORT_DATA: join(options.folder, 'server'),
    SALLYPORT_HOST: '127.0.0.1',
    SALLYPORT_PORT: String(state.port),
    ...options.settings,
  };
  const server = await startServerProcess({ settings, log: openLog(options, 'server') });
  scope.parts.defer(() => server.stop());
  return server;
}

/** On its port of the last start, which is in the machine's record; on another one when that is taken. */
async function startTarget(
  scope: CommandScope,
  options: InstallationOptions,
  lastPort: number,
): Promise<Sshd> {
  const { account = 'sallyport-demo', throwAway = false } = options;
  const start = (port: number): Promise<Sshd> =>
    startSshd({
      folder: join(options.folder, 'target'),
      account,
      throwAway,
      port,
      line: openLog(options, 'sshd').line,
    });
  const sshd = await start(lastPort).catch((error: unknown) => {
    if (lastPort === 0) throw error;
    return start(0);
  });
  scope.parts.defer(() => sshd.stop());
  return sshd;
}

async function startProxy({ parts, progress, signal }: CommandScope, log: LogFile): Promise<Parts['guacd']> {
  const elsewhere = configuredGuacd(process.env);
  if (elsewhere) return { ...elsewhere, pid: () => null };
  const guacd = await keepGuacd({ folder: guacdFolder, log: progress.say, signal, line: log.line });
  parts.defer(() => guacd.stop());
  return guacd;
}

async function startGateway(
  scope: CommandScope,
  organisation: Organisation,
  parts: Parts,
  folder: string,
): Promise<OwnedChild> {
  const { server, guacd } = parts;
  const config = join(folder, 'gateway.json');
  const log = openLogFile(join(folder, '../logs/gateway.log'));
  const token = await organisation.gatewayToken(existsSync(config));
  if (token !== null) await enrolGateway({ config, log, server: server.url, token });
  const gateway = await startGatewayProcess({
    config,
    log,
    guacd,
    settings: { SALLYPORT_GATEWAY_BIND: '127.0.0.1' },
  });
  scope.parts.defer(() => gateway.stop());
  const ended = gateway.drained.then(() => {
    throw new Error(`the gateway did not start${log.lastWords()}`);
  });
  await Promise.race([organisation.gatewayOnline(), ended]);
  return gateway;
}

function openLog({ folder }: InstallationOptions, name: string): LogFile {
  return openLogFile(join(folder, 'logs', `${name}.log`));
}

/** The well-known port if nobody has it: a person may have typed it into a browser before. */
async function firstPort(wanted = 8443): Promise<number> {
  const { createServer } = await import('node:net');
  const free = await new Promise<boolean>((resolve) => {
    const probe = createServer()
      .once('error', () => resolve(false))
      .listen(wanted, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
  return free && wanted !== 0 ? wanted : freePort();
}
