import { allRights } from '../../../protocol/sharing/rights.ts';
import type { Uid } from '../../../protocol/uid.ts';
import type { SharedKeys } from './shared-keys.ts';

/** An account that shares nothing and has nothing of others. */
export function noSharing(accountUid: Uid): SharedKeys {
  const owned = { rights: allRights, expiresAtMs: 0 };
  return {
    load: () => {},
    admit: () => Promise.resolve([]),
    recordKey: () => Promise.resolve(null),
    launchKey: () => Promise.resolve(null),
    accessTo: (_, ownerUid) => (ownerUid === accountUid ? owned : null),
    mayWrite: (writerUid, _, ownerUid) => writerUid === ownerUid,
    mayWriteFolder: (writerUid, _, ownerUid) => writerUid === ownerUid,
    mayTakeOver: () => false,
    signingKeyOf: () => null,
    isShared: () => false,
    foldersOf: () => [],
    folders: () => Promise.resolve([]),
    clear: () => {},
  };
}
