// One complete installation on loopback: server, sshd, guacd, gateway and an organisation that uses them.
import { existsSync } from 'node:fs';
import { provideWeb } from '../build/web.ts';
import type { CommandScope } from '../process/command.ts';
import { rejectOnAbort } from '../process/command.ts';
import { enrolGateway } from '../process/gateway.ts';
import type { OwnedChild } from '../process/owned-child.ts';
import type { ServerProcess } from '../process/server.ts';
import { allSettled } from '../process/settled.ts';
import { openOrganisation } from './organisation.ts';
import type { Organisation } from './organisation.ts';
import type { GuacdPlace } from '../../gateway/guacd/lease.ts';
import type { InstallationOptions } from './parts.ts';
import {
  availablePort,
  gatewayConfig,
  openLog,
  startGateway,
  startProxy,
  startServer,
  startTarget,
} from './parts.ts';
import type { Sshd } from './sshd.ts';
import type { DemoState } from './state.ts';
import { newSignIn, readState, writeState } from './state.ts';

export type Installation = {
  readonly url: string;
  readonly email: string;
  readonly password: string;
  readonly server: ServerProcess;
  readonly gateway: OwnedChild;
  readonly guacd: GuacdPlace;
  readonly sshd: Sshd;
};

type Parts = Pick<Installation, 'server' | 'sshd' | 'guacd'>;

/** The longest that an enrolled gateway takes to connect over loopback, on a busy machine. */
const gatewayMilliseconds = 60_000;

/** Starts everything and resolves when a person can sign in and connect. What runs is put on `scope.parts`. */
export async function startInstallation(
  scope: CommandScope,
  options: InstallationOptions,
): Promise<Installation> {
  const { folder } = options;
  const kept = readState(folder);
  const state = kept ?? { ...newSignIn(), port: await availablePort(options.port), sshPort: 0 };
  const parts = await startParts(scope, options, state);
  const { server, sshd } = parts;
  // Before the account is made: a start that is cut short must not lose its password.
  writeState(folder, { ...state, port: server.port, sshPort: sshd.port });
  await using organisation = await scope.progress.step('preparing the organisation', () =>
    openOrganisation({ url: server.url, signIn: state, setupToken: server.setupToken, sshd }),
  );
  scope.signal.throwIfAborted();
  const gateway = await scope.progress.step('connecting the gateway', () =>
    connectGateway(scope, options, organisation, parts),
  );
  return { url: server.url, email: state.email, password: state.password, gateway, ...parts };
}

/** The first part that fails stops the others, but not before each of them is known to `scope.parts`. */
async function startParts(
  scope: CommandScope,
  options: InstallationOptions,
  state: DemoState,
): Promise<Parts> {
  const { step } = scope.progress;
  const web = options.web === 'elsewhere' ? Promise.resolve() : provideWeb(scope);
  const [server, sshd, guacd] = await allSettled<[ServerProcess, Sshd, GuacdPlace]>([
    web.then(() => step('starting the server', () => startServer(scope, options, state.port))),
    step('starting sshd', () => startTarget(scope, options, state.sshPort)),
    step('starting guacd', () => startProxy(scope, options)),
  ]);
  scope.signal.throwIfAborted();
  return { server, sshd, guacd };
}

async function connectGateway(
  scope: CommandScope,
  options: InstallationOptions,
  organisation: Organisation,
  { server, guacd }: Parts,
): Promise<OwnedChild> {
  const config = gatewayConfig(options);
  const token = await organisation.gatewayToken(existsSync(config));
  if (token !== null)
    await enrolGateway({ config, log: openLog(options, 'enrolment'), server: server.url, token });
  const log = openLog(options, 'gateway');
  const gateway = await startGateway(scope, options, guacd, log);
  const ended = gateway.drained.then(() => {
    throw new Error(`the gateway did not start${log.lastWords()}`);
  });
  const patience = AbortSignal.any([scope.signal, AbortSignal.timeout(gatewayMilliseconds)]);
  await Promise.race([organisation.gatewayOnline(), ended, rejectOnAbort(patience)]);
  return gateway;
}
