import fc from 'fast-check';
import { expect, test } from 'vitest';
import { newUid, type Uid } from '../../../../protocol/uid.ts';
import type { CardBook, KnownCard } from '../../../../workers/engine/organising/card-book.ts';
import type { KnownRecord } from '../../../../workers/engine/records/known-record.ts';
import type { RecordBook } from '../../../../workers/engine/records/record-book.ts';
import type { RecordEntry } from '../../../../workers/engine/records/record-entry.ts';
import { parseQuery, plain } from '../../../../workers/engine/search/query.ts';
import { RecordLists } from '../../../../workers/engine/search/record-lists.ts';
import { decodeSnapshot, encodeSnapshot } from '../../../../workers/engine/snapshot/snapshot-codec.ts';
import { runs } from '../../../fuzz-runs.ts';

const me = newUid();
/** Of an account that shares nothing and has nothing of others. */
const unshared = { accessTo: () => null, folders: () => Promise.resolve([]), isShared: () => false };
const custom = { type: 'custom:badge', title: 'Visitor Badge', fields: [] };
const word = fc.constantFrom('Mail', 'bank', 'Bänk', 'ab', 'b', 'https', 'x\ny', 'Shop 1', 'é😀', '');
const text = fc.array(word, { maxLength: 3 }).map((words) => words.join(' '));
const some = fc.record({
  title: text,
  login: text,
  host: text,
  url: text.map((path) => (path === '' ? '' : `https://Host.example/${path}`)),
  more: text.map(plain),
  type: fc.constantFrom('login', 'custom:badge', 'pamUser'),
  trashed: fc.boolean(),
  favourite: fc.boolean(),
  tags: fc.subarray(['Réd', 'ab blue']),
});
type Some = typeof some extends fc.Arbitrary<infer T> ? T : never;
const query = fc
  .array(
    fc.tuple(
      fc.constantFrom('', '', 'title:', 'user:', 'url:', 'host:', 'text:', 'type:', 'tag:'),
      word.filter(Boolean),
    ),
    { minLength: 1, maxLength: 2 },
  )
  .map((words) => words.map(([field, value]) => `${field}"${value}"`).join(' '));

function known({ tags: _, favourite: __, ...more }: Some, uid = newUid()): KnownRecord {
  const entry: RecordEntry = {
    ...{ uid, ownerUid: me, changedAt: 0, machine: null, pins: null },
    ...{ parentUid: null, launchOnly: false, launchable: false },
    ...more,
  };
  return {
    ...{ uid, ownerUid: me, revision: 1, keyVersion: 1, deleted: more.trashed, trashedAt: null },
    ...{ tag: uid, covered: null, proved: true, entry },
  };
}

/** What a search is to find, said in the shortest way. */
function isFound({ entry }: KnownRecord, tags: readonly string[], asked: string): boolean {
  if (entry === null || entry.trashed) return false;
  const { words, fields } = parseQuery(asked);
  const type = `${entry.type}\n${entry.type === custom.type ? custom.title : entry.type === 'login' ? 'Login' : 'PAM user'}`;
  const host = entry.host || (entry.url === '' ? '' : 'host.example');
  const places = {
    title: entry.title,
    user: entry.login,
    url: entry.url,
    host,
    text: entry.more,
    type,
    tag: tags.join('\n'),
  };
  const all = [entry.title, entry.login, entry.host, entry.url, entry.more, type];
  const has = (value: string, asking: string) =>
    value.split('\n').some((line) => plain(line).includes(asking)) || plain(value).includes(asking);
  return (
    words.every(
      (one) => all.some((value) => has(value, one)) || tags.some((tag) => plain(tag).includes(one)),
    ) && fields.every((one) => has(places[one.field as keyof typeof places], one.word))
  );
}

test('searches find what a naive filter finds, from a snapshot and after changes, whatever was asked before', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(some, { maxLength: 12 }),
      fc.array(fc.tuple(fc.nat({ max: 15 }), some), { maxLength: 6 }),
      fc.array(query, { minLength: 1, maxLength: 4 }),
      async (before, changes, queries) => {
        const records = new Map<Uid, KnownRecord>();
        const cards = new Map<Uid, KnownCard>();
        const put = (one: Some, uid?: Uid) => {
          const record = known(one, uid);
          records.set(record.uid, record);
          const { favourite, tags } = one;
          cards.set(record.uid, {
            uid: record.uid,
            revision: 1,
            tag: record.uid,
            folderUid: null,
            favourite,
            tags,
          });
          return record;
        };
        for (const one of before) put(one);
        const lists = new RecordLists({
          ...{ accountUid: me, sharing: unshared, version: () => 1, recordTypes: () => [custom] },
          book: {
            all: () => records.values(),
            get: (uid: Uid) => records.get(uid) ?? null,
            ofType: () => [],
          } as unknown as RecordBook,
          cards: { get: (uid: Uid) => cards.get(uid) ?? null } as unknown as CardBook,
        });
        const state = { records: records.values(), cards: cards.values(), gone: [], others: [], set: null };
        lists.load(decodeSnapshot(encodeSnapshot(state)).records.list);
        const ask = async () => {
          for (const asked of queries) {
            const found = await lists.list({ query: asked, sort: { by: 'relevance', descending: false } });
            const naive = [...records.values()].filter((one) =>
              isFound(one, cards.get(one.uid)?.tags ?? [], asked),
            );
            expect(found.map(({ uid }) => uid).sort()).toEqual(naive.map(({ uid }) => uid).sort());
          }
        };
        await ask();
        for (const [at, one] of changes) {
          const changed = put(one, [...records.keys()][at]);
          lists.changed({ records: [changed] });
          await ask();
        }
      },
    ),
    { numRuns: runs(150) },
  );
});
