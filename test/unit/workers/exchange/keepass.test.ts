import { describe, expect, test } from 'vitest';
import { copy, decodeBase64, encodeHex, utf8, type Bytes } from '../../../../protocol/bytes.ts';
import { readKeepass } from '../../../../workers/exchange/keepass-reader.ts';
import { kdbx } from '../../../../workers/exchange/keepass-library.ts';
import { processorMs } from '../../../fixtures/processor-time.ts';
import { keepassDatabase, recordOf, valuesOf } from './samples.ts';

const secret = (text: string) => kdbx.ProtectedValue.fromString(text);
const password = 'file password';

type Database = ReturnType<typeof keepassDatabase>;

async function saved(database: Database): Promise<Bytes> {
  return copy(new Uint8Array(await database.save()));
}

async function filled(): Promise<Database> {
  const database = keepassDatabase(password);
  const root = database.getDefaultGroup();
  const mail = database.createGroup(database.createGroup(root, 'Work'), 'Mail');
  const entry = database.createEntry(mail);
  entry.fields.set('Title', 'Site').set('UserName', 'ann').set('Password', secret('pw ü'));
  entry.fields
    .set('URL', 'https://a.example')
    .set('Notes', 'note')
    .set('Colour', 'blue')
    .set('Answer', secret('42'));
  entry.fields.set('otp', secret('otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&period=60'));
  entry.tags = ['t1', 't2'];
  entry.binaries.set('scan.pdf', await database.createBinary(copy(utf8('file bytes')).buffer));
  entry.pushHistory();
  const plugin = database.createEntry(root);
  plugin.fields
    .set('Title', 'Plugin')
    .set('TimeOtp-Secret-Base32', secret('JBSWY3DPEHPK3PXP'))
    .set('TimeOtp-Period', '60');
  const older = database.createEntry(root);
  older.fields
    .set('Title', 'Older')
    .set('TOTP Seed', secret('JBSW Y3DP EHPK 3PXP'))
    .set('TOTP Settings', '30;8');
  const kee = database.createEntry(root);
  kee.fields.set('Title', 'Kee').set('otp', secret('key=JBSWY3DPEHPK3PXP&size=6&step=30'));
  database.createEntry(root).fields.set('Title', 'Note').set('Notes', 'only text');
  const gone = database.createEntry(root);
  gone.fields.set('Title', 'Gone');
  database.remove(gone);
  return database;
}

describe('a KDBX 4 file', () => {
  test('groups, fields, codes, attachments; history and bin are reported', async () => {
    const vault = await readKeepass(await saved(await filled()), password);
    const { content, folder, tags, attachments } = recordOf(vault, 'Site');
    expect([folder, tags, content.notes]).toEqual([['Work', 'Mail'], ['t1', 't2'], 'note']);
    expect(valuesOf(content)).toEqual({
      login: 'ann',
      password: 'pw ü',
      url: 'https://a.example',
      oneTimeCode: 'otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&period=60',
      'text:Colour': 'blue',
      'secret:Answer': '42',
    });
    expect(attachments).toEqual([
      { name: 'scan.pdf', mediaType: 'application/octet-stream', bytes: utf8('file bytes') },
    ]);
    expect(valuesOf(recordOf(vault, 'Plugin').content)).toEqual({
      oneTimeCode: 'otpauth://totp/Plugin?secret=JBSWY3DPEHPK3PXP&algorithm=SHA1&digits=6&period=60',
    });
    expect(valuesOf(recordOf(vault, 'Older').content)).toEqual({
      oneTimeCode: 'otpauth://totp/Older?secret=JBSWY3DPEHPK3PXP&algorithm=SHA1&digits=8&period=30',
    });
    expect(valuesOf(recordOf(vault, 'Kee').content)).toEqual({
      oneTimeCode: 'otpauth://totp/Kee?secret=JBSWY3DPEHPK3PXP',
    });
    expect(recordOf(vault, 'Note').content.type).toBe('encryptedNotes');
    expect(vault.left.map(({ what }) => what).sort()).toEqual(['1 entries', 'the history of "Site"']);
    expect(vault.folders).toEqual([['Work'], ['Work', 'Mail']]);
  });

  test.each(['Argon2id', 'Aes'] as const)('with %s and ChaCha20 or AES', async (kdf) => {
    const database = await filled();
    if (kdf === 'Aes') database.setKdf(kdbx.Consts.KdfId.Aes);
    else database.header.dataCipherUuid = new kdbx.KdbxUuid(kdbx.Consts.CipherId.ChaCha20);
    const vault = await readKeepass(await saved(database), password);
    expect(vault.records).toHaveLength(5);
  });

  test('a reference becomes what it points at, also through another one; a circle and a dead end stay and are said', async () => {
    const database = keepassDatabase(password);
    const root = database.getDefaultGroup();
    const add = (title: string, secretText: string, login = 'ann') => {
      const entry = database.createEntry(root);
      entry.fields.set('Title', title).set('UserName', login).set('Password', secret(secretText));
      return encodeHex(decodeBase64(entry.uuid.id)).toUpperCase();
    };
    const first = add('First', 'the one');
    const second = add('Second', `{REF:P@I:${first}}`, `{REF:U@T:first}!`);
    add('Third', `{ref:p@i:${second}}`);
    add('Dead', '{REF:P@I:00000000000000000000000000000000}');
    add('Circle', '{REF:P@T:Circle}');
    const vault = await readKeepass(await saved(database), password);
    const passwords = ['First', 'Second', 'Third', 'Dead', 'Circle'].map(
      (title) => valuesOf(recordOf(vault, title).content)['password'],
    );
    expect(passwords.slice(0, 3)).toEqual(['the one', 'the one', 'the one']);
    expect(passwords.slice(3)).toEqual(['{REF:P@I:00000000000000000000000000000000}', '{REF:P@T:Circle}']);
    expect(valuesOf(recordOf(vault, 'Second').content)['login']).toBe('ann!');
    expect(vault.left.map(({ what }) => what)).toEqual(['a reference of "Dead"', 'a reference of "Circle"']);
  });

  test('references that grow like powers end at a bound', async () => {
    const database = keepassDatabase(password);
    const root = database.getDefaultGroup();
    for (let at = 0; at < 8; at++)
      database
        .createEntry(root)
        .fields.set('Title', `n${at}`)
        .set('Notes', at === 0 ? 'x'.repeat(1_000) : `{REF:N@T:n${at - 1}}`.repeat(50));
    const vault = await readKeepass(await saved(database), password);
    const { content, attachments } = recordOf(vault, 'n7');
    expect((content.notes ?? '').length + (attachments[0]?.bytes.length ?? 0)).toBeLessThan(3 * 1024 * 1024);
  });

  test('a wrong password is called that', async () => {
    const file = await saved(keepassDatabase(password));
    await expect(readKeepass(file, 'other')).rejects.toMatchObject({ code: 'wrong-password' });
  });

  test('a byte changed anywhere is found', async () => {
    const file = await saved(await filled());
    for (const at of [20, 120, Math.floor(file.length / 2), file.length - 50]) {
      const changed = copy(file);
      changed[at] = (changed[at] ?? 0) ^ 1;
      await expect(readKeepass(changed, password)).rejects.toMatchObject({
        name: expect.stringMatching(/malformed|wrong-password|weak-parameters|unsupported-version/),
      });
    }
  });

  test('KDBX 3 is refused with what to do', async () => {
    const database = keepassDatabase(password);
    database.setVersion(3);
    await expect(readKeepass(await saved(database), password)).rejects.toMatchObject({
      code: 'unsupported-version',
    });
  });
});

