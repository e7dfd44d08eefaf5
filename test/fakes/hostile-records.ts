// The records of a hostile server: kept as a true server keeps them, so that a test says where it lies.
import { create } from '@bufbuild/protobuf';
import { encodeBase64url, equal } from '../../protocol/bytes.ts';
import { ProtocolError } from '../../protocol/errors.ts';
import type { SealedManifest } from '../../protocol/messages/gen/manifest_pb.js';
import {
  CardSchema,
  FeedKind,
  FormerRevisionSchema,
  RecordSchema,
  RemovalSchema,
  type Card,
  type FormerRevision,
  type PurgeRecordsRequest,
  type PutCardsRequest,
  type PutRecordsRequest,
  type Record,
  type Removal,
} from '../../protocol/messages/gen/record_pb.js';
import { sha256 } from '../../protocol/crypto/hash.ts';

interface Placed<T> {
  readonly owner: string;
  cursor: bigint;
  readonly value: T;
}

export class HostileRecords {
  readonly records = new Map<string, { record: Record; cursor: bigint }>();
  readonly cards = new Map<string, Placed<Card>>();
  readonly removals: Placed<Removal>[] = [];
  readonly manifests = new Map<string, SealedManifest>();
  readonly history: (FormerRevision & { recordUid: Uint8Array })[] = [];
  /** Every manifest that was ever written, the oldest first: for a server that shows a former one. */
  readonly formerManifests: SealedManifest[] = [];
  /** Records that one answer of a sync has at most. */
  perPage = Number.POSITIVE_INFINITY;
  #cursor = 0n;

  get cursor(): bigint {
    return this.#cursor;
  }

  /** The next sync of every client shows these again, as they are now. */
  touch(): void {
    for (const entry of this.records.values()) entry.cursor = ++this.#cursor;
  }

  /** The next sync of every client says that this is gone. */
  sayGone(ownerUid: Uint8Array, kind: FeedKind, objectUid: Uint8Array): void {
    const value = create(RemovalSchema, { kind, objectUid });
    this.removals.push({ owner: encodeBase64url(ownerUid), cursor: ++this.#cursor, value });
  }

  sync(ownerUid: Uint8Array, after: bigint) {
    const owner = encodeBase64url(ownerUid);
    const records = [...this.records.values()]
      .filter(({ record, cursor }) => cursor > after && equal(record.ownerUid, ownerUid))
      .sort((a, b) => Number(a.cursor - b.cursor));
    const hasMore = records.length > this.perPage;
    const cursor = (hasMore && records[this.perPage - 1]?.cursor) || this.#cursor;
    const shown = <T>(list: Iterable<Placed<T>>) =>
      [...list]
        .filter((one) => one.owner === owner && one.cursor > after && one.cursor <= cursor)
        .map(({ value }) => value);
    const manifest = hasMore ? undefined : this.manifests.get(owner);
    return {
      records: records.slice(0, this.perPage).map(({ record }) => record),
      cards: shown(this.cards.values()),
      removals: shown(this.removals),
      cursor,
      hasMore,
      ...(manifest && { manifest }),
    };
  }

  put(ownerUid: Uint8Array, { changes, manifest }: PutRecordsRequest) {
    this.#takeManifest(ownerUid, manifest);
    for (const change of changes) {
      const stored = this.records.get(encodeBase64url(change.recordUid))?.record;
      if ((stored?.revision ?? 0n) !== change.baseRevision) throw new ProtocolError('conflict', 'stale');
      if (stored) this.#remember(stored);
    }
    for (const { recordUid, baseRevision, sealedKey, sealedData, policy, ...change } of changes) {
      const { sealedLaunch, signature, deleted, keyVersion } = change;
      const sealed = { sealedKey, sealedData, sealedLaunch, signature, deleted, keyVersion };
      const record = create(RecordSchema, {
        ...{ recordUid, ownerUid, writerUid: ownerUid, revision: baseRevision + 1n, ...sealed },
        ...(policy && { policy }),
        changedAtMs: BigInt(Date.now()),
      });
      this.records.set(encodeBase64url(recordUid), { record, cursor: ++this.#cursor });
    }
    return { cursor: this.#cursor };
  }

  purge(ownerUid: Uint8Array, { records, manifest }: PurgeRecordsRequest) {
    this.#takeManifest(ownerUid, manifest);
    for (const { recordUid } of records) {
      this.records.delete(encodeBase64url(recordUid));
      this.sayGone(ownerUid, FeedKind.RECORD, recordUid);
    }
    return { cursor: this.#cursor };
  }

  putCards(ownerUid: Uint8Array, { changes, manifest }: PutCardsRequest) {
    this.#takeManifest(ownerUid, manifest);
    const owner = encodeBase64url(ownerUid);
    for (const { objectUid, baseRevision, sealed } of changes) {
      const key = `${owner}:${encodeBase64url(objectUid)}`;
      const value = create(CardSchema, { objectUid, revision: baseRevision + 1n, sealed });
      if (sealed.length > 0) this.cards.set(key, { owner, cursor: ++this.#cursor, value });
      else if (this.cards.delete(key)) this.sayGone(ownerUid, FeedKind.CARD, objectUid);
    }
    return { cursor: this.#cursor };
  }

  listHistory(recordUid: Uint8Array, before: bigint) {
    const revisions = this.history.filter(
      (one) => equal(one.recordUid, recordUid) && (before === 0n || one.revision < before),
    );
    return { revisions: revisions.sort((a, b) => Number(b.revision - a.revision)) };
  }

  #remember(record: Record): void {
    const { revision, ownerUid, sealedData, writerUid, signature, keyVersion, changedAtMs, deleted } = record;
    const former = create(FormerRevisionSchema, {
      ...{ revision, ownerUid, sealedData, writerUid, signature, keyVersion, changedAtMs, deleted },
      launchHash: sha256(record.sealedLaunch),
    });
    this.history.push(Object.assign(former, { recordUid: record.recordUid }));
  }

  #takeManifest(ownerUid: Uint8Array, manifest: SealedManifest | undefined): void {
    const owner = encodeBase64url(ownerUid);
    const stored = this.manifests.get(owner)?.version ?? 0n;
    if (manifest?.version !== stored + 1n) throw new ProtocolError('conflict', 'another manifest came first');
    this.manifests.set(owner, manifest);
    this.formerManifests.push(manifest);
  }
}
