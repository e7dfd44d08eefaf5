// A real OpenSSH server as target: stock crypto, loopback only, a high port, its own host keys and its own account.
import { existsSync, chmodSync, chownSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../process/guacd.ts';
import { descendantsOf, endProcess } from '../process/descendants.ts';
import type { ChildEnd, OwnedChild } from '../process/owned-child.ts';
import { startOwnedChild } from '../process/owned-child.ts';
import type { TargetAccount } from './account.ts';
import { lockAccount, prepareAccount, removeAccount } from './account.ts';
import type { SshKeyPair } from './ssh-keys.ts';
import { keptKeyPair } from './ssh-keys.ts';

export type SshdOptions = {
  /** Keys, password, home and log position of this target; kept from one start to the next. */
  readonly folder: string;
  readonly account: string;
  /** 0 (the default) takes a free one. */
  readonly port?: number;
  /** `interactive` asks for the password by keyboard-interactive only (through PAM, as many stock systems do). */
  readonly passwords?: 'plain' | 'interactive';
  /** Further lines of sshd_config. */
  readonly settings?: readonly string[];
  /** Remove account and folder at the stop. Otherwise the account is only locked. */
  readonly throwAway?: boolean;
  readonly line?: (line: string) => void;
  /** What its command line begins with: another network namespace. */
  readonly within?: readonly string[];
};

export type Sshd = {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly home: string;
  /** The account's ed25519 key, in OpenSSH format. */
  readonly privateKey: string;
  /** Every key that the account is let in with. */
  readonly keys: TargetKeys;
  /** Opens `keys.locked`. */
  readonly passphrase: string;
  /** One line each: type and base64. */
  readonly hostKeys: readonly string[];
  readonly pid: number;
  readonly exited: Promise<ChildEnd>;
  /** Ends the server, its sessions and everything they have started. */
  stop(): Promise<void>;
};

export type TargetKeys = Readonly<Record<'ed25519' | 'ecdsa' | 'rsa' | 'rsaPem' | 'locked', SshKeyPair>>;

const program = '/usr/sbin/sshd';
const host = '127.0.0.1';
const startTries = 5;
const passphrase = 'a passphrase only for a throw-away key';

/** Starts sshd and resolves when it listens. Needs root, as a stock sshd does: it changes to the account's user. */
export async function startSshd(options: SshdOptions): Promise<Sshd> {
  if (!existsSync(program)) throw new Error(`${program} is missing: install openssh-server`);
  mkdirSync(options.folder, { recursive: true, mode: 0o711 });
  const account = await prepareAccount(options.account, options.folder);
  const hostKinds = ['ed25519', 'ecdsa', 'rsa'] as const;
  const [keys, ...hostKeys] = await Promise.all([
    accountKeys(options.folder, account),
    ...hostKinds.map((kind) => keptKeyPair(options.folder, `host-${kind}`, kind)),
  ]);
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 }); // compiled into sshd; a service file would make it
  const { child, port } = await startOnPort(options, hostKeys);
  return {
    ...{ host, port, username: account.username, password: account.password, home: account.home },
    ...{
      privateKey: keys.ed25519.privateKey,
      keys,
      passphrase,
      hostKeys: hostKeys.map(({ publicKey }) => publicKey),
    },
    ...{ pid: child.pid, exited: child.exited, stop: () => stop(child, account, options) },
  };
}

async function startOnPort(
  options: SshdOptions,
  hostKeys: readonly SshKeyPair[],
): Promise<{ child: OwnedChild; port: number }> {
  for (let left = startTries; ; left--) {
    const port = options.port || (await freePort());
    const child = await tryStart(options, hostKeys, port);
    if (child) return { child, port };
    if (options.port || left === 1) throw new Error(`sshd cannot listen on port ${port}: it is taken`);
  }
}

/** `null` when the port is taken. */
async function tryStart(
  options: SshdOptions,
  hostKeys: readonly SshKeyPair[],
  port: number,
): Promise<OwnedChild | null> {
  const config = join(options.folder, 'sshd_config');
  writeFileSync(config, configuration(options, hostKeys, port), { mode: 0o600 });
  const said: string[] = [];
  const listening = Promise.withResolvers<void>();
  const child = await startOwnedChild({
    name: 'sshd',
    command: [...(options.within ?? []), program, '-D', '-e', '-f', config],
    line: (text) => {
      if (said.length < 20) said.push(text);
      if (text.startsWith('Server listening on')) listening.resolve();
      options.line?.(text);
    },
  });
  const ended = await Promise.race([listening.promise, child.drained]);
  if (!ended) return child;
  if (said.some((text) => text.includes('Cannot bind any address'))) return null;
  throw new Error(`sshd did not start: ${said.join(' | ')}`);
}

/** Algorithms are not named here: the target is as strict as the installed OpenSSH is by itself. */
function configuration(options: SshdOptions, hostKeys: readonly SshKeyPair[], port: number): string {
  const interactive = options.passwords === 'interactive';
  const lines = [
    `Port ${port}`,
    `ListenAddress ${host}`,
    ...hostKeys.map(({ file }) => `HostKey ${file}`),
    `PidFile ${join(options.folder, 'sshd.pid')}`,
    `AllowUsers ${options.account}`,
    'PermitRootLogin no',
    'AuthorizedKeysFile .ssh/authorized_keys',
    `PasswordAuthentication ${interactive ? 'no' : 'yes'}`,
    `KbdInteractiveAuthentication ${interactive ? 'yes' : 'no'}`,
    `UsePAM ${interactive ? 'yes' : 'no'}`,
    'PrintMotd no',
    'AcceptEnv LANG LC_*', // as Debian's own sshd_config has it
    'PrintLastLog no',
    'Subsystem sftp internal-sftp',
    ...(options.settings ?? []),
  ];
  return `${lines.join('\n')}\n`;
}

async function accountKeys(folder: string, { home, uid }: TargetAccount): Promise<TargetKeys> {
  const [ed25519, ecdsa, rsa, rsaPem, locked] = await Promise.all([
    keptKeyPair(folder, 'key-ed25519', 'ed25519'),
    keptKeyPair(folder, 'key-ecdsa', 'ecdsa'),
    keptKeyPair(folder, 'key-rsa', 'rsa'),
    keptKeyPair(folder, 'key-rsa-pem', 'rsa-pem'),
    keptKeyPair(folder, 'key-locked', 'ed25519', passphrase),
  ]);
  const keys = { ed25519, ecdsa, rsa, rsaPem, locked };
  const ssh = join(home, '.ssh');
  const file = join(ssh, 'authorized_keys');
  mkdirSync(ssh, { recursive: true });
  writeFileSync(
    file,
    Object.values(keys)
      .map(({ publicKey }) => `${publicKey}\n`)
      .join(''),
  );
  const { gid } = statSync(home);
  for (const path of [ssh, file]) chownSync(path, uid, gid);
  chmodSync(ssh, 0o700); // sshd ignores keys that others could have written
  chmodSync(file, 0o600);
  return keys;
}

async function stop(child: OwnedChild, account: TargetAccount, options: SshdOptions): Promise<void> {
  const sessions = descendantsOf(child.pid); // they outlive the listener
  await child.stop();
  sessions.forEach((pid) => endProcess(pid, 'SIGTERM'));
  if (!options.throwAway) return lockAccount(account);
  await removeAccount(account.username);
  [account.home, options.folder].forEach((folder) => rmSync(folder, { recursive: true, force: true }));
}
