import { expect, test } from 'vitest';
import type { RecordTemplate } from '../../../../protocol/records/templates.ts';
import { newUid, type Uid } from '../../../../protocol/uid.ts';
import type { RecordSort } from '../../../../workers/api.ts';
import type { CardBook, KnownCard } from '../../../../workers/engine/organising/card-book.ts';
import type { KnownRecord } from '../../../../workers/engine/records/known-record.ts';
import type { RecordBook } from '../../../../workers/engine/records/record-book.ts';
import type { RecordEntry } from '../../../../workers/engine/records/record-entry.ts';
import { RecordLists } from '../../../../workers/engine/search/record-lists.ts';
import { allRights } from '../../../../protocol/sharing/rights.ts';

const me = newUid();
/** Of an account that shares nothing and has nothing of others. */
const unshared = {
  accessTo: (_: Uid, ownerUid: Uid) => (ownerUid === me ? { rights: allRights, expiresAtMs: 0 } : null),
  folders: () => Promise.resolve([]),
  isShared: () => false,
};
const byTitle: RecordSort = { by: 'title', descending: false };
const byFit: RecordSort = { by: 'relevance', descending: false };

function record(title: string, more: Partial<RecordEntry> = {}): KnownRecord {
  const uid = newUid();
  const entry: RecordEntry = {
    ...{
      uid,
      ownerUid: me,
      type: 'login',
      title,
      login: '',
      host: '',
      url: '',
      more: '',
      changedAt: 0,
      trashed: false,
    },
    ...{ machine: null, pins: null, parentUid: null, launchOnly: false, launchable: false },
    ...more,
  };
  const { ownerUid, trashed: deleted } = entry;
  return {
    ...{ uid, ownerUid, revision: 1, keyVersion: 1, deleted, trashedAt: null },
    ...{ tag: uid, covered: null, proved: true, entry },
  };
}

/** Lists over these records, which are in the order of their titles. */
function listsOf(records: readonly KnownRecord[], cards: readonly Partial<KnownCard>[] = []) {
  const known = new Map(records.map((one) => [one.uid, one]));
  const marks = new Map(
    cards.map((card) => [card.uid, { folderUid: null, favourite: false, tags: [], ...card }]),
  );
  const book = {
    all: () => known.values(),
    get: (uid: Uid) => known.get(uid) ?? null,
    entry: (uid: Uid) => known.get(uid)?.entry ?? null,
    has: (uid: Uid) => known.has(uid),
    ofType: (type: string) =>
      [...known.values()].flatMap(({ entry }) => (entry?.type === type ? [entry] : [])),
  } as unknown as RecordBook;
  const cardBook = { get: (uid: Uid) => marks.get(uid) ?? null } as unknown as CardBook;
  let version = 1;
  let types: readonly RecordTemplate[] = [];
  const lists = new RecordLists({
    ...{ accountUid: me, book, cards: cardBook, sharing: unshared },
    version: () => version,
    recordTypes: () => types,
  });
  const put = (...changed: KnownRecord[]) => {
    for (const one of changed) known.set(one.uid, one);
    version++;
    lists.changed({ records: changed });
  };
  const titles = async (query: string, sort = byFit) =>
    (await lists.list({ ...(query && { query }), sort })).map(({ title }) => title);
  const rename = (named: readonly RecordTemplate[]) => {
    types = named;
    lists.surroundingsChanged();
  };
  return { lists, put, titles, rename };
}

test('what begins with the word comes first, then words within, then the rest of the record', async () => {
  const { titles } = listsOf([
    record('A bank', { login: 'mail' }),
    record('Airmail'),
    record('Mail'),
    record('My mail'),
    record('Nothing'),
  ]);
  expect(await titles('mail')).toEqual(['Mail', 'My mail', 'Airmail', 'A bank']);
});

test('every letter more narrows, every letter less widens, whatever was asked before', async () => {
  const { titles } = listsOf([record('Shop'), record('Short'), record('Ship')]);
  const asked = ['s', 'sh', 'sho', 'shop', 'sho', 'sh', 'shi', 'shop sh', 'x', ''];
  const answers = [];
  for (const query of asked) answers.push((await titles(query)).length);
  expect(answers).toEqual([3, 3, 2, 1, 2, 3, 1, 1, 0, 3]);
});

test('changes are in their places, few of them or many', async () => {
  const first = record('M');
  const { put, titles } = listsOf([first, record('Z')]);
  expect(await titles('', byTitle)).toEqual(['M', 'Z']);
  put({ ...first, entry: { ...(first.entry as RecordEntry), title: 'Zz' } });
  expect(await titles('', byTitle)).toEqual(['Z', 'Zz']);
  put(...Array.from({ length: 100 }, (_, i) => record(`N${i}`)));
  const all = await titles('', byTitle);
  expect([all.length, all[0], all[1], all[99], all[101]]).toEqual([102, 'N0', 'N1', 'N99', 'Zz']);
});

