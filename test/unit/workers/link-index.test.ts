import { expect, test } from 'vitest';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { RecordContent } from '../../../protocol/records/content.ts';
import { withLink, type LinkRole } from '../../../protocol/records/links.ts';
import { newUid, type Uid } from '../../../protocol/uid.ts';
import { LinkIndex } from '../../../workers/engine/records/link-index.ts';
import type { RecordBook } from '../../../workers/engine/records/record-book.ts';

interface Kept {
  readonly title: string;
  readonly content: RecordContent | null;
  readonly revision?: number;
  readonly deleted?: boolean;
  readonly launchOnly?: boolean;
}

/** A book of records that counts what is opened; content null does not open. */
function bookOf(records: Map<Uid, Kept>) {
  const opened: Uid[] = [];
  const book = {
    *all() {
      for (const [uid, { title, content, revision = 1, deleted = false, launchOnly = false }] of records)
        yield { uid, revision, deleted, entry: { title, type: content?.type ?? 'pamMachine', launchOnly } };
    },
    open: async (uid: Uid) => {
      opened.push(uid);
      const content = records.get(uid)?.content;
      if (!content) throw new ProtocolError('open-failed');
      return { content };
    },
  } as unknown as Pick<RecordBook, 'all' | 'open'>;
  return { opened, index: new LinkIndex(book) };
}

const user = newUid();
const machine = (...roles: readonly LinkRole[]): RecordContent =>
  roles.reduce<RecordContent>((content, role) => withLink(content, { recordUid: user, role }), {
    type: 'pamMachine',
    title: '',
    fields: [{ type: 'pamSettings', value: [] }],
  });

test('records that link a user come by title, with every role', async () => {
  const { index } = bookOf(
    new Map([
      [newUid(), { title: 'web', content: machine('user') }],
      [newUid(), { title: 'db', content: machine('launch', 'administrative') }],
      [newUid(), { title: 'other', content: machine() }],
      [newUid(), { title: 'login', content: { type: 'login', title: '', fields: [] } }],
    ]),
  );
  const found = await index.linksTo(user);
  expect(found.map(({ title, roles }) => [title, roles])).toEqual([
    ['db', ['launch', 'administrative']],
    ['web', ['user']],
  ]);
  expect(await index.linksTo(newUid())).toEqual([]);
});

test('each record is opened once, and again when it changed', async () => {
  const [one, other] = [newUid(), newUid()];
  const records = new Map<Uid, Kept>([
    [one, { title: 'one', content: machine('launch') }],
    [other, { title: 'other', content: machine('launch') }],
  ]);
  const { index, opened } = bookOf(records);
  await index.linksTo(user);
  await index.linksTo(user);
  expect(opened).toEqual([one, other]);
  records.set(one, { title: 'one', content: machine(), revision: 2 });
  expect(await index.linksTo(user)).toHaveLength(1);
  expect(opened).toEqual([one, other, one]);
});

test('what may only be launched, is in the trash or does not open links nobody', async () => {
  const { index, opened } = bookOf(
    new Map([
      [newUid(), { title: 'launch only', content: machine('launch'), launchOnly: true }],
      [newUid(), { title: 'deleted', content: machine('launch'), deleted: true }],
      [newUid(), { title: 'broken', content: null }],
    ]),
  );
  expect(await index.linksTo(user)).toEqual([]);
  expect(opened).toHaveLength(1);
});
