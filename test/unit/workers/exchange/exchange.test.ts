import { beforeEach, describe, expect, test } from 'vitest';
import { concat, parseUtf8, utf8, type Bytes } from '../../../../protocol/bytes.ts';
import { linksOf } from '../../../../protocol/records/links.ts';
import type { ExportRequest } from '../../../../workers/api/exchange.ts';
import { Exchange } from '../../../../workers/engine/exchange/exchange.ts';
import { MemoryVault } from '../../../fakes/memory-vault.ts';
import { jsonBytes, zipOf } from './samples.ts';

const password = 'a long password';
const nothing = () => {};

const keeper = (more: readonly object[] = []) =>
  zipOf({
    'export.json': JSON.stringify([
      {
        uid: 'm',
        title: 'Machine',
        $type: 'pamMachine',
        custom_fields: {
          $pamHostname: { hostName: 'h', port: '22' },
          $pamSettings: { connection: { protocol: 'ssh', launchCredentials: 'u' } },
        },
        folders: [{ folder: 'Work\\Servers' }],
      },
      {
        uid: 'u',
        title: 'Root',
        $type: 'pamUser',
        login: 'root',
        password: 'pw',
        attachments: [{ file_uid: 'f', name: 'key.pem' }],
      },
      { uid: 'l', title: 'Site', login: 'ann', password: 'pw2', folders: [{ folder: 'Work' }] },
      ...more,
    ]),
    'files/f': 'file bytes',
  });

let vault: MemoryVault;
let exchange: Exchange;

beforeEach(() => {
  vault = new MemoryVault();
  exchange = new Exchange(vault);
});

async function importKeeper(more: readonly object[] = [], options: { skipKnown?: boolean } = {}) {
  const { previewUid } = await exchange.preview({ format: 'keeper', bytes: await keeper(more) });
  return await exchange.run({ previewUid, folderUid: null, ...options }, nothing);
}

async function exported(request: ExportRequest): Promise<Bytes> {
  const parts: Bytes[] = [];
  await exchange.export(request, (bytes) => void parts.push(bytes), nothing);
  return concat(...parts);
}

describe('import', () => {
  test('a file is told by its content; a table comes with its columns', async () => {
    expect(await exchange.detect('x.zip', await keeper())).toEqual({
      format: 'keeper',
      needsPassword: false,
      table: null,
    });
    const table = await exchange.detect('x.csv', utf8('name,password\na,b\n'));
    expect(table).toMatchObject({
      format: 'csv',
      table: { headers: ['name', 'password'], samples: [['a', '••••••']] },
    });
  });

  test('the preview makes nothing and shows no secret', async () => {
    const preview = await exchange.preview({ format: 'keeper', bytes: await keeper() });
    expect(preview).toMatchObject({
      source: 'Keeper JSON',
      records: 3,
      folders: 2,
      attachments: 1,
      attachmentBytes: 10,
      links: 1,
      known: 0,
      left: [],
    });
    expect(preview.rows[2]).toEqual({
      type: 'login',
      title: 'Site',
      subtitle: 'ann',
      folder: ['Work'],
      attachments: 0,
      known: false,
    });
    expect(JSON.stringify(preview)).not.toContain('pw');
    expect([vault.records.size, vault.made.length]).toEqual([0, 0]);
  });

  test('folders, links, attachments and progress', async () => {
    const { previewUid } = await exchange.preview({ format: 'keeper', bytes: await keeper() });
    const seen: (readonly [number, number])[] = [];
    const result = await exchange.run(
      { previewUid, folderUid: null },
      (done, of) => void seen.push([done, of]),
    );
    expect(result).toMatchObject({ folders: 2, attachments: 1, left: [], cancelled: false });
    expect(result.recordUids).toHaveLength(3);
    expect(seen).toEqual([
      [2, 4],
      [3, 4],
      [4, 4],
    ]);
    expect(vault.pathOf(vault.titled('Machine').folderUid)).toBe('/Work/Servers');
    const [link] = linksOf(vault.titled('Machine').content);
    expect([link?.role, link && vault.records.get(link.recordUid)?.content.title]).toEqual([
      'launch',
      'Root',
    ]);
    expect(vault.files.size).toBe(1);
  });

  test('a second time folders are used again, and what is known may be skipped', async () => {
    await importKeeper();
    const { known } = await exchange.preview({ format: 'keeper', bytes: await keeper() });
    expect(known).toBe(2); // the machine is told by its host, which this stand-in does not list
    const result = await importKeeper([{ title: 'New' }], { skipKnown: true });
    expect([result.recordUids.length, result.folders, vault.made.length]).toEqual([2, 0, 2]);
    expect(result.left).toEqual([{ what: 'a link of "Machine"', why: 'the other record was left out' }]);
  });

  test('into a folder of the vault', async () => {
    const folderUid = await vault.createFolder({ name: 'Imported', parentUid: null });
    const { previewUid } = await exchange.preview({ format: 'keeper', bytes: await keeper() });
    await exchange.run({ previewUid, folderUid }, nothing);
    expect(vault.pathOf(vault.titled('Root').folderUid)).toBe('/Imported');
    expect(vault.pathOf(vault.titled('Site').folderUid)).toBe('/Imported/Work');
  });

  test('cancelled on the way it tells what was made', async () => {
    vault.batch = 1;
    vault.afterBatch = () => exchange.cancel();
    const result = await importKeeper();
    expect([result.cancelled, result.recordUids.length, vault.records.size]).toEqual([true, 1, 1]);
  });

  test('an attachment that cannot be stored is reported, without stopping the others', async () => {
    vault.refused.add('key.pem');
    const result = await importKeeper();
    expect([result.cancelled, result.attachments, result.left]).toEqual([
      false,
      0,
      [{ what: 'file "key.pem" of "Root"', why: 'no room for it' }],
    ]);
  });

  test('a preview is run once, is replaced by the next, and is gone when discarded or locked', async () => {
    const bytes = jsonBytes({ items: [{ type: 1, name: 'A' }] });
    const [first, second] = [
      await exchange.preview({ format: 'bitwarden', bytes }),
      await exchange.preview({ format: 'bitwarden', bytes }),
    ];
    await expect(
      exchange.run({ previewUid: first.previewUid, folderUid: null }, nothing),
    ).rejects.toMatchObject({ code: 'not-found' });
    await exchange.run({ previewUid: second.previewUid, folderUid: null }, nothing);
    await expect(
      exchange.run({ previewUid: second.previewUid, folderUid: null }, nothing),
    ).rejects.toMatchObject({ code: 'not-found' });
    const third = await exchange.preview({ format: 'bitwarden', bytes });
    exchange.discard(third.previewUid);
    await expect(
      exchange.run({ previewUid: third.previewUid, folderUid: null }, nothing),
    ).rejects.toMatchObject({ code: 'not-found' });
    vault.closing.abort();
    await expect(exchange.preview({ format: 'bitwarden', bytes })).rejects.toMatchObject({ code: 'locked' });
  });
});

