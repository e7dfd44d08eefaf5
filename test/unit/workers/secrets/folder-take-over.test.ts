import { create } from '@bufbuild/protobuf';
import { beforeEach, describe, expect, test } from 'vitest';
import { empty } from '../../../../protocol/bytes.ts';
import { randomBytes } from '../../../../protocol/crypto/random.ts';
import {
  SecretWriteKind,
  SecretWriteSchema,
  type SecretWrite,
} from '../../../../protocol/messages/gen/secrets_pb.js';
import { sealSecretFolderName, wrapSubfolderKey } from '../../../../protocol/secrets-manager/secret-seal.ts';
import { newUid, uidBytes, type Uid } from '../../../../protocol/uid.ts';
import type { FolderContent } from '../../../../protocol/vault/folder-seal.ts';
import { FolderTakeOver } from '../../../../workers/engine/secrets/folder-take-over.ts';
import type { Wanted } from '../../../../workers/engine/secrets/wanted.ts';
import type { WriteRights } from '../../../../workers/engine/secrets/write-rights.ts';
import { codeOf } from '../../../fixtures/outcome.ts';

const everything: WriteRights = { requireRecord: () => undefined, requireFolder: () => undefined };
const [rootUid, applicationUid] = [newUid(), newUid()];
const rootKey = randomBytes(32);
const root = { uid: rootUid, rootUid, parentUid: null, name: 'Servers', revision: 1n, keyVersion: 1 };
const wanted: Wanted = {
  folders: new Map([[rootUid, { ...root, key: rootKey }]]),
  records: new Map(),
  shares: [],
};

describe('a subfolder that an application made', () => {
  let content: FolderContent;
  let folders: FolderTakeOver;
  beforeEach(() => {
    content = { name: 'Servers', subfolders: [], formerKeys: [] };
    folders = new FolderTakeOver({
      shares: { shares: { folders: new Map() } } as never,
      folders: { change: async (_, change) => void (content = change(content)) },
    });
  });

  /** As the server gives it for as long as no vault has confirmed it. */
  async function creation(folderUid: Uid, name: string, parentUid: Uid | null = null): Promise<SecretWrite> {
    const key = randomBytes(32);
    const data = await sealSecretFolderName(key, name);
    const wrappedKey = await wrapSubfolderKey(rootKey, key);
    const place = { rootUid: uidBytes(rootUid), parentUid: parentUid === null ? empty : uidBytes(parentUid) };
    return create(SecretWriteSchema, {
      ...{ objectUid: uidBytes(folderUid), kind: SecretWriteKind.CREATE_FOLDER, data },
      applicationUid: uidBytes(applicationUid),
      folder: { folderUid: uidBytes(folderUid), ...place, wrappedKey, data },
    });
  }

  const takeOver = async (write: Promise<SecretWrite>) =>
    await folders.create(await write, everything, wanted);

  test('becomes one of the vault, once', async () => {
    const uid = newUid();
    await takeOver(creation(uid, 'Production'));
    await takeOver(creation(uid, 'Production'));
    expect(content.subfolders).toEqual([{ uid, name: 'Production', parentUid: null }]);
  });

  test('has the name that it was given before the server heard that it was taken over', async () => {
    const uid = newUid();
    await takeOver(creation(uid, 'Production'));
    await takeOver(creation(uid, 'Live'));
    expect(content.subfolders).toEqual([{ uid, name: 'Live', parentUid: null }]);
  });

  test('does not move one of the vault', async () => {
    const [uid, above] = [newUid(), newUid()];
    content = { ...content, subfolders: [{ uid: above, name: 'Above', parentUid: null }] };
    await takeOver(creation(uid, 'Production'));
    expect(await codeOf(takeOver(creation(uid, 'Production', above)))).toBe('not-allowed');
    expect(content.subfolders).toContainEqual({ uid, name: 'Production', parentUid: null });
  });
});
