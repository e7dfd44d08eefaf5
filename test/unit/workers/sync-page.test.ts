import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { FeedKind, SyncResponseSchema } from '../../../protocol/messages/gen/record_pb.js';
import { newUid, uidBytes } from '../../../protocol/uid.ts';
import { wellNamed } from '../../../workers/engine/sync/sync-page.ts';

const uid = () => uidBytes(newUid());
const short = new Uint8Array(15);

test('objects without a sound name are left out of a page, with a warning, and nothing else is', () => {
  const [recordUid, ownerUid, writerUid, objectUid] = [uid(), uid(), uid(), uid()];
  const record = { recordUid, ownerUid, writerUid };
  const folder = { folderUid: objectUid, ownerUid, writerUid };
  const page = create(SyncResponseSchema, {
    records: [record, { ...record, recordUid: short }, { ...record, writerUid: short }],
    cards: [{ objectUid }, { objectUid: short }],
    folders: [folder, { ...folder, ownerUid: short }],
    grants: [{ objectUid: short }, { objectUid }],
    removals: [
      { kind: FeedKind.ENTRY, objectUid, recordUid: short },
      { kind: FeedKind.RECORD, objectUid, recordUid: new Uint8Array(0) },
    ],
    cursor: 7n,
  });
  const warnings: string[] = [];
  const sound = wellNamed(page, (message) => void warnings.push(message));
  expect(sound).toMatchObject({
    ...{ records: [record], cards: [{ objectUid }], folders: [folder], grants: [{ objectUid }] },
    ...{ removals: [{ kind: FeedKind.RECORD }], cursor: 7n },
  });
  expect(
    [sound.records, sound.cards, sound.folders, sound.grants, sound.removals].map((l) => l.length),
  ).toEqual([1, 1, 1, 1, 1]);
  expect(warnings).toHaveLength(5);
});