describe('export', () => {
  test.each([{ format: 'sealed', password }, { format: 'zip' }] as const)(
    '$format moves a vault to another one',
    async (request) => {
      await importKeeper();
      vault.titled('Site').favourite = true;
      vault.titled('Site').tags = ['a', 'b'];
      const file = await exported(request);
      const other = new MemoryVault();
      const there = new Exchange(other);
      const { previewUid, left } = await there.preview({ format: 'sallyport', bytes: file, password });
      const result = await there.run({ previewUid, folderUid: null }, nothing);
      expect([left, result.left]).toEqual([[], []]);
      expect(other.titled('Site')).toMatchObject({ favourite: true, tags: ['a', 'b'] });
      expect(other.pathOf(other.titled('Machine').folderUid)).toBe('/Work/Servers');
      const [link] = linksOf(other.titled('Machine').content);
      expect(link && other.records.get(link.recordUid)?.content.title).toBe('Root');
      expect([...other.files.values()].map(parseUtf8)).toEqual(['file bytes']);
    },
  );

  test('no uid of the vault is in a file in clear', async () => {
    const { recordUids } = await importKeeper();
    const text = parseUtf8(await exported({ format: 'json' }));
    for (const uid of [...recordUids, ...vault.files.keys(), ...vault.made.map((folder) => folder.uid)])
      expect(text).not.toContain(uid);
  });

  test('tells its progress and what it left', async () => {
    await importKeeper();
    const seen: (readonly [number, number])[] = [];
    const result = await exchange.export(
      { format: 'zip' },
      nothing,
      (done, of) => void seen.push([done, of]),
    );
    expect(seen.at(-1)).toEqual([6, 6]);
    expect(result).toMatchObject({ records: 3, attachments: 1, left: [] });
    vault.access = 'launch';
    expect((await exchange.export({ format: 'csv' }, nothing, nothing)).left[0]).toEqual({
      what: '"Machine"',
      why: 'it may be connected with, not read',
    });
  });

  test('a record that does not open keeps its place, and the export goes on', async () => {
    await importKeeper();
    vault.unreadable.add('Machine');
    const result = await exchange.export({ format: 'json' }, nothing, nothing);
    expect(result.left.map(({ what }) => what)).toContain('the content of "Machine"');
    expect(result.records).toBe(3);
  });

  test('a short password is refused before anything is read', async () => {
    await expect(
      exchange.export({ format: 'sealed', password: 'short' }, nothing, nothing),
    ).rejects.toMatchObject({ code: 'weak-parameters' });
  });

  test('is cancelled by the person, by the lock, and by a page that takes no more', async () => {
    await importKeeper();
    const cancelling = exchange.export({ format: 'json' }, () => exchange.cancel(), nothing);
    await expect(cancelling).rejects.toMatchObject({ code: 'cancelled' });
    const full = exchange.export(
      { format: 'json' },
      async () => {
        throw new Error('disk full');
      },
      nothing,
    );
    await expect(full).rejects.toThrow('disk full');
    const locking = exchange.export({ format: 'sealed', password }, () => vault.closing.abort(), nothing);
    await expect(locking).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('one at a time', async () => {
    const first = exchange.export(
      { format: 'json' },
      async () => {
        await expect(exchange.export({ format: 'csv' }, nothing, nothing)).rejects.toMatchObject({
          code: 'conflict',
        });
      },
      nothing,
    );
    await first;
  });
});
