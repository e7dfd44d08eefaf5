import { describe, expect, test } from 'vitest';
import { ProtocolError } from '../../../protocol/errors.ts';
import type { RecordContent } from '../../../protocol/records/content.ts';
import { newUid, type Uid } from '../../../protocol/uid.ts';
import { passwordHolders, type OpenableBook } from '../../../workers/engine/records/password-holders.ts';
import type { PasswordHolder } from '../../../workers/tools/report.ts';

function bookOf(contents: readonly (RecordContent | ProtocolError)[]): OpenableBook {
  const records = new Map<Uid, RecordContent | ProtocolError>(contents.map((content) => [newUid(), content]));
  return {
    entries: () =>
      [...records].map(([uid, content], at) => ({
        uid,
        title: content instanceof Error ? 'gone' : content.title,
        changedAt: at,
      })),
    open: async (uid) => {
      const content = records.get(uid);
      if (content === undefined || content instanceof Error) throw content ?? new Error('no such record');
      return { content };
    },
  };
}

async function all(book: () => OpenableBook): Promise<PasswordHolder[]> {
  const holders: PasswordHolder[] = [];
  for await (const holder of passwordHolders(book)) holders.push(holder);
  return holders;
}

const wiki: RecordContent = {
  type: 'login',
  title: 'Wiki',
  fields: [
    { type: 'login', value: ['ada'] },
    { type: 'password', value: ['one'] },
    { type: 'secret', label: 'passphrase', value: ['no password'] },
  ],
  custom: [{ type: 'password', label: 'old', value: ['two', 'three'] }],
};

describe('passwords of a vault', () => {
  test('are those of own and added fields, with the title and the time of the record', async () => {
    const book = bookOf([wiki]);
    const [holder] = await all(() => book);
    expect(holder).toMatchObject({ title: 'Wiki', passwords: ['one', 'two', 'three'], changedAt: 0 });
  });

  test('a record that went or does not open is passed over', async () => {
    const gone = [new ProtocolError('not-found'), wiki, new ProtocolError('open-failed')];
    const book = bookOf(gone);
    expect((await all(() => book)).map(({ title }) => title)).toEqual(['Wiki']);
  });

  test('end when the vault is locked meanwhile', async () => {
    const book = bookOf([wiki, wiki, wiki]);
    let asked = 0;
    const locking = () => {
      if (++asked > 2) throw new ProtocolError('locked');
      return book;
    };
    await expect(all(locking)).rejects.toMatchObject({ name: 'locked' });
  });

  test('a failure that is no record’s own ends it', async () => {
    const book = bookOf([new ProtocolError('unavailable')]);
    await expect(all(() => book)).rejects.toMatchObject({ name: 'unavailable' });
  });
});
