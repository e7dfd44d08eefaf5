import { describe, expect, test } from 'vitest';
import { concat, copy, utf8, type Bytes } from '../../../../protocol/bytes.ts';
import { detectFormat, importFormats, readVault } from '../../../../workers/exchange/formats.ts';
import { VaultDraft } from '../../../../workers/exchange/imported.ts';
import { openZip } from '../../../../workers/exchange/zip-archive.ts';
import { processorMs } from '../../../fixtures/processor-time.ts';
import { bitwardenSealed, jsonBytes, keepassDatabase, zipOf } from './samples.ts';

describe('archives', () => {
  const zeros = new Uint8Array(30_000_000);

  test('a part that unpacks beyond what is asked for is refused by what it says', async () => {
    const archive = await openZip(await zipOf({ bomb: zeros }));
    await expect(archive.read('bomb', 1_000_000)).rejects.toThrow('larger than an import can be');
  });

  test('a part that lies about its size is stopped as it comes out', async () => {
    const bomb = await zipOf({ bomb: zeros });
    expect(bomb.length).toBeLessThan(100_000);
    const lying = withSize(bomb, zeros.length, 10);
    const archive = await openZip(lying);
    await expect(archive.read('bomb', 1_000_000)).rejects.toMatchObject({ code: 'malformed' });
  });

  test('an export.data that unpacks to more than text can be is refused without being unpacked', async () => {
    const bomb = withSize(await zipOf({ 'export.data': zeros }), zeros.length, 0xf000_0000);
    const refused = () =>
      expect(readVault('onepassword', bomb)).rejects.toThrow('larger than an import can be');
    expect(await processorMs(refused)).toBeLessThan(1000);
  });

  test('parts that share their bytes are refused: the overlapping bomb', async () => {
    const archive = await zipOf({ aaaa: 'x'.repeat(1000), bbbb: 'y'.repeat(1000) });
    const view = new DataView(archive.buffer);
    const second = indexOf(archive, [0x50, 0x4b, 1, 2], indexOf(archive, [0x50, 0x4b, 1, 2]) + 4);
    view.setUint32(second + 42, 0, true); // its local header is now that of the first
    const opened = await openZip(archive).catch((error: unknown) => error);
    if (opened instanceof Error) expect(opened).toMatchObject({ code: 'malformed' });
    else
      await expect((opened as Awaited<ReturnType<typeof openZip>>).read('bbbb')).rejects.toMatchObject({
        code: 'malformed',
      });
  });

  test('a name that climbs out of its folder, two parts of one name, an encrypted part', async () => {
    await expect(openZip(await zipOf({ '../evil': 'x' }))).rejects.toMatchObject({ code: 'malformed' });
    const twice = await zipOf({ aaaa: 'x', aaab: 'y' });
    for (let at = indexOf(twice, [...utf8('aaab')]); at >= 0; at = indexOf(twice, [...utf8('aaab')], at + 1))
      twice.set(utf8('aaaa'), at);
    await expect(openZip(twice)).rejects.toMatchObject({ code: 'malformed' });
  });

  test('cut anywhere, it is malformed', async () => {
    const archive = await zipOf({ 'export.data': '{"accounts":[]}' });
    for (let length = 4; length < archive.length; length += 7)
      await expect(readVault('onepassword', archive.slice(0, length))).rejects.toMatchObject({
        code: 'malformed',
      });
  });

  /** The archive with another unpacked size in both of its headers. */
  function withSize(archive: Bytes, from: number, to: number): Bytes {
    const bytes = copy(archive);
    const view = new DataView(bytes.buffer);
    for (let at = 0; at + 4 <= bytes.length; at++)
      if (view.getUint32(at, true) === from) view.setUint32(at, to, true);
    return bytes;
  }

  function indexOf(bytes: Bytes, wanted: readonly number[], from = 0): number {
    return Buffer.from(bytes.buffer).indexOf(Buffer.from(wanted), from);
  }
});