describe('hostile files', () => {
  const { UInt64 } = kdbx.VarDictionary.ValueType;

  test.each([
    ['M', 64 * 1024 ** 3],
    ['I', 2 ** 40],
    ['P', 10_000],
  ])('costs of %s beyond the bound are refused before they are paid', async (name, value) => {
    const database = keepassDatabase(password);
    const file = await saved(database);
    // The parameters are in clear: an honest small number is found there and made large.
    const parameters = database.header.kdfParameters;
    const key = new Uint8Array([name.charCodeAt(0)]);
    const at = file.findIndex(
      (byte, i) =>
        byte === (name === 'P' ? kdbx.VarDictionary.ValueType.UInt32 : UInt64) &&
        file[i + 1] === 1 &&
        file[i + 5] === key[0],
    );
    expect([parameters?.get(name), at > 0]).toEqual([expect.anything(), true]);
    const view = new DataView(file.buffer);
    if (name === 'P') view.setUint32(at + 10, value, true);
    else view.setBigUint64(at + 10, BigInt(value), true);
    const refused = () =>
      expect(readKeepass(file, password)).rejects.toMatchObject({ code: 'weak-parameters' });
    expect(await processorMs(refused)).toBeLessThan(1000);
  });

  test('ten thousand nested groups are refused', async () => {
    const xml = `<KeePassFile><Meta/><Root>${'<Group><Name>g</Name>'.repeat(10_000)}${'</Group>'.repeat(10_000)}</Root></KeePassFile>`;
    await expect(readKeepass(await withXml(xml), password)).rejects.toThrow('nested deeper than');
  });

  test('groups just beyond the depth of folders are refused', async () => {
    const database = keepassDatabase(password);
    let group = database.getDefaultGroup();
    for (let depth = 0; depth < 40; depth++) group = database.createGroup(group, `g${depth}`);
    await expect(readKeepass(await saved(database), password)).rejects.toThrow(
      'folders are nested deeper than 32',
    );
  });

  test('a document type is refused: billion laughs', async () => {
    const laughs = '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><KeePassFile>&b;</KeePassFile>';
    await expect(readKeepass(await withXml(laughs), password)).rejects.toThrow('document type');
  });

  test('a value packed in the xml is refused: it has no bound', async () => {
    const packed =
      '<KeePassFile><Root><Group><Entry><Binary><Key>a</Key><Value Compressed="True">H4sI</Value></Binary></Entry></Group></Root></KeePassFile>';
    await expect(readKeepass(await withXml(packed), password)).rejects.toThrow('packed values');
  });

  test('a payload that unpacks beyond the bound stops there', async () => {
    const { gunzipWithin } = await import('../../../../workers/exchange/unpacking.ts');
    const stream = new Blob([new Uint8Array(20_000_000)]).stream().pipeThrough(new CompressionStream('gzip'));
    const bomb = new Uint8Array(await new Response(stream).arrayBuffer());
    expect(bomb.length).toBeLessThan(50_000);
    await expect(gunzipWithin(bomb, 1_000_000)).rejects.toThrow('unpacks to more');
    await expect(gunzipWithin(bomb.slice(0, 1000), 100_000_000)).rejects.toMatchObject({ code: 'malformed' });
  });

  /** A file of right password and any xml inside: the library's own writer with its document replaced. */
  async function withXml(xml: string): Promise<Bytes> {
    const database = keepassDatabase(password);
    const serialize = kdbx.XmlUtils.serialize;
    try {
      Object.assign(kdbx.XmlUtils, { serialize: () => xml });
      return await saved(database);
    } finally {
      Object.assign(kdbx.XmlUtils, { serialize });
    }
  }
});
