import { empty } from '../../../protocol/bytes.ts';
import { ProtocolError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { RecordService } from '../../../protocol/messages/gen/record_pb.js';
import { uidBytes, type Uid } from '../../../protocol/uid.ts';
import type { AccountKeys } from '../../../protocol/vault/account-keys.ts';
import { normaliseTags, sealCard, type Card } from '../../../protocol/vault/card.ts';
import type { ManifestChange } from '../manifest/manifest-keeper.ts';
import type { OwnWrites } from '../manifest/own-writes.ts';
import { tagText } from '../records/known-record.ts';
import type { BatchOptions } from '../records/record-writer.ts';
import type { VaultSession } from '../connection/vault-session.ts';
import { requireGoing } from './bulk-runs.ts';
import { cardElement, type CardBook } from './card-book.ts';

export interface CardWriterParts {
  readonly session: VaultSession;
  readonly keys: AccountKeys;
  readonly cards: CardBook;
  readonly writes: OwnWrites;
}

/** A card as it is to be; null: none. */
export type CardDraft = readonly [Uid, Card | null];

/** Seals and stores cards. */
export class CardWriter {
  readonly #parts: CardWriterParts;

  constructor(parts: CardWriterParts) {
    this.#parts = parts;
  }

  /** The same change to many cards. */
  async change(uids: readonly Uid[], change: Partial<Card>, options: BatchOptions = {}): Promise<void> {
    await this.write(
      uids.map((uid) => [uid, { ...this.#parts.cards.of(uid), ...change }]),
      options,
    );
  }

  /** Any number of cards, a batch at a time. Throws `cancelled` between two batches. */
  async write(drafts: readonly CardDraft[], { onProgress, signal }: BatchOptions = {}): Promise<void> {
    for (let i = 0; i < drafts.length; i += limits.changesPerRequest) {
      requireGoing(signal);
      await this.#put(drafts.slice(i, i + limits.changesPerRequest));
      onProgress?.(Math.min(i + limits.changesPerRequest, drafts.length), drafts.length);
    }
  }

  async #put(drafts: readonly CardDraft[]): Promise<void> {
    const { cards, writes, session } = this.#parts;
    const needed = drafts.filter(([uid, card]) => card !== null || cards.get(uid) !== null);
    if (needed.length === 0) return;
    const bases = new Map(needed.map(([uid]) => [uid, cards.get(uid)?.revision ?? 0]));
    const changes = await Promise.all(needed.map((draft) => this.#seal(draft)));
    await writes.run({
      change: () => this.#changeOf(bases, changes),
      send: (manifest) => session.call(RecordService.method.putCards, { changes, manifest }),
    });
  }

  async #seal([uid, card]: CardDraft) {
    const { keys, cards } = this.#parts;
    const base = BigInt(cards.get(uid)?.revision ?? 0);
    const scope = { accountUid: keys.accountUid, objectUid: uid, revision: base + 1n };
    const clean = card && { ...card, tags: normaliseTags(card.tags) };
    const sealed = clean === null ? empty : await sealCard(keys.dataKey, scope, clean);
    return { objectUid: uidBytes(uid), baseRevision: base, sealed, uid };
  }

  #changeOf(
    bases: ReadonlyMap<Uid, number>,
    changes: readonly { readonly uid: Uid; readonly baseRevision: bigint; readonly sealed: Uint8Array }[],
  ): ManifestChange {
    const { cards } = this.#parts;
    for (const [uid, base] of bases) {
      if ((cards.get(uid)?.revision ?? 0) !== base)
        throw new ProtocolError('conflict', 'it was moved or marked meanwhile');
    }
    const out = [...bases.keys()].flatMap((uid) => cards.get(uid) ?? []).map(cardElement);
    const written = changes.filter(({ sealed }) => sealed.length > 0);
    const into = written.map(({ uid, baseRevision, sealed }) =>
      cardElement({ uid, revision: Number(baseRevision) + 1, tag: tagText(sealed) }),
    );
    return { out, in: into };
  }
}
