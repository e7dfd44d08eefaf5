// Accounts that own nothing else, for programs that must not run as root when this process does.
import { spawnSync } from 'node:child_process';

export type Account = {
  readonly uid: number;
  readonly gid: number;
  /** True when programs must be started with other ids than this process has. */
  readonly dropped: boolean;
};

/** Accounts of one machine are made one at a time: useradd gives up when another one holds its lock. */
const lock = '/run/lock/sallyport-accounts';

/** The account that this process itself has. */
export function ownAccount(): Account {
  return { uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1, dropped: false };
}

/** The system account of that name, made when it is missing. Only for root. */
export function systemAccount(name: string, log: (line: string) => void): Account {
  const found = findAccount(name);
  if (found) return found;
  log(`making the system account ${name}, so that its programs do not run as root`);
  const home = ['--no-create-home', '--home-dir', '/nonexistent', '--shell', '/usr/sbin/nologin'];
  const made = run('flock', lock, 'useradd', '--system', '--user-group', ...home, name);
  const fresh = findAccount(name);
  if (fresh) return fresh;
  const reason = made.stderr?.trim() || 'useradd is missing';
  throw new Error(`cannot make the account ${name} (${reason}): start as another user than root`);
}

/** Command line that runs a program under the account and ends it with its parent. Needs util-linux, as on every Linux. */
export function asAccount(account: Account, deathSignal: string): string[] {
  const ids = ['--reuid', String(account.uid), '--regid', String(account.gid), '--clear-groups'];
  return ['setpriv', ...(account.dropped ? ids : []), '--pdeathsig', deathSignal];
}

/** Can the account enter all folders on the way to `path`? Asked of the kernel, so that ACLs and mounts count. */
export function canReach(account: Account, path: string): boolean {
  if (!account.dropped) return true;
  const asked = run(...asAccount(account, 'KILL'), 'test', '-x', path);
  if (asked.stderr) throw new Error(`cannot run a program as user ${account.uid}: ${asked.stderr.trim()}`);
  return asked.status === 0;
}

function findAccount(name: string): Account | null {
  const [uid, gid] = ['-u', '-g'].map((flag) => run('id', flag, name).stdout.trim());
  return uid && gid ? { uid: Number(uid), gid: Number(gid), dropped: true } : null;
}

function run(...[file = '', ...args]: string[]) {
  return spawnSync(file, args, { encoding: 'utf8', cwd: '/' });
}
