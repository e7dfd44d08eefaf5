// The unprivileged throw-away account that the demo's and the tests' sshd lets in.
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandOutput } from '../process/command-output.ts';
import { endProcessesOf } from '../process/descendants.ts';

export type TargetAccount = {
  readonly username: string;
  readonly password: string;
  readonly uid: number;
  readonly home: string;
};

/** Accounts of one machine are made one at a time: useradd gives up when another one holds its lock. */
const lock = '/run/lock/sallyport-accounts';
const alone = (...command: string[]): string[] => ['flock', lock, ...command];

/**
 * Makes the account, or takes it up again, with its home and its password in `folder`; both stay the same from one
 * start to the next. Throws when this is not root, or when an account of that name exists that is not ours.
 */
export async function prepareAccount(username: string, folder: string): Promise<TargetAccount> {
  if (process.getuid?.() !== 0)
    throw new Error(
      `making the throw-away account ${username} for sshd needs root: run this command as root (sudo)`,
    );
  const password = keptPassword(join(folder, 'password'));
  if ((await accountFields(username)) === null) await makeAccount(username);
  const { uid, gid, comment } = (await accountFields(username)) ?? unknown(username);
  if (comment !== mark) throw new Error(`an account ${username} that is not Sallyport's own exists already`);
  const home = (await canEnter(uid, gid, folder)) ? nearHome(folder) : farHome(folder);
  await commandOutput(alone('usermod', '--home', home, '--expiredate', '', username));
  await commandOutput(alone('chpasswd'), { input: `${username}:${password}\n` });
  makeHome(home, uid, gid);
  return { username, password, uid, home };
}

/**
 * The first of `prefix`, `prefix`-2, … that nobody has, or that has its home in `folder` already: two demos on one
 * machine must not change each other's password.
 */
export async function freeAccountName(prefix: string, folder: string): Promise<string> {
  for (let number = 1; ; number++) {
    const name = number === 1 ? prefix : `${prefix}-${number}`;
    const found = await accountFields(name);
    if (found === null) return name;
    const reusable = [nearHome(folder), farHome(folder)].includes(found.home) || !existsSync(found.home);
    if (found.comment === mark && reusable) return name;
  }
}

/** Ends the account's processes and locks it until it is prepared again. */
export async function lockAccount({ username, uid }: TargetAccount): Promise<void> {
  await commandOutput(alone('usermod', '--expiredate', '1', username));
  endProcessesOf(uid);
}

/** Ends the account's processes and removes it. Nothing happens when it is gone or not ours. */
export async function removeAccount(username: string): Promise<void> {
  const found = await accountFields(username);
  if (found?.comment !== mark) return;
  endProcessesOf(found.uid);
  // userdel refuses while a process of the account is still ending; --force also covers that moment.
  await commandOutput(alone('userdel', '--force', username)).catch(async (error: unknown) => {
    if (await accountFields(username)) throw error; // else somebody else was quicker
  });
}

/** By this comment an account is known as ours. */
const mark = 'Sallyport throw-away account';

function nearHome(folder: string): string {
  return join(folder, 'home');
}

/** For a folder below one that only root may enter (a checkout in /root). */
function farHome(folder: string): string {
  return join('/var/lib/sallyport-targets', createHash('sha256').update(folder).digest('hex').slice(0, 12));
}

function canEnter(uid: number, gid: number, folder: string): Promise<boolean> {
  const ids = ['--reuid', String(uid), '--regid', String(gid), '--clear-groups'];
  return commandOutput(['setpriv', ...ids, 'test', '-x', folder]).then(
    () => true,
    () => false, // test's own answer
  );
}

async function makeAccount(username: string): Promise<void> {
  const args = ['--system', '--user-group', '--no-create-home', '--shell', '/bin/bash'];
  await commandOutput(alone('useradd', ...args, '--comment', mark, username));
}

async function accountFields(
  username: string,
): Promise<{ uid: number; gid: number; comment: string; home: string } | null> {
  const line = await commandOutput(['getent', 'passwd', username]).catch(() => null); // exit code 2: no such account
  const [, , uid, gid, comment, home] = line?.trim().split(':') ?? [];
  return comment === undefined || home === undefined
    ? null
    : { uid: Number(uid), gid: Number(gid), comment, home };
}

function unknown(username: string): never {
  throw new Error(`the account ${username} could not be made`);
}

function keptPassword(file: string): string {
  if (!existsSync(file)) writeFileSync(file, randomBytes(18).toString('base64url'), { mode: 0o600 });
  return readFileSync(file, 'utf8');
}

function makeHome(home: string, uid: number, gid: number): void {
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, '.hushlogin'), '');
  for (const path of [home, join(home, '.hushlogin')]) chownSync(path, uid, gid);
  chmodSync(home, 0o700);
}
