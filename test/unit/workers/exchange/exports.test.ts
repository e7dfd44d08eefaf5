import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, copy, parseUtf8, utf8, type Bytes } from '../../../../protocol/bytes.ts';
import type { FieldValue, RecordContent } from '../../../../protocol/records/content.ts';
import { exportChunk } from '../../../../protocol/vault/sealed-export.ts';
import { exportCsv } from '../../../../workers/exchange/csv-writer.ts';
import type { ByteSink, ExportedRecord, ExportSource } from '../../../../workers/exchange/export-source.ts';
import { detectFormat, readVault } from '../../../../workers/exchange/formats.ts';
import type { ImportedVault } from '../../../../workers/exchange/imported.ts';
import { exportJson } from '../../../../workers/exchange/json-writer.ts';
import { exportSealed } from '../../../../workers/exchange/sealed-writer.ts';
import { exportZip } from '../../../../workers/exchange/zip-writer.ts';
import { runs } from '../../../fuzz-runs.ts';
import { recordOf, valuesOf, zipOf } from './samples.ts';

const password = 'export password';

function recordWith(content: RecordContent, more: Partial<ExportedRecord> = {}): ExportedRecord {
  return { content, folder: [], favourite: false, tags: [], links: [], attachments: [], ...more };
}

function fileOf(name: string, bytes: Bytes, step = 10_000): ExportedRecord['attachments'][number] {
  return {
    name,
    mediaType: 'application/octet-stream',
    size: bytes.length,
    async *read() {
      for (let from = 0; from < bytes.length; from += step) yield bytes.slice(from, from + step);
    },
  };
}

function sourceOf(
  records: readonly ExportedRecord[],
  folders: readonly (readonly string[])[] = [],
): ExportSource {
  return {
    folders,
    async *records() {
      yield* records;
    },
  };
}

async function collected(write: (sink: ByteSink) => Promise<void>): Promise<Bytes> {
  const parts: Bytes[] = [];
  await write(async (bytes) => void parts.push(bytes));
  return concat(...parts);
}

const big = crypto.getRandomValues(new Uint8Array(60_000));
const long = concat(...Array.from({ length: 12 }, () => big));

const source = sourceOf(
  [
    recordWith(
      {
        type: 'pamMachine',
        title: 'Machine',
        notes: 'n',
        fields: [{ type: 'pamHostname', value: [{ hostName: 'h', port: '22' }] }],
        custom: [{ type: 'secret', label: 'S', value: ['=1+1'] }],
      },
      { folder: ['Work', 'Servers'], favourite: true, tags: ['t'], links: [{ role: 'launch', to: 1 }] },
    ),
    recordWith(
      { type: 'pamUser', title: 'User', fields: [{ type: 'login', value: ['root'] }] },
      {
        attachments: [fileOf('a "b".bin', long), fileOf('empty', new Uint8Array(0)), fileOf('c', utf8('cc'))],
      },
    ),
  ],
  [['Work'], ['Work', 'Servers'], ['Empty']],
);

function expectWhole(vault: ImportedVault): void {
  const machine = recordOf(vault, 'Machine');
  expect(machine.content).toMatchObject({
    notes: 'n',
    custom: [{ type: 'secret', label: 'S', value: ['=1+1'] }],
  });
  expect([machine.folder, machine.favourite, machine.tags, machine.links]).toEqual([
    ['Work', 'Servers'],
    true,
    ['t'],
    [{ role: 'launch', to: 1 }],
  ]);
  expect(recordOf(vault, 'User').attachments.map(({ name, bytes }) => [name, bytes.length])).toEqual([
    ['a "b".bin', long.length],
    ['empty', 0],
    ['c', 2],
  ]);
  expect(recordOf(vault, 'User').attachments[0]?.bytes).toEqual(long);
  expect([vault.folders, vault.left]).toEqual([source.folders, []]);
}

