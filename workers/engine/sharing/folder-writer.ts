import type { MessageInitShape } from '@bufbuild/protobuf';
import { empty, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { randomBytes } from '../../../protocol/crypto/random.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { SharingService, type PutFolderRequestSchema } from '../../../protocol/messages/gen/sharing_pb.js';
import { signFolder } from '../../../protocol/signed/folder-signature.ts';
import { newUid, uidBytes, type Uid } from '../../../protocol/uid.ts';
import {
  folderLaunchKeyOf,
  sealFolder,
  wrapFolderKey,
  type FolderContent,
} from '../../../protocol/vault/folder-seal.ts';
import { renewFormerKeys } from '../../../protocol/vault/former-folder-keys.ts';
import { tagOf, type ManifestElement } from '../../../protocol/vault/manifest.ts';
import { otherElement } from '../manifest/other-elements.ts';
import type { KnownFolder } from './known-shares.ts';
import type { GivenObject } from './share-seal.ts';
import type { SharingOffice } from './sharing-office.ts';

type FolderWraps = Pick<MessageInitShape<typeof PutFolderRequestSchema>, 'grants' | 'entries'>;

/** A folder as it is to be. */
interface FolderDraft {
  readonly folder: GivenObject;
  readonly baseRevision: bigint;
  readonly content: FolderContent;
}

/** Seals, signs and stores shared folders; own ones are covered by the manifest. protocol.md §19.4. */
export class FolderWriter {
  readonly #office: SharingOffice;

  constructor(office: SharingOffice) {
    this.#office = office;
  }

  async create(name: string): Promise<Uid> {
    const uid = newUid();
    const folder: GivenObject = {
      ...{ kind: 'folder', uid, ownerUid: this.#office.ownUid },
      ...{ key: randomBytes(32), keyVersion: 1 },
    };
    await this.#put({ folder, baseRevision: 0n, content: { name, subfolders: [], formerKeys: [] } }, {});
    wipe(folder.key);
    return uid;
  }

  rename({ folderUid, name }: { folderUid: Uid; name: string }): Promise<void> {
    return this.change(folderUid, (content) => ({ ...content, name }));
  }

  /** Throws `not-found`, `open-failed`, or `not-allowed` for who may not change it. */
  async change(folderUid: Uid, change: (content: FolderContent) => FolderContent): Promise<void> {
    const draft = await this.#draftOf(folderUid);
    await this.#put({ ...draft, content: change(draft.content) }, {});
    wipe(draft.folder.key);
  }

  /** An own folder under a new key, with all that wraps it; the former one goes on opening what others put there. */
  async rekey(folderUid: Uid, wrapsOf: (folder: GivenObject) => Promise<FolderWraps>): Promise<void> {
    const draft = await this.#draftOf(folderUid);
    const folder = { ...draft.folder, key: randomBytes(32), keyVersion: draft.folder.keyVersion + 1 };
    const launchKey = folderLaunchKeyOf(draft.folder.key, folderUid);
    const replaced = { ...draft.folder, launchKey };
    const formerKeys = await renewFormerKeys(folderUid, replaced, folder.key, draft.content.formerKeys);
    const content = { ...draft.content, formerKeys };
    await this.#put({ ...draft, folder, content }, await wrapsOf(folder));
    wipe(folder.key, draft.folder.key);
  }

  async remove(folderUid: Uid): Promise<void> {
    const { writes, session } = this.#office.parts;
    this.require(folderUid);
    await writes.run({
      change: () => ({ out: this.#covered(folderUid), in: [] }),
      send: (manifest) =>
        session.call(SharingService.method.deleteFolder, { folderUid: uidBytes(folderUid), manifest }),
    });
  }

  async #put(draft: FolderDraft, wraps: FolderWraps): Promise<void> {
    const { session, writes, sync } = this.#office.parts;
    const { folder, baseRevision } = draft;
    const sealed = await this.#seal(draft);
    const request = { ...sealed, ...wraps };
    if (folder.ownerUid !== this.#office.ownUid) {
      await session.call(SharingService.method.putFolder, request);
      return await sync();
    }
    const element: ManifestElement = {
      ...{ kind: 'folder', uid: folder.uid, revision: baseRevision + 1n },
      ...{ keyVersion: 0, tag: tagOf(sealed.sealedData), deleted: false },
    };
    await writes.run({
      change: () => {
        this.#requireBase(folder.uid, baseRevision);
        return { out: this.#covered(folder.uid), in: [element] };
      },
      send: (manifest) => session.call(SharingService.method.putFolder, { ...request, manifest }),
    });
  }

  async #seal({ folder, baseRevision, content }: FolderDraft) {
    const { keys } = this.#office.parts;
    const { uid: folderUid, ownerUid, keyVersion } = folder;
    const revision = baseRevision + 1n;
    const scope = { folderUid, ownerUid };
    const launchKey = folderLaunchKeyOf(folder.key, folderUid);
    const sealedData = await sealFolder(launchKey, scope, revision, content);
    wipe(launchKey);
    const own = ownerUid === this.#office.ownUid;
    const sealedKey: Bytes = own ? await wrapFolderKey(keys.dataKey, scope, folder.key) : empty;
    const signature = await signFolder(keys.signer, { ...scope, revision, keyVersion, sealedData });
    return { folderUid: uidBytes(folderUid), baseRevision, sealedKey, sealedData, keyVersion, signature };
  }

  /** Throws `not-found`. */
  require(folderUid: Uid): KnownFolder {
    const known = this.#office.parts.shares.shares.folders.get(folderUid);
    if (!known) throw new ProtocolError('not-found', 'there is no such folder');
    return known;
  }

  /** With its key, the caller's to wipe. Throws `not-found`, or `not-allowed` for who may only launch. */
  async given(folderUid: Uid): Promise<GivenObject> {
    const { ownerUid, message } = this.require(folderUid);
    const key = await this.#office.parts.shares.keyring.ofFolder('full', folderUid, ownerUid);
    if (key === null) throw new ProtocolError('not-allowed', 'the folder is not this account’s to give');
    return { kind: 'folder', uid: folderUid, ownerUid, key, keyVersion: message.keyVersion };
  }

  async #draftOf(folderUid: Uid): Promise<FolderDraft> {
    const { shares } = this.#office.parts;
    const known = this.require(folderUid);
    const content = await shares.contentOf(known);
    if (content === null) throw new ProtocolError('open-failed');
    if (!shares.accessToFolder(folderUid, known.ownerUid)?.rights.manageRecords)
      throw new ProtocolError('not-allowed', 'the folder may not be changed');
    return { folder: await this.given(folderUid), baseRevision: known.message.revision, content };
  }

  #covered(folderUid: Uid): ManifestElement[] {
    const known = this.#office.parts.others.folder(folderUid);
    return known ? [otherElement(known)] : [];
  }

  #requireBase(folderUid: Uid, baseRevision: bigint): void {
    const known = this.#office.parts.shares.shares.folders.get(folderUid);
    if ((known?.message.revision ?? 0n) !== baseRevision)
      throw new ProtocolError('conflict', 'the folder was changed meanwhile');
  }
}
