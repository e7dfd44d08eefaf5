// What a vault does when the account's applications have as many folders as they may.
import { expect, test } from 'vitest';
import { randomBytes } from '../../../../protocol/crypto/random.ts';
import { ProtocolError } from '../../../../protocol/errors.ts';
import type { SecretFolder } from '../../../../protocol/messages/gen/secrets_pb.js';
import { newUid, uidOf, type Uid } from '../../../../protocol/uid.ts';
import type { VaultSession } from '../../../../workers/engine/connection/vault-session.ts';
import { FolderKeeper } from '../../../../workers/engine/secrets/folder-keeper.ts';
import type { Round } from '../../../../workers/engine/secrets/round.ts';
import type { WantedFolder } from '../../../../workers/engine/secrets/wanted.ts';

const rootUid = newUid();

function folder(uid: Uid, revision: bigint): WantedFolder {
  return { uid, rootUid, parentUid: null, name: 'a', key: randomBytes(32), revision, keyVersion: 1 };
}

test('folders that are there stay the newest where there is no room for more, and the vault says so', async () => {
  const there = new Map<Uid, SecretFolder>();
  const warnings: string[] = [];
  let room = Infinity;
  const call = async (_method: unknown, { folders = [] }: { readonly folders?: readonly SecretFolder[] }) => {
    const after = new Map(there);
    for (const one of folders) after.set(uidOf(one.folderUid), one);
    if (after.size > room) throw new ProtocolError('limit-reached', 'too much already');
    for (const [uid, one] of after) there.set(uid, one);
  };
  const keeper = new FolderKeeper({ call } as unknown as VaultSession, (message) => warnings.push(message));
  const keep = (...folders: readonly WantedFolder[]) =>
    keeper.keep({
      wanted: { folders: new Map(folders.map((one) => [one.uid, one])) },
      state: { folders: new Map(there), records: new Map() },
      taken: { records: new Map(), folders: new Map() },
      ...{ waiting: new Set(), going: () => undefined, changed: false },
    } as unknown as Round);
  const revisions = () => [...there.values()].map(({ baseRevision }) => baseRevision);
  const [known, added] = [newUid(), newUid()];

  await keep(folder(rootUid, 1n), folder(known, 1n));
  room = 2;
  await keep(folder(rootUid, 2n), folder(known, 2n), folder(added, 2n));
  expect(revisions()).toEqual([2n, 2n]);
  expect(warnings).toEqual(['applications have as many folders as they may']);

  room = 3;
  await keep(folder(rootUid, 2n), folder(known, 2n), folder(added, 2n));
  expect([...there.keys()]).toEqual([rootUid, known, added]);
  expect(warnings).toHaveLength(1);
});