describe('amounts', () => {
  test('more records than an import can be', async () => {
    const items = Array.from({ length: 100_001 }, () => ({}));
    await expect(readVault('keeper', jsonBytes(items))).rejects.toThrow('more than 100000 entries');
  });

  test('more folders, deeper folders', () => {
    const vault = new VaultDraft('test');
    expect(() => vault.folder(Array.from({ length: 33 }, () => 'f'))).toThrow('nested deeper than 32');
    expect(() => {
      for (let i = 0; i <= 20_000; i++) vault.folder([String(i)]);
    }).toThrow('more than 20000 folders');
  });

  test('json nested a hundred thousand deep', async () => {
    const deep = utf8('['.repeat(100_000) + ']'.repeat(100_000));
    await expect(readVault('bitwarden', deep)).rejects.toMatchObject({ code: 'malformed' });
    await expect(readVault('keeper', concat(utf8('{"records":'), deep, utf8('}')))).rejects.toMatchObject({
      code: 'malformed',
    });
  });

  test('a report without end is cut and says so', () => {
    const vault = new VaultDraft('test');
    for (let i = 0; i < 6000; i++) vault.leave(`thing ${i}`, 'why');
    const { left } = vault.finish();
    expect([left.length, left.at(-1)?.what]).toEqual([5001, '1000 more']);
  });

  test('a record too large is left, or keeps its notes as a file', async () => {
    const big = 'x'.repeat(240_000);
    const items = [
      { type: 1, name: 'Notes', notes: big },
      {
        type: 1,
        name: 'Fields',
        fields: Array.from({ length: 10 }, (_, i) => ({ name: `f${i}`, value: 'y'.repeat(60_000), type: 0 })),
      },
    ];
    const vault = await readVault('bitwarden', jsonBytes({ items }));
    expect(
      vault.records.map(({ content, attachments }) => [
        content.title,
        attachments[0]?.name,
        attachments[0]?.bytes.length,
      ]),
    ).toEqual([['Notes', 'notes.txt', 240_000]]);
    expect(vault.left).toMatchObject([{ what: '"Fields"' }]);
  });

  test('names of the prototype are names', async () => {
    const items = [
      { type: '__proto__', name: 'A' },
      { type: 'constructor', name: 'B', fields: [{ name: '__proto__', value: 'v', type: 0 }] },
    ];
    const vault = await readVault('bitwarden', utf8(JSON.stringify({ items })));
    expect(vault.records.map(({ content }) => content.type)).toEqual(['encryptedNotes', 'encryptedNotes']);
    expect(vault.records[1]?.content.custom).toEqual([{ type: 'text', label: '__proto__', value: ['v'] }]);
  });

  test('a file name cannot be a path, nor hide its end', async () => {
    const records = [
      {
        title: 'T',
        attachments: ['../../etc/passwd', 'a\u202Etxt.exe', '..', ''].map((name, i) => ({
          file_uid: `f${i}`,
          name,
        })),
      },
    ];
    const file = await zipOf({
      'export.json': JSON.stringify(records),
      'files/f0': 'x',
      'files/f1': 'x',
      'files/f2': 'x',
      'files/f3': 'x',
    });
    const [record] = (await readVault('keeper', file)).records;
    expect(record?.attachments.map(({ name }) => name)).toEqual([
      '.._.._etc_passwd',
      'a_txt.exe',
      'file',
      'file',
    ]);
  });

  test.each(importFormats)('%s: an empty file', async (format) => {
    await expect(readVault(format, new Uint8Array(0))).rejects.toMatchObject({ code: 'malformed' });
  });
});

describe('what a file is', () => {
  test.each([
    ['x.csv', 'name,url,username,password\n', 'csv', false],
    ['x.csv', 'url,username,password,totp,extra,name,grouping,fav\n', 'lastpass', false],
    ['x', '{"encrypted":false,"items":[]}', 'bitwarden', false],
    ['x.json', '{"records":[]}', 'keeper', false],
    ['x.json', '[{"title":"a"}]', 'keeper', false],
    ['x', '{"format":"sallyport","version":1}', 'sallyport', false],
    ['x.xml', '<?xml version="1.0"?>\n<user-mapping/>', 'guacamole-mapping', false],
    ['x.sql', 'INSERT INTO guacamole_connection VALUES (1);', 'guacamole-database', false],
    [
      'x.sql',
      `${'-- noise\n'.repeat(20_000)}INSERT INTO guacamole_connection VALUES (1);`,
      'guacamole-database',
      false,
    ],
    ['x.csv', 'connection_name,protocol,parameter_name,parameter_value\n', 'guacamole-database', false],
  ])('%s %.40j is %s', async (name, text, format, needsPassword) => {
    expect(await detectFormat(name, utf8(text))).toEqual({ format, needsPassword });
  });

  test('archives, sealed files, and what nobody knows', async () => {
    expect(await detectFormat('x', await zipOf({ 'export.data': '{}' }))).toMatchObject({
      format: 'onepassword',
    });
    expect(await detectFormat('x', await zipOf({ 'export.json': '{}' }))).toMatchObject({ format: 'keeper' });
    expect(await detectFormat('x', await zipOf({ other: '{}' }))).toBeNull();
    expect(await detectFormat('x', jsonBytes(await bitwardenSealed({}, 'p', 'pbkdf2')))).toEqual({
      format: 'bitwarden',
      needsPassword: true,
    });
    expect(await detectFormat('x', new Uint8Array(await keepassDatabase('p').save()))).toEqual({
      format: 'keepass',
      needsPassword: true,
    });
    for (const text of ['{', '[1]', '<html></html>', 'one line of text', '\u0000\u0001'])
      expect(await detectFormat('x', utf8(text))).toBeNull();
  });
});
