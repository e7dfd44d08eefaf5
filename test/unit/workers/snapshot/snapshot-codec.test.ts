import fc from 'fast-check';
import { expect, test } from 'vitest';
import { randomBytes } from '../../../../protocol/crypto/random.ts';
import { ProtocolError } from '../../../../protocol/errors.ts';
import { newUid, uidOf } from '../../../../protocol/uid.ts';
import type { KnownRecord } from '../../../../workers/engine/records/known-record.ts';
import { knownWith } from '../../../../workers/engine/records/known-record.ts';
import type { Loaded } from '../../../../workers/engine/records/loaded-map.ts';
import type { RecordEntry } from '../../../../workers/engine/records/record-entry.ts';
import { listFlags } from '../../../../workers/engine/search/list-columns.ts';
import { decodeSnapshot, encodeSnapshot } from '../../../../workers/engine/snapshot/snapshot-codec.ts';
import { runs } from '../../../fuzz-runs.ts';

const ownerUid = newUid();

function rowsOf<T>(loaded: Loaded<T>): T[] {
  return Array.from({ length: loaded.count }, (_, row) => loaded.at(row));
}

/** Nobody keeps a client from choosing this one. */
const zeroUid = uidOf(new Uint8Array(16));

function record(title: string, more: Partial<RecordEntry> = {}): KnownRecord {
  const uid = more.uid ?? newUid();
  const entry: RecordEntry = {
    ...{
      uid,
      ownerUid,
      type: 'login',
      title,
      login: 'ada',
      host: 'h',
      url: '',
      more: 'blue 7',
      changedAt: 7,
      trashed: false,
    },
    ...{ machine: null, pins: null, parentUid: null, launchOnly: false, launchable: true },
    ...more,
  };
  return {
    uid,
    ownerUid,
    revision: 3,
    keyVersion: 2,
    deleted: entry.trashed,
    trashedAt: entry.trashed ? 9 : null,
    tag: newUid(),
    covered: null,
    proved: true,
    entry,
  };
}

const entryText = ({ entry }: KnownRecord) =>
  entry && [
    entry.title,
    entry.login,
    entry.host,
    entry.more,
    entry.type,
    entry.trashed,
    entry.launchable,
    entry.parentUid,
    entry.machine,
  ];
const plain = (known: KnownRecord) => ({ ...knownWith(known, {}), entry: entryText(known) });

test('a snapshot comes back as it was, in the order of titles', () => {
  const machine = {
    host: 'h',
    configurationUid: newUid(),
    launchCredentialUid: null,
    jumpMachineUid: newUid(),
    opensUnlinked: true,
  };
  const records = [
    record('b', { type: 'pamMachine', machine }),
    {
      ...record('zero\0separator'),
      covered: { revision: 2, keyVersion: 1, tag: 't', deleted: true },
      proved: false,
    },
    record('a', { uid: zeroUid, trashed: true, parentUid: newUid() }),
    { ...record('unreadable'), entry: null },
  ];
  const cards = [
    { uid: newUid(), revision: 4, tag: newUid(), folderUid: newUid(), favourite: true, tags: ['x', 'y'] },
  ];
  const others = [
    { kind: 'folder', uid: newUid(), revision: 1, keyVersion: 0, tag: 't', deleted: false } as const,
  ];
  const gone = [[newUid(), { ownerUid, revision: 4, keyVersion: 2 }] as const];
  const set = { setKey: randomBytes(32), digest: randomBytes(32), count: 5 };
  const state = decodeSnapshot(encodeSnapshot({ records, gone, cards, others, set }));
  const [b, zero, a, unreadable] = records as [KnownRecord, KnownRecord, KnownRecord, KnownRecord];
  const back = rowsOf(state.records);
  expect(back.map(({ uid }) => uid)).toEqual([a.uid, b.uid, zero.uid, unreadable.uid]);
  expect(back.map(plain)).toEqual([a, b, zero, unreadable].map(plain));
  expect(state).toMatchObject({ gone, others, set });
  expect(rowsOf(state.cards)).toEqual(cards);
  expect(back.map(({ uid }) => state.records.rowOf(uid))).toEqual([0, 1, 2, 3]);
  expect([state.records.rowOf(newUid()), state.cards.rowOf(newUid())]).toEqual([-1, -1]);
});

test('an empty vault has a snapshot too', () => {
  const state = { records: [], gone: [], cards: [], others: [], set: null };
  const { records, cards, ...rest } = decodeSnapshot(encodeSnapshot(state));
  expect({ ...rest, records: rowsOf(records), cards: rowsOf(cards) }).toEqual(state);
});

test('its lists are in the order of titles, with what the cards say', () => {
  const [b, a] = [record('b'), record('Ä — a', { type: 'pamUser' })];
  const folderUid = newUid();
  const card = { uid: a.uid, revision: 1, tag: newUid(), folderUid, favourite: true, tags: ['x'] };
  const bytes = encodeSnapshot({ records: [b, a], gone: [], cards: [card], others: [], set: null });
  const { list } = decodeSnapshot(bytes).records;
  expect([list.count, list.uid(0), list.texts.title.at(0), list.entry(1).title]).toEqual([
    2,
    a.uid,
    'Ä — a',
    'b',
  ]);
  expect([list.folders[list.folderOf[0] ?? -1], list.tagLists[list.tagsOf[0] ?? -1]]).toEqual([
    folderUid,
    ['x'],
  ]);
  expect([list.flags[0], list.flags[1]].map((flags) => (flags ?? 0) & listFlags.favourite)).toEqual([2, 0]);
  expect(list.texts.title.plain).toEqual({ text: 'a — a\nb', ends: Uint32Array.of(5, 7) });
});

test('one that was cut anywhere is refused, at once', () => {
  const bytes = encodeSnapshot({ records: [record('a')], gone: [], cards: [], others: [], set: null });
  for (let length = 0; length < bytes.length; length++)
    expect(() => decodeSnapshot(bytes.slice(0, length)), `${length}`).toThrow(ProtocolError);
});

test('what is damaged anywhere is refused as malformed, or read without failing later', () => {
  const state = { records: [record('aé'), record('b')], gone: [], cards: [], others: [], set: null };
  const bytes = encodeSnapshot(state);
  fc.assert(
    fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] ?? 0) ^ change;
      try {
        const { records, cards } = decodeSnapshot(damaged);
        const known = rowsOf(records);
        const rows = known.map(({ uid }) => records.rowOf(uid));
        return known.length === 2 && rows.every((row) => row < 2) && rowsOf(cards).length === 0;
      } catch (error) {
        return error instanceof ProtocolError;
      }
    }),
    { numRuns: runs(2_000) },
  );
});
