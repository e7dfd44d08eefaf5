import { expect, test } from 'vitest';
import { randomBytes } from '../../../../protocol/crypto/random.ts';
import { encodeBase64url } from '../../../../protocol/bytes.ts';
import { newUid, type Uid } from '../../../../protocol/uid.ts';
import { OtherElements } from '../../../../workers/engine/manifest/other-elements.ts';
import { VaultSet } from '../../../../workers/engine/manifest/vault-set.ts';
import { CardBook } from '../../../../workers/engine/organising/card-book.ts';
import type { KnownRecord } from '../../../../workers/engine/records/known-record.ts';
import { RecordBook } from '../../../../workers/engine/records/record-book.ts';
import { VaultContents } from '../../../../workers/engine/snapshot/vault-contents.ts';

type BookParts = ConstructorParameters<typeof RecordBook>[0];
type CardParts = ConstructorParameters<typeof CardBook>[0];
type OtherParts = ConstructorParameters<typeof OtherElements>[0];

const accountUid = newUid();

function contents() {
  const set = new VaultSet();
  const book = new RecordBook({ accountUid, set } as unknown as BookParts);
  const cards = new CardBook({ set } as unknown as CardParts);
  const others = new OtherElements({ accountUid, set } as unknown as OtherParts);
  return { set, contents: new VaultContents({ book, cards, others, set }) };
}

const tag = () => encodeBase64url(randomBytes(16));

function record(revision: number, uid = newUid(), ownerUid: Uid = accountUid): KnownRecord {
  const known = { uid, ownerUid, revision, keyVersion: 1, deleted: false, trashedAt: null, tag: tag() };
  return { ...known, covered: null, proved: true, entry: null };
}

const card = (revision: number, uid = newUid()) => ({
  ...{ uid, revision, tag: tag(), folderUid: null, favourite: false, tags: [] },
});
const folder = () => ({
  kind: 'folder' as const,
  uid: newUid(),
  revision: 1,
  keyVersion: 0,
  tag: tag(),
  deleted: false,
});

test('a digest taken over from nearly the same contents is the one that counting all would give', () => {
  const same = { records: [record(1), record(2)], cards: [card(1)], others: [folder()] };
  const [live, stored] = [contents(), contents()];
  const [changed, moved] = [newUid(), newUid()];
  live.set.useKey(randomBytes(32), () => []);
  live.contents.apply(same);
  live.contents.apply({
    records: [record(3), record(4, changed), record(1, moved), record(9, newUid(), newUid())],
    cards: [card(2), card(3, changed)],
    others: [folder()],
  });
  stored.contents.apply(same);
  stored.contents.apply({
    records: [record(5), record(6, changed), record(2, moved, newUid())],
    cards: [card(5), card(4, changed)],
    others: [folder()],
  });
  stored.contents.countFrom(live.contents);
  const counted = contents();
  counted.contents.apply(same);
  const key = live.set.state?.setKey ?? randomBytes(32);
  counted.set.useKey(key, () => stored.contents.elements());
  expect(stored.set.state).toEqual(counted.set.state);
  expect(stored.set.state).not.toEqual(live.set.state);
});

test('without a digest there, there is none here', () => {
  const [live, stored] = [contents(), contents()];
  stored.contents.apply({ records: [record(1)] });
  stored.contents.countFrom(live.contents);
  expect(stored.set.state).toBeNull();
});
