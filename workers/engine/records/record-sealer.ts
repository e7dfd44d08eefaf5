import type { MessageInitShape } from '@bufbuild/protobuf';
import { empty, wipe, type Bytes } from '../../../protocol/bytes.ts';
import { sha256 } from '../../../protocol/crypto/hash.ts';
import type { RecordChangeSchema } from '../../../protocol/messages/gen/record_pb.js';
import { filesOf } from '../../../protocol/records/files.ts';
import { signRevision } from '../../../protocol/signed/record-signature.ts';
import { uidBytes, uidOf } from '../../../protocol/uid.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import {
  openLaunchCard,
  recordLaunchKeyOf,
  sealLaunchCard,
  type LaunchCard,
} from '../../../protocol/vault/launch-card.ts';
import { tagOf, type ManifestElement } from '../../../protocol/vault/manifest.ts';
import { sealRecord, wrapFormerKey, wrapRecordKey } from '../../../protocol/vault/record-seal.ts';
import type { Shares } from './application-copies.ts';
import type { CopyKeeper } from './copy-keeper.ts';
import type { Draft } from './draft.ts';
import { entryOf, launchCardOf } from './launch-cards.ts';
import type { RecordBook } from './record-book.ts';
import { subtitleOf } from './record-entry.ts';
import type { RecordOpener } from './record-opener.ts';

export interface SealedDraft {
  readonly draft: Draft;
  readonly change: MessageInitShape<typeof RecordChangeSchema> & { readonly sealedData: Bytes };
  /** In the manifest, once it is written. */
  readonly element: ManifestElement;
}

export interface SealerParts {
  readonly keys: AccountKeys;
  readonly book: RecordBook;
  readonly opener: RecordOpener;
  readonly copies: CopyKeeper;
}

/** Seals and signs drafts: one revision each, for its owner, whoever writes it. */
export class RecordSealer {
  readonly #parts: SealerParts;

  constructor(parts: SealerParts) {
    this.#parts = parts;
  }

  async seal(draft: Draft, drafts: readonly Draft[], shares: Shares): Promise<SealedDraft> {
    const { uid, key, baseRevision, content, policy, deleted = false, keyVersion = 1 } = draft;
    const { keys, copies } = this.#parts;
    const ownerUid = draft.ownerUid ?? keys.accountUid;
    const own = ownerUid === keys.accountUid;
    const scope = { recordUid: uid, ownerUid };
    const revision = baseRevision + 1n;
    const sealedData = await sealRecord(key, scope, revision, content);
    const sealedLaunch = await this.#sealLaunch(draft, drafts);
    const statement = {
      ...{ ...scope, revision, keyVersion, deleted },
      dataHash: sha256(sealedData),
      launchHash: sha256(sealedLaunch),
    };
    const change = {
      recordUid: uidBytes(uid),
      baseRevision,
      sealedKey: own ? await wrapRecordKey(keys.dataKey, scope, keyVersion, key) : empty,
      sealedData,
      ...(own && { policy }),
      fileUids: filesOf(content).map(({ fileUid }) => uidBytes(fileUid)),
      applicationCopies: own && !deleted ? await copies.copiesOf(draft, drafts, shares) : [],
      sealedLaunch,
      signature: await signRevision(keys.signer, statement),
      deleted,
      keyVersion,
      sealedFormerKey: await this.#sealFormerKey(draft),
      takeOver: draft.takeOver ?? false,
    };
    const tag = tagOf(sealedData);
    return { draft, change, element: { kind: 'record', uid, revision, keyVersion, tag, deleted } };
  }

  /** Whether the card of an own record says something else than one that is made now. */
  async isLaunchStale(draft: Draft): Promise<boolean> {
    const { book, keys } = this.#parts;
    const card = launchCardOf(draft, [draft], book, keys.accountUid);
    const row = await book.row(draft.uid);
    if (card === null || row.sealedLaunch.length === 0)
      return (card === null) !== (row.sealedLaunch.length === 0);
    const launchKey = recordLaunchKeyOf(draft.key, draft.uid);
    const scope = { recordUid: draft.uid, ownerUid: keys.accountUid };
    const former = await openLaunchCard(launchKey, scope, row.revision, row.sealedLaunch);
    return JSON.stringify(former) !== JSON.stringify(card);
  }

  async #sealFormerKey({ uid, key, keyVersion = 1, formerKey }: Draft): Promise<Bytes> {
    return formerKey ? await wrapFormerKey(key, uid, keyVersion - 1, formerKey) : empty;
  }

  async #sealLaunch(draft: Draft, drafts: readonly Draft[]): Promise<Bytes> {
    const { uid, key, baseRevision } = draft;
    const ownerUid = draft.ownerUid ?? this.#parts.keys.accountUid;
    const card = await this.#launchCard(draft, drafts);
    if (card === null) return empty;
    const launchKey = recordLaunchKeyOf(key, uid);
    const sealed = await sealLaunchCard(launchKey, { recordUid: uid, ownerUid }, baseRevision + 1n, card);
    wipe(launchKey);
    return sealed;
  }

  /** An editor keeps the owner's card, under what they wrote: they know neither gateway nor credential. */
  async #launchCard(draft: Draft, drafts: readonly Draft[]): Promise<LaunchCard | null> {
    const { book, keys, opener } = this.#parts;
    const { accountUid } = keys;
    if ((draft.ownerUid ?? accountUid) === accountUid) return launchCardOf(draft, drafts, book, accountUid);
    const row = await book.row(draft.uid);
    if (row.sealedLaunch.length === 0 || uidOf(row.ownerUid) !== draft.ownerUid) return null;
    const entry = entryOf(draft, accountUid);
    return { ...(await opener.openLaunch(row)), title: entry.title, subtitle: subtitleOf(entry) };
  }
}
