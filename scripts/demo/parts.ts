// The parts of a demo, each started with what it keeps in the demo's folder and put on the command's parts.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { CommandScope } from '../process/command.ts';
import { stopAtEnd } from '../process/command.ts';
import { startGatewayProcess } from '../process/gateway.ts';
import { configuredGuacd, freePort, guacdFolder } from '../process/guacd.ts';
import type { GuacdPlace } from '../../gateway/guacd/lease.ts';
import { startGuacdPool } from '../process/guacd-pool.ts';
import { openLogFile } from '../process/log-file.ts';
import type { LogFile } from '../process/log-file.ts';
import type { OwnedChild } from '../process/owned-child.ts';
import type { ServerProcess } from '../process/server.ts';
import { startServerProcess } from '../process/server.ts';
import { freeAccountName } from './account.ts';
import type { Sshd } from './sshd.ts';
import { startSshd } from './sshd.ts';

export type InstallationOptions = {
  readonly folder: string;
  /** Of the web vault at the first start, if it is free; later starts keep it. */
  readonly port: number;
  /** `elsewhere`: something else than the server shows the web vault. */
  readonly web?: 'built' | 'elsewhere';
  /** The unprivileged account that sshd lets in; by default one of this demo's own. */
  readonly account?: string;
  /** Remove that account at the stop. */
  readonly throwAway?: boolean;
  /** Further settings of the server. */
  readonly settings?: Readonly<Record<string, string>>;
};

export async function startServer(
  scope: CommandScope,
  options: InstallationOptions,
  port: number,
): Promise<ServerProcess> {
  const settings = {
    SALLYPORT_DATA: join(options.folder, 'server'),
    SALLYPORT_HOST: '127.0.0.1',
    SALLYPORT_PORT: String(port),
    ...options.settings,
  };
  const server = await startServerProcess({ settings, log: openLog(options, 'server') });
  stopAtEnd(scope, 'server', server.stop);
  return server;
}

/** On its port of the last start, which is in the machine's record; on another one when that is taken. */
export async function startTarget(
  scope: CommandScope,
  options: InstallationOptions,
  lastPort: number,
): Promise<Sshd> {
  const { throwAway = false } = options;
  const folder = join(options.folder, 'target');
  const account = options.account ?? (await freeAccountName('sallyport-demo', folder));
  const { line } = openLog(options, 'sshd');
  const start = (port: number): Promise<Sshd> => startSshd({ folder, account, throwAway, port, line });
  const sshd = await start(lastPort).catch((error: unknown) => {
    if (lastPort === 0) throw error;
    return start(0);
  });
  stopAtEnd(scope, 'sshd', sshd.stop);
  return sshd;
}

export async function startProxy(scope: CommandScope, options: InstallationOptions): Promise<GuacdPlace> {
  const elsewhere = configuredGuacd(process.env);
  if (elsewhere) return elsewhere;
  const { line } = openLog(options, 'guacd');
  const { progress, signal } = scope;
  const pool = await startGuacdPool({ folder: guacdFolder, log: progress.say, signal, line });
  stopAtEnd(scope, 'guacd', pool.stop);
  return pool.place;
}

/** An enrolled one; it is connected when the server says so. */
export async function startGateway(
  scope: CommandScope,
  options: InstallationOptions,
  guacd: GuacdPlace,
  log = openLog(options, 'gateway'),
): Promise<OwnedChild> {
  const settings = { SALLYPORT_GATEWAY_BIND: '127.0.0.1' };
  const gateway = await startGatewayProcess({
    config: gatewayConfig(options),
    log,
    guacd,
    settings,
  });
  stopAtEnd(scope, 'gateway', gateway.stop);
  return gateway;
}

export function gatewayConfig({ folder }: InstallationOptions): string {
  return join(folder, 'gateway', 'gateway.json');
}

export function openLog({ folder }: InstallationOptions, name: string): LogFile {
  return openLogFile(join(folder, 'logs', `${name}.log`));
}

/** The wanted port if nobody has it, else a free one. A person may have typed the usual one into a browser before. */
export async function availablePort(wanted: number): Promise<number> {
  const probe = createServer().listen(wanted, '127.0.0.1');
  const free = await once(probe, 'listening').then(
    () => true,
    () => false, // taken
  );
  if (!free) return freePort();
  const closed = once(probe, 'close');
  probe.close();
  await closed;
  return wanted;
}