describe('encrypted', async () => {
  const file = await collected((sink) => exportSealed(source, password, sink));
  const headerEnd = file.indexOf(0x0a) + 1;
  const header = parseUtf8(file.slice(0, headerEnd));
  const withHeader = (line: string) => concat(utf8(line), file.slice(headerEnd));
  const read = (bytes: Bytes, word = password) => readVault('sallyport', bytes, { password: word });

  test('comes back whole, attachments and links too', async () => {
    expect(await detectFormat('x', file)).toEqual({ format: 'sallyport', needsPassword: true });
    expectWhole(await read(file));
  });

  test('nothing of it is readable', () => {
    expect(Buffer.from(file).includes('Machine')).toBe(false);
    expect(Buffer.from(file).includes(Buffer.from(big.slice(0, 32)))).toBe(false);
  });

  test('a wrong password, and none, are called that', async () => {
    await expect(read(file, 'other')).rejects.toMatchObject({ code: 'wrong-password' });
    await expect(readVault('sallyport', file)).rejects.toMatchObject({ code: 'wrong-password' });
  });

  test('one password, however it is typed', async () => {
    const composed = await collected((sink) => exportSealed(sourceOf([]), 'pässword', sink));
    await expect(read(composed, 'pässword')).resolves.toMatchObject({ records: [] });
  });

  test('every frame is bound: bits, order, end, header', async () => {
    const frame = 4 + 37 + exportChunk;
    const second = headerEnd + frame;
    const flipped = copy(file);
    flipped[second + 100] = (flipped[second + 100] ?? 0) ^ 1;
    await expect(read(flipped)).rejects.toMatchObject({ code: 'open-failed' });
    const swapped = concat(
      file.slice(0, headerEnd),
      file.slice(second, second + frame),
      file.slice(headerEnd, second),
      file.slice(second + frame),
    );
    await expect(read(swapped)).rejects.toMatchObject({ code: 'wrong-password' });
    await expect(read(file.slice(0, second + frame))).rejects.toThrow(/cut short at part 2/);
    await expect(read(file.slice(0, -1))).rejects.toMatchObject({ code: 'open-failed' });
    await expect(read(concat(file, file.slice(headerEnd, second)))).rejects.toMatchObject({
      code: 'open-failed',
    });
    await expect(read(file.slice(0, headerEnd))).rejects.toMatchObject({ code: 'wrong-password' });
  });

  test.each([
    [(text: string) => text.replace('65536', '65535'), 'weak-parameters'],
    [(text: string) => text.replace('65536', '1048577'), 'weak-parameters'],
    [(text: string) => text.replace('"passes":3', '"passes":2'), 'weak-parameters'],
    [(text: string) => text.replace('"passes":3', '"passes":17'), 'weak-parameters'],
    [(text: string) => text.replace('"parallelism":1', '"parallelism":2'), 'weak-parameters'],
    [(text: string) => text.replace('"passes":3', '"passes":4'), 'wrong-password'],
    [(text: string) => text.replace('"version":1', '"version":2'), 'unsupported-version'],
    [(text: string) => text.replace('{"format"', '{"more":1,"format"'), 'malformed'],
    [(text: string) => text.replace('argon2id', 'pbkdf2'), 'malformed'],
    [(text: string) => text.replace(/"salt":"./, '"salt":"'), 'malformed'],
    [
      (text: string) =>
        text.replace(/"salt":"../, (part) => `${part.slice(0, -1)}${part.endsWith('A') ? 'B' : 'A'}`),
      'wrong-password',
    ],
    [(text: string) => text.replace('\n', ' '.repeat(2000)), 'malformed'],
  ])('header change %# is refused', async (change, code) => {
    expect(change(header)).not.toBe(header);
    // A header that the format's detection no longer knows is read as an export in clear, which it is not either.
    await expect(read(withHeader(change(header)))).rejects.toMatchObject({ code });
  });

  test('an attachment of another length than its record says stops the export', async () => {
    const wrong = { ...fileOf('x', utf8('abc')), size: 2 };
    const bad = sourceOf([recordWith({ type: 'file', title: 'F', fields: [] }, { attachments: [wrong] })]);
    await expect(exportSealed(bad, password, async () => {})).rejects.toMatchObject({ code: 'conflict' });
    await expect(exportZip(bad, async () => {})).rejects.toMatchObject({ code: 'conflict' });
  });

  test('holds no more than a frame, whatever the size', async () => {
    const mebibyte = new Uint8Array(1024 * 1024);
    let [written, inFlight] = [0, 0];
    let most = 0;
    const large: ExportedRecord['attachments'][number] = {
      name: 'large',
      mediaType: 'application/octet-stream',
      size: 64 * mebibyte.length,
      async *read() {
        for (let part = 0; part < 64; part++) {
          inFlight += mebibyte.length;
          yield mebibyte;
        }
      },
    };
    const records = sourceOf([
      recordWith({ type: 'file', title: 'F', fields: [] }, { attachments: [large] }),
    ]);
    await exportSealed(records, password, async (bytes) => {
      written += bytes.length;
      most = Math.max(most, inFlight - written);
    });
    expect(written).toBeGreaterThan(large.size);
    expect(most).toBeLessThanOrEqual(mebibyte.length + exportChunk);
  });

  test('a sink that fails ends it', async () => {
    const full = async () => {
      throw new Error('no room');
    };
    await expect(exportSealed(source, password, full)).rejects.toThrow('no room');
    await expect(exportZip(source, full)).rejects.toThrow('no room');
  });
});

describe('in clear', () => {
  test('a zip comes back whole', async () => {
    const file = await collected((sink) => exportZip(source, sink));
    expect(await detectFormat('x', file)).toEqual({ format: 'sallyport', needsPassword: false });
    expectWhole(await readVault('sallyport', file));
  });

  test('json comes back, and says which files are not in it', async () => {
    const file = await collected((sink) => exportJson(source, sink));
    const vault = await readVault('sallyport', file);
    expect(recordOf(vault, 'Machine').links).toEqual([{ role: 'launch', to: 1 }]);
    expect(vault.left).toHaveLength(3);
  });

  test('a zip whose file is larger than it says is refused', async () => {
    const record = {
      content: { type: 'file', title: 'F', fields: [] },
      folder: [],
      favourite: false,
      tags: [],
      links: [],
      attachments: [{ name: 'x', mediaType: 'a/b', size: 2, path: 'files/1' }],
    };
    const file = await zipOf({
      'vault.json': JSON.stringify({ format: 'sallyport', version: 1, folders: [], records: [record] }),
      'files/1': 'abc',
    });
    await expect(readVault('sallyport', file)).rejects.toMatchObject({ code: 'malformed' });
  });

  test.each([
    [{ format: 'other' }, 'no export of a vault'],
    [{ format: 'sallyport', version: 2 }, 'another version'],
    [{ format: 'sallyport', version: 1, records: [{ content: {} }] }, 'not a record content'],
    [
      {
        format: 'sallyport',
        version: 1,
        records: [{ content: { type: 'a', title: 'b', fields: [] }, links: [{ role: 'launch', to: 5 }] }],
      },
      'a record that is not there',
    ],
  ])('%j is refused', async (file, message) => {
    await expect(readVault('sallyport', utf8(JSON.stringify(file)))).rejects.toThrow(message);
  });

  test('csv: no value starts a formula, and reading it back gives the same texts', async () => {
    const content: RecordContent = {
      type: 'login',
      title: '=HYPERLINK("http://x")',
      notes: '@note',
      fields: [
        { type: 'login', value: ['+user'] },
        { type: 'password', value: ['\'-pw,"\n='] },
        { type: 'url', value: ['https://a.example'] },
        { type: 'oneTimeCode', value: ['otpauth://totp/x?secret=JBSWY3DPEHPK3PXP'] },
      ],
      custom: [
        { type: 'text', label: 'Colour', value: ['blue\nA: red'] },
        { type: 'checkbox', label: 'On', value: [true] },
        { type: 'host', label: 'Host', value: [{ hostName: 'h', port: '1' }] },
      ],
    };
    const text = parseUtf8(
      await collected((sink) =>
        exportCsv(sourceOf([recordWith(content, { folder: ['A', 'B/C'], tags: ['x'] })]), sink),
      ),
    );
    for (const cell of text.split(/,(?=")|\r\n/)) expect(cell).not.toMatch(/^"[=+\-@\t\r\n]/);
    const vault = await readVault('csv', utf8(text));
    const back = recordOf(vault, content.title);
    expect([back.content.notes, back.folder, back.tags]).toEqual(['@note', ['A', 'B∕C'], ['x']]);
    expect(valuesOf(back.content)).toEqual({
      login: '+user',
      password: '\'-pw,"\n=',
      url: 'https://a.example',
      oneTimeCode: 'otpauth://totp/x?secret=JBSWY3DPEHPK3PXP',
      'multiline:Colour': 'blue\nA: red',
      'text:On': 'true',
      'text:Host hostName': 'h',
      'text:Host port': '1',
    });
  });
});

describe('a file that was made to harm', () => {
  const read = async (content: object) => {
    const record = { content: { title: 'T', fields: [], ...content } };
    return await readVault(
      'sallyport',
      utf8(JSON.stringify({ format: 'sallyport', version: 1, records: [record] })),
    );
  };
  const uid = 'AAAAAAAAAAAAAAAAAAAAAA';

  test.each(['app', 'pamNetworkConfiguration', 'folder', 'contactPin', 'whatever'])(
    'type %s becomes a note',
    async (type) => {
      const vault = await read({ type, fields: [{ type: 'text', label: 'a', value: ['b'] }] });
      expect(vault.records[0]?.content).toMatchObject({
        type: 'encryptedNotes',
        fields: [],
        custom: [{ label: 'a' }],
      });
    },
  );

  test('a machine names no credential, configuration, gateway or seed of this vault', async () => {
    const connection = {
      protocol: 'ssh',
      fontSize: 14,
      launchCredentialUid: uid,
      administrativeCredentialUid: uid,
      userRecords: [uid],
      httpCredentialsUid: uid,
      sftp: { sftpUserUid: uid, enableSftp: true },
    };
    const fields = [
      { type: 'pamSettings', value: [{ configurationUid: uid, connection }] },
      { type: 'trafficEncryptionSeed', value: [uid] },
      { type: 'fileRef', value: [{ fileUid: uid }] },
      { type: 'pamResources', value: [{ controllerUid: uid }] },
      { type: 'recordRef', value: [uid] },
    ];
    const vault = await read({ type: 'pamMachine', fields });
    expect(JSON.stringify(vault.records)).not.toContain(uid);
    expect(valuesOf(vault.records[0]?.content ?? { type: '', title: '', fields: [] })).toEqual({
      pamSettings: { connection: { protocol: 'ssh', fontSize: 14, sftp: { enableSftp: true } } },
    });
    expect(vault.left.map(({ what }) => what)).toEqual(['"Gateway" of "T"', '"Other record" of "T"']);
  });

  test('a value of another form than its field is left', async () => {
    const vault = await read({ type: 'login', fields: [{ type: 'login', value: [5, 'a', { b: 1 }] }] });
    expect(valuesOf(vault.records[0]?.content ?? { type: '', title: '', fields: [] })).toEqual({
      login: 'a',
    });
    expect(vault.left).toHaveLength(1);
  });
});

test('any record comes back from json and from a zip as it was', async () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 40 });
  const day = fc.integer({ min: 0, max: 30_000 }).map((days) => days * 86_400_000);
  const values = {
    login: text,
    secret: text,
    checkbox: fc.boolean(),
    date: day,
    host: fc.record({ hostName: text, port: text }),
  };
  const field = fc.oneof(
    ...Object.entries(values).map(([type, value]) =>
      fc.record({
        type: fc.constant(type),
        label: text,
        value: fc.array<FieldValue>(value, { maxLength: 3 }),
      }),
    ),
  );
  const content = fc.record({
    type: fc.constantFrom('login', 'encryptedNotes', 'custom:own-type'),
    title: text,
    fields: fc.array(field, { maxLength: 5 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(content, { maxLength: 4 }),
      fc.uint8Array({ maxLength: 200_000 }),
      async (contents, bytes) => {
        const file = fileOf('f', copy(bytes));
        const given = sourceOf(contents.map((one) => recordWith(one, { attachments: [file] })));
        for (const write of [exportJson, exportZip]) {
          const vault = await readVault('sallyport', await collected((sink) => write(given, sink)));
          expect(vault.records.map((record) => record.content)).toEqual(contents);
          if (write === exportZip)
            expect(
              vault.records.every(
                ({ attachments }) => Buffer.compare(attachments[0]?.bytes ?? utf8('none'), bytes) === 0,
              ),
            ).toBe(true);
        }
      },
    ),
    { numRuns: runs(30) },
  );
});
