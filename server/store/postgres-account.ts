// Which account the store runs under: PostgreSQL refuses to run as root.
import { statSync } from 'node:fs';
import type { Account } from './unprivileged-account.ts';
import { ownAccount, systemAccount } from './unprivileged-account.ts';

/**
 * The account that the store in `data` runs under: the owner of an existing store, else this process's own, else
 * (when this is root) a system account made for the purpose.
 */
export function chooseAccount(data: string, log: (line: string) => void): Account {
  const own = ownAccount();
  const owner = statSync(data, { throwIfNoEntry: false });
  if (own.uid === 0)
    return owner && owner.uid !== 0 ? ownerAccount(owner) : systemAccount('sallyport-store', log);
  if (owner && owner.uid !== own.uid)
    throw new Error(
      `the store in ${data} belongs to user ${owner.uid}, this is user ${own.uid}: start as its owner or as root`,
    );
  return own;
}

function ownerAccount({ uid, gid }: { uid: number; gid: number }): Account {
  return { uid, gid, dropped: true };
}
