// PostgreSQL refuses to run as root. When the server does, its store runs under an account that owns nothing else.
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';

export type PostgresAccount = {
  readonly uid: number;
  readonly gid: number;
  /** True when programs must be started with other ids than this process has. */
  readonly dropped: boolean;
};

const accountName = 'sallyport-store';

/**
 * The account that the store in `data` runs under: the owner of an existing store, else this process's own, else
 * (when this is root) a system account made for the purpose.
 */
export function chooseAccount(data: string, log: (line: string) => void): PostgresAccount {
  const own = { uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1 };
  const owner = statSync(data, { throwIfNoEntry: false });
  if (own.uid !== 0) {
    if (owner && owner.uid !== own.uid)
      throw new Error(
        `the store in ${data} belongs to user ${owner.uid}, this is user ${own.uid}: start as its owner or as root`,
      );
    return { ...own, dropped: false };
  }
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid, dropped: true };
  return { ...systemAccount(log), dropped: true };
}

/** Command line that runs a program under the account. Needs util-linux, which every Linux has. */
export function asAccount(account: PostgresAccount, deathSignal: string): string[] {
  const ids = ['--reuid', String(account.uid), '--regid', String(account.gid), '--clear-groups'];
  return ['setpriv', ...(account.dropped ? ids : []), '--pdeathsig', deathSignal];
}

/** Can the account enter all folders on the way to `path`? Asked of the kernel, so that ACLs and mounts count. */
export function canReach(account: PostgresAccount, path: string): boolean {
  if (!account.dropped) return true;
  const [file = '', ...args] = [...asAccount(account, 'KILL'), 'test', '-x', path];
  const asked = spawnSync(file, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8', cwd: '/' });
  if (asked.stderr) throw new Error(`cannot run a program as user ${account.uid}: ${asked.stderr.trim()}`);
  return asked.status === 0;
}

function systemAccount(log: (line: string) => void): { uid: number; gid: number } {
  const found = ids();
  if (found) return found;
  log(`making the system account ${accountName}: the store must not run as root`);
  const args = [
    '--system',
    '--user-group',
    '--no-create-home',
    '--home-dir',
    '/nonexistent',
    '--shell',
    '/usr/sbin/nologin',
    accountName,
  ];
  const made = spawnSync('useradd', args, { encoding: 'utf8' });
  const fresh = ids();
  if (!fresh)
    throw new Error(
      `cannot make the account ${accountName} (${(made.stderr ?? 'no useradd').trim()}): start as another user than root`,
    );
  return fresh;
}

function ids(): { uid: number; gid: number } | null {
  const [uid, gid] = ['-u', '-g'].map((flag) => {
    const asked = spawnSync('id', [flag, accountName], { encoding: 'utf8' });
    return asked.status === 0 ? Number(asked.stdout) : null;
  });
  return typeof uid !== 'number' || typeof gid !== 'number' ? null : { uid, gid };
}
