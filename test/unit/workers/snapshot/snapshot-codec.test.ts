import { expect, test } from 'vitest';
import { randomBytes } from '../../../../protocol/crypto/random.ts';
import { newUid } from '../../../../protocol/uid.ts';
import type { KnownRecord } from '../../../../workers/engine/records/known-record.ts';
import { knownWith } from '../../../../workers/engine/records/known-record.ts';
import type { RecordEntry } from '../../../../workers/engine/records/record-entry.ts';
import { decodeSnapshot, encodeSnapshot } from '../../../../workers/engine/snapshot/snapshot-codec.ts';

const ownerUid = newUid();

function record(title: string, more: Partial<RecordEntry> = {}): KnownRecord {
  const uid = newUid();
  const entry: RecordEntry = {
    ...{
      uid,
      ownerUid,
      type: 'login',
      title,
      login: 'ada',
      host: 'h',
      url: '',
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
    tag: uid,
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
    entry.type,
    entry.trashed,
    entry.launchable,
    entry.parentUid,
    entry.machine,
  ];
const plain = (known: KnownRecord) => ({ ...knownWith(known, {}), entry: entryText(known) });

test('a snapshot comes back as it was, in the order of titles', () => {
  const machine = { host: 'h', configurationUid: newUid(), launchCredentialUid: null };
  const records = [
    record('b', { type: 'pamMachine', machine }),
    {
      ...record('zero\0separator'),
      covered: { revision: 2, keyVersion: 1, tag: 't', deleted: true },
      proved: false,
    },
    record('a', { trashed: true, parentUid: newUid() }),
    { ...record('unreadable'), entry: null },
  ];
  const cards = [
    { uid: newUid(), revision: 4, tag: 't', folderUid: newUid(), favourite: true, tags: ['x', 'y'] },
  ];
  const others = [
    { kind: 'folder', uid: newUid(), revision: 1, keyVersion: 0, tag: 't', deleted: false } as const,
  ];
  const gone = [[newUid(), { ownerUid, revision: 4, keyVersion: 2 }] as const];
  const set = { setKey: randomBytes(32), digest: randomBytes(32), count: 5 };
  const state = decodeSnapshot(encodeSnapshot({ records, gone, cards, others, set }));
  const [b, zero, a, unreadable] = records as [KnownRecord, KnownRecord, KnownRecord, KnownRecord];
  expect(state.records.map(({ uid }) => uid)).toEqual([a.uid, b.uid, zero.uid, unreadable.uid]);
  expect(state.records.map(plain)).toEqual(
    [a, b, zero, unreadable].map(
      (one) => JSON.parse(JSON.stringify(plain(one)).replaceAll('\\u0000', ' ')) as unknown,
    ),
  );
  expect(state).toMatchObject({ gone, cards, others, set });
});

test('an empty vault has a snapshot too', () => {
  const state = { records: [], gone: [], cards: [], others: [], set: null };
  expect(decodeSnapshot(encodeSnapshot(state))).toEqual(state);
});

test.each([0, 3, 40, 200])('one that was cut at %i is refused', (length) => {
  const bytes = encodeSnapshot({ records: [record('a')], gone: [], cards: [], others: [], set: null });
  expect(() => {
    const { records } = decodeSnapshot(bytes.slice(0, length));
    return records.map(plain);
  }).toThrow();
});