test('windows are parts of one whole, and no longer than 500', async () => {
  const { lists } = listsOf(Array.from({ length: 700 }, (_, i) => record(`R${String(i).padStart(3, '0')}`)));
  const window = await lists.query({ filter: {}, sort: byTitle, offset: 690, limit: 50 });
  expect([window.total, window.rows.length, window.rows[0]?.title]).toEqual([700, 10, 'R690']);
  expect((await lists.query({ filter: {}, sort: byTitle, offset: 0, limit: 9_999 })).rows).toHaveLength(500);
});

test('trash, internal types and closed records are in no ordinary list', async () => {
  const other = newUid();
  const { lists, titles } = listsOf([
    record('Closed', { ownerUid: other }),
    record('Folder', { type: 'folder' }),
    record('Gone', { trashed: true }),
    record('Here'),
  ]);
  expect(await titles('', byTitle)).toEqual(['Here']);
  expect((await lists.list({ trashed: true })).map(({ title }) => title)).toEqual(['Gone']);
  expect((await lists.list({ types: ['folder'] })).map(({ title }) => title)).toEqual(['Folder']);
});

test('tags and places count as words, after everything that is in the record', async () => {
  const folder = record('Clients', { type: 'folder' });
  const [one, two] = [record('One'), record('Two clients')];
  const { titles } = listsOf([folder, one, two], [{ uid: one.uid, folderUid: folder.uid, tags: ['Réd'] }]);
  expect(await titles('clients')).toEqual(['Two clients', 'One']);
  expect(await titles('red')).toEqual(['One']);
  expect(await titles('tag:red')).toEqual(['One']);
  expect(await titles('in:clients')).toEqual(['One']);
  expect(await titles('tag:blue')).toEqual([]);
});

test('what is deep inside a folder is in it, also where two folders are in each other', async () => {
  const outer = record('Clients', { type: 'folder' });
  const inner = record('North', { type: 'folder', parentUid: outer.uid });
  const [one, other] = [newUid(), newUid()];
  const circle = [
    { ...record('Round', { type: 'folder', uid: one, parentUid: other }), uid: one },
    { ...record('About', { type: 'folder', uid: other, parentUid: one }), uid: other },
  ];
  const [deep, round] = [record('Deep'), record('Turning')];
  const { titles } = listsOf(
    [outer, inner, ...circle, deep, round],
    [
      { uid: deep.uid, folderUid: inner.uid },
      { uid: round.uid, folderUid: one },
    ],
  );
  expect(await titles('in:clients')).toEqual(['Deep']);
  expect(await titles('folder:north')).toEqual(['Deep']);
  expect(await titles('in:about')).toEqual(['Turning']);
});
test('a type that an administrator made is found by the title that it has now', async () => {
  const { titles, rename } = listsOf([record('One', { type: 'custom:badge' }), record('Two')]);
  expect(await titles('visitor')).toEqual([]);
  rename([{ type: 'custom:badge', title: 'Visitor pass', fields: [] }]);
  expect([await titles('visitor'), await titles('type:pass')]).toEqual([['One'], ['One']]);
  rename([{ type: 'custom:badge', title: 'Guest', fields: [] }]);
  expect([await titles('visitor'), await titles('guest')]).toEqual([[], ['One']]);
});

test('many changes beside a long list leave one list in order', async () => {
  const all = Array.from({ length: 3_000 }, (_, i) => record(`R${String(i).padStart(4, '0')}`));
  const { put, titles } = listsOf(all);
  await titles('', byTitle);
  put(
    ...all
      .slice(0, 1_500)
      .map((one) => ({ ...one, entry: { ...(one.entry as RecordEntry), title: `S${one.entry?.title}` } })),
  );
  put(record('R1500b'));
  const after = await titles('', byTitle);
  expect([after.length, after[0], after[1], after[1_501]]).toEqual([3_001, 'R1500', 'R1500b', 'SR0000']);
});

test('by type is by what a person calls it, types of the organisation too', async () => {
  const { titles, rename } = listsOf([
    record('a', { type: 'custom:x' }),
    record('b', { type: 'pamMachine' }),
    record('c', { type: 'sshKeys' }),
    record('d', { type: 'login' }),
  ]);
  rename([{ type: 'custom:x', title: 'Badge', fields: [] }]);
  const names = await titles('', { by: 'type', descending: false });
  expect(names).toEqual(['a', 'd', 'b', 'c']);
  rename([{ type: 'custom:x', title: 'Zebra', fields: [] }]);
  expect(await titles('', { by: 'type', descending: false })).toEqual(['d', 'b', 'c', 'a']);
});
