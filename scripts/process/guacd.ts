// A running guacd: a child of ours on loopback, or one that runs elsewhere.
import { once } from 'node:events';
import { chownSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import type { AddressInfo } from 'node:net';
import type { Account } from '../../server/store/unprivileged-account.ts';
import { asAccount, canReach, ownAccount, systemAccount } from '../../server/store/unprivileged-account.ts';
import type { GuacdProgram, GuacdRequest } from '../setup/guacd.ts';
import { provideGuacd } from '../setup/guacd.ts';
import { reachChannels, type GuacdChannels } from './guacd-channels.ts';
import { root } from './tool.ts';
import type { ChildEnd, OwnedChild } from './owned-child.ts';
import { startOwnedChild } from './owned-child.ts';

export type GuacdOptions = GuacdRequest & {
  readonly host?: string;
  /** 0 (the default) takes a free one. */
  readonly port?: number;
  /** Where programs look for settings, in place of that folder in the home. */
  readonly settings?: string;
  /** Each line that guacd logs. */
  readonly line?: (line: string) => void;
};

export type Guacd = {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  readonly exited: Promise<ChildEnd>;
  stop(): Promise<void>;
};

/** Where the project keeps its own. */
export const guacdFolder = join(root, 'var/guacd');

/** For a checkout that guacd's account cannot reach, below /root. */
const farFolder = '/var/cache/sallyport/guacd';

const startTries = 5;
const startMilliseconds = 10_000;

/** It takes apart what strangers' servers send, so it gets no rights that it does not need. */
function guacdAccount(log: (line: string) => void = () => undefined): Account {
  const own = ownAccount();
  return own.uid === 0 ? systemAccount('sallyport-guacd', log) : own;
}

/**
 * TLS 1.2 for guacd, in which the gateway can see the certificate that an RDP target shows; beyond that as Debian sets
 * it. As a protocol that is left out, because FreeRDP sets the highest version anew.
 */
const opensslText = `openssl_conf = default_conf
[default_conf]
ssl_conf = ssl_sect
[ssl_sect]
system_default = system_default_sect
[system_default_sect]
MinProtocol = TLSv1.2
Protocol = -TLSv1.3
CipherString = DEFAULT@SECLEVEL=2
`;

function opensslSettings(home: string): string {
  return join(home, 'openssl.cnf');
}

/** In one step: a guacd that starts meanwhile reads all of it or the former one. */
function writeOpensslSettings(home: string): void {
  const file = opensslSettings(home);
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, opensslText);
  renameSync(unfinished, file);
}

/** FreeRDP fails with a misleading error without a home that it can write in; fontconfig keeps its cache there. */
function makeHome(home: string, account: Account): string {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  if (account.dropped) chownSync(home, account.uid, account.gid);
  writeOpensslSettings(home);
  return home;
}

/** Where GUACD_HOST and GUACD_PORT say that a guacd runs, `null` when they say nothing. Throws when they are wrong. */
export function configuredGuacd(environment: NodeJS.ProcessEnv): { host: string; port: number } | null {
  const { GUACD_HOST: host, GUACD_PORT: port = '4822' } = environment;
  if (!host) return null;
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
    throw new Error(`GUACD_PORT must be a port number, not "${port}"`);
  return { host, port: Number(port) };
}

/** What every start needs, once: the program, who runs it and where. */
export type GuacdLaunch = GuacdProgram & {
  readonly account: Account;
  readonly home: string;
  readonly channels: GuacdChannels;
};

/** Starts guacd and resolves when it takes connections. */
export async function startGuacd(options: GuacdOptions): Promise<Guacd> {
  return launchGuacd(await prepareGuacd(options), options);
}

/** Fetches guacd when it is not there. */
export async function prepareGuacd(options: GuacdRequest): Promise<GuacdLaunch> {
  const account = guacdAccount(options.log);
  const folder = canReach(account, dirname(options.folder)) ? options.folder : farFolder;
  const program = await provideGuacd({ ...options, folder });
  const channels = reachChannels(program, options.log);
  return { ...program, account, channels, home: makeHome(`${folder}.home`, account) };
}

/** Starts what has been prepared and resolves when it takes connections. */
export async function launchGuacd(
  launch: GuacdLaunch,
  options: Omit<GuacdOptions, 'folder'>,
): Promise<Guacd> {
  for (let left = startTries; ; left--) {
    const port = options.port || (await freePort());
    const started = await tryStart(launch, { ...options, port });
    if (started) return started;
    // Only a port of our own choosing may have been taken by someone else meanwhile.
    if (options.port || left === 1) throw new Error(`guacd cannot listen on port ${port}`);
  }
}

/** `null` when the port is taken. */
async function tryStart(
  program: GuacdLaunch,
  options: Omit<GuacdOptions, 'folder'> & { port: number },
): Promise<Guacd | null> {
  const { host = '127.0.0.1', port, settings, line = () => undefined, signal } = options;
  const said: string[] = [];
  const bound = Promise.withResolvers<void>();
  const child = await startOwnedChild({
    name: 'guacd',
    command: commandOf(program, ['-f', '-b', host, '-l', String(port)]),
    environment: {
      ...{ PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' },
      ...{ HOME: program.home, OPENSSL_CONF: opensslSettings(program.home) },
      ...(settings !== undefined && { XDG_CONFIG_HOME: settings }),
      ...program.environment,
    },
    line: (text) => {
      if (said.length < 20) said.push(text);
      if (text.includes('Listening on host')) bound.resolve();
      line(text);
    },
  });
  const stop = (): void => void child.stop();
  signal?.addEventListener('abort', stop, { once: true });
  const ended = await Promise.race([bound.promise, child.drained]);
  signal?.removeEventListener('abort', stop); // from here on its owner stops it, in its turn
  signal?.throwIfAborted();
  if (ended && said.some((text) => /unable to bind/i.test(text))) return null;
  if (ended) throw new Error(`guacd did not start: ${said.join(' | ')}`);
  await untilListening(host, port, child);
  return { host, port, pid: child.pid, exited: child.exited, stop: child.stop };
}

/** The account comes last: entering a namespace takes away the signal by which it dies with its parent. */
function commandOf({ file, account, channels }: GuacdLaunch, args: readonly string[]): readonly string[] {
  return [...channels.within, ...asAccount(account, 'TERM'), ...channels.giveUp, file, ...args];
}

/** guacd says that it listens a moment before it does: each refusal is the event that starts the next attempt. */
async function untilListening(host: string, port: number, child: OwnedChild): Promise<void> {
  const deadline = AbortSignal.timeout(startMilliseconds);
  while (!(await accepts(host, port))) {
    if (child.process.exitCode !== null || child.process.signalCode !== null)
      throw new Error('guacd ended at its start');
    deadline.throwIfAborted();
  }
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

/** A port that was free a moment ago. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
