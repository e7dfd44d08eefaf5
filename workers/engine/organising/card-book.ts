import { parseBase64url } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { Card as CardMessage } from '../../../protocol/messages/gen/record_pb.js';
import { uidOf, type Uid } from '../../../protocol/uid.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import { noCard, openCard, type Card } from '../../../protocol/vault/card.ts';
import type { ManifestElement } from '../../../protocol/vault/manifest.ts';
import type { Given } from '../given.ts';
import type { VaultSet } from '../manifest/vault-set.ts';
import { tagText } from '../records/known-record.ts';
import type { OpenedBefore } from '../records/opened-before.ts';
import { LoadedMap, type Loaded } from '../records/loaded-map.ts';
import { nothingLoaded } from '../records/loaded-records.ts';
import { objectKey, type StoredObject } from '../storage.ts';

/** A card as it is kept in memory. */
export interface KnownCard extends Card {
  readonly uid: Uid;
  readonly revision: number;
  /** As KnownRecord.tag. */
  readonly tag: string;
}

export interface AdmittedCard {
  readonly card: KnownCard;
  readonly object: StoredObject;
}

/** Where the account keeps each record and shared folder for itself. */
export class CardBook {
  readonly #keys: AccountKeys;
  readonly #set: VaultSet;
  readonly #before: OpenedBefore;
  readonly #warn: (message: string) => void;
  readonly #cards = new LoadedMap<KnownCard>(nothingLoaded);

  constructor(parts: {
    readonly keys: AccountKeys;
    readonly set: VaultSet;
    readonly before: OpenedBefore;
    readonly warn: (message: string) => void;
  }) {
    this.#keys = parts.keys;
    this.#set = parts.set;
    this.#before = parts.before;
    this.#warn = parts.warn;
  }

  /** An object without a card is at the top, without tags. */
  of(objectUid: Uid): Card {
    return this.#cards.get(objectUid) ?? noCard;
  }

  get(objectUid: Uid): KnownCard | null {
    return this.#cards.get(objectUid);
  }

  all(): Iterable<KnownCard> {
    return this.#cards.values();
  }

  /** Those of the server's cards that open and are newer than what is here. */
  async admit(cards: readonly Given<CardMessage>[]): Promise<AdmittedCard[]> {
    const admitted = await Promise.all(cards.map((given) => this.#admitOne(given)));
    return admitted.filter((one) => one !== null);
  }

  *elements(): Iterable<ManifestElement> {
    for (const card of this.#cards.values()) yield cardElement(card);
  }

  load(cards: Loaded<KnownCard>): void {
    this.#cards.load(cards);
  }

  put(card: KnownCard): void {
    const former = this.#cards.get(card.uid);
    this.#set.change(former ? cardElement(former) : null, cardElement(card));
    this.#cards.set(card);
  }

  remove(objectUid: Uid): boolean {
    const former = this.#cards.get(objectUid);
    if (former) this.#set.change(cardElement(former), null);
    return this.#cards.delete(objectUid);
  }

  clear(): void {
    this.#cards.clear();
  }

  async #admitOne({ message, bytes }: Given<CardMessage>): Promise<AdmittedCard | null> {
    const uid = uidOf(message.objectUid);
    const known = this.#cards.get(uid);
    if (known && message.revision <= BigInt(known.revision)) return null;
    const scope = { accountUid: this.#keys.accountUid, objectUid: uid, revision: message.revision };
    try {
      const opened = known === null ? this.#before.cardOf(message) : null;
      const content = opened ?? (await openCard(this.#keys.dataKey, scope, message.sealed));
      const card = { ...content, uid, revision: Number(message.revision), tag: tagText(message.sealed) };
      return { card, object: { kind: 'card', key: objectKey('card', uid), bytes } };
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#warn(`the card of ${uid} does not open; what was here is kept`);
      return null;
    }
  }
}

export function cardElement({
  uid,
  revision,
  tag,
}: Pick<KnownCard, 'uid' | 'revision' | 'tag'>): ManifestElement {
  return {
    kind: 'card',
    uid,
    revision: BigInt(revision),
    keyVersion: 0,
    tag: parseBase64url(tag),
    deleted: false,
  };
}
