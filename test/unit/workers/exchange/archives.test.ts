import { describe, expect, test } from 'vitest';
import { utf8 } from '../../../../protocol/bytes.ts';
import { readKeeper } from '../../../../workers/exchange/keeper-reader.ts';
import { readOnePassword } from '../../../../workers/exchange/onepassword-reader.ts';
import { jsonBytes, recordOf, valuesOf, zipOf } from './samples.ts';

const field = (id: string, title: string, value: unknown) => ({ id, title, value });
const item = (categoryUuid: string, title: string, details: unknown, more: object = {}) => ({
  uuid: 'u',
  favIndex: 0,
  state: 'active',
  categoryUuid,
  details,
  overview: { title, urls: [], tags: [] },
  ...more,
});

const onePassword = {
  accounts: [
    {
      attrs: { accountName: 'Ann' },
      vaults: [
        {
          attrs: { name: 'Private' },
          items: [
            item(
              '001',
              'Site',
              {
                loginFields: [
                  { value: 'ann', name: 'username', fieldType: 'T', designation: 'username' },
                  { value: 'pw', name: 'password', fieldType: 'P', designation: 'password' },
                  { value: 'x', name: 'remember', fieldType: 'C' },
                ],
                notesPlain: 'note',
                sections: [
                  {
                    title: 'More',
                    fields: [
                      field('t', 'one-time password', { totp: 'JBSWY3DPEHPK3PXP' }),
                      field('c', 'PIN', { concealed: '99' }),
                      field('d', 'Since', { date: 1_704_067_200 }),
                      field('e', 'Mail', { email: { email_address: 'a@b.example', provider: null } }),
                      field('f', 'Scan', {
                        file: { fileName: 'scan.pdf', documentId: 'doc1', decryptedSize: 3 },
                      }),
                      field('r', 'Related', { reference: 'other' }),
                    ],
                  },
                ],
                passwordHistory: [{ value: 'former', time: 1 }],
              },
              {
                favIndex: 1,
                state: 'archived',
                overview: {
                  title: 'Site',
                  url: 'https://a.example',
                  urls: [{ label: '', url: 'https://a.example' }, { url: 'https://b.example' }],
                  tags: ['t1'],
                },
              },
            ),
            item('002', 'Card', {
              sections: [
                {
                  title: '',
                  fields: [
                    field('ccnum', 'number', { creditCardNumber: '4111' }),
                    field('cvv', 'code', { concealed: '123' }),
                    field('expiry', 'expiry', { monthYear: 203_101 }),
                    field('cardholder', 'name', { string: 'Ann' }),
                    field('pin', 'PIN', { concealed: '0000' }),
                  ],
                },
              ],
            }),
            item('006', 'Document', {
              documentAttributes: { fileName: 'a.txt', documentId: 'doc2', decryptedSize: 2 },
            }),
            item('102', 'Db', {
              sections: [
                {
                  fields: [
                    field('hostname', 'server', { string: 'db.example' }),
                    field('port', 'port', { string: '5432' }),
                    field('username', 'user', { string: 'u' }),
                    field('password', 'password', { concealed: 'p' }),
                  ],
                },
              ],
            }),
            item('114', 'Key', {
              sections: [
                {
                  fields: [
                    field('private_key', 'private key', {
                      sshKey: { privateKey: 'PRIV', metadata: { publicKey: 'PUB', fingerprint: 'F' } },
                    }),
                  ],
                },
              ],
            }),
            item('115', 'Wallet', {
              sections: [{ fields: [field('seed', 'seed', { concealed: 'words' })] }],
            }),
          ],
        },
      ],
    },
  ],
};

describe('1PUX', async () => {
  const archive = await zipOf({
    'export.attributes': '{}',
    'export.data': JSON.stringify(onePassword),
    'files/doc1__scan.pdf': 'pdf',
    'files/doc2__a.txt': 'hi',
  });
  const vault = await readOnePassword(archive);

  test('a favourite that is no number is said to be malformed', async () => {
    const items = [item('001', 'Odd', {}, { favIndex: { toString: '' } })];
    const odd = await zipOf({ 'export.data': JSON.stringify({ accounts: [{ vaults: [{ items }] }] }) });
    await expect(readOnePassword(odd)).rejects.toThrow('item 1: favIndex is not a text');
  });

  test('a one-time code that is half a character is kept as a text, and reported', async () => {
    const details = { sections: [{ fields: [field('t', 'Code', { totp: '\ud800' })] }] };
    const items = [item('001', 'Odd', details)];
    const odd = await zipOf({ 'export.data': JSON.stringify({ accounts: [{ vaults: [{ items }] }] }) });
    const { records, left } = await readOnePassword(odd);
    expect([records.length, left]).toEqual([
      1,
      [expect.objectContaining({ what: 'the one-time code of "Odd"' })],
    ]);
  });

  test('a login with sections, files and tags, in the folder of its vault', () => {
    const record = recordOf(vault, 'Site');
    expect([record.folder, record.favourite, record.tags]).toEqual([['Private'], true, ['t1', 'archived']]);
    expect(valuesOf(record.content)).toEqual({
      login: 'ann',
      password: 'pw',
      url: 'https://a.example',
      'url:Website': 'https://b.example',
      'text:remember': 'x',
      oneTimeCode: 'otpauth://totp/Site?secret=JBSWY3DPEHPK3PXP',
      'secret:PIN': '99',
      'date:Since': Date.UTC(2024, 0, 1),
      'email:Mail': 'a@b.example',
    });
    expect(record.attachments).toEqual([
      { name: 'scan.pdf', mediaType: 'application/octet-stream', bytes: utf8('pdf') },
    ]);
  });

  test('other categories', () => {
    expect(valuesOf(recordOf(vault, 'Card').content)).toEqual({
      paymentCard: { cardNumber: '4111', cardExpirationDate: '01/2031', cardSecurityCode: '123' },
      'text:cardholderName': 'Ann',
      pinCode: '0000',
    });
    expect(recordOf(vault, 'Document').attachments[0]?.name).toBe('a.txt');
    expect(valuesOf(recordOf(vault, 'Db').content)).toEqual({
      host: { hostName: 'db.example', port: '5432' },
      login: 'u',
      password: 'p',
    });
    expect(valuesOf(recordOf(vault, 'Key').content)).toMatchObject({
      keyPair: { privateKey: 'PRIV', publicKey: 'PUB' },
    });
    expect(valuesOf(recordOf(vault, 'Wallet').content)).toEqual({ 'secret:seed': 'words' });
  });

  test('the report', () => {
    expect(vault.left.map(({ what }) => what)).toEqual([
      '"Related" of "Site"',
      'the password history of "Site"',
    ]);
  });

  test('an archive without its data, and data that is no json, are refused', async () => {
    await expect(readOnePassword(await zipOf({ other: '' }))).rejects.toThrow(
      'the archive has no export.data',
    );
    await expect(readOnePassword(await zipOf({ 'export.data': '{' }))).rejects.toThrow(
      'export.data is not json',
    );
    await expect(readOnePassword(utf8('PK'))).rejects.toMatchObject({ code: 'malformed' });
  });
});

const keeper = {
  shared_folders: [{ path: 'Team\\Shared', permissions: [{ name: 'bob@example.com' }], manage_users: true }],
  records: [
    {
      uid: 'r1',
      title: 'Site',
      $type: 'login',
      login: 'ann',
      password: 'pw',
      login_url: 'https://a.example',
      notes: 'n',
      custom_fields: {
        '$oneTimeCode::1': 'otpauth://totp/x?secret=JBSWY3DPEHPK3PXP',
        '$host:Server': { hostName: 'h', port: 22 },
        $pinCode: '9',
        '$text:Colour:2': ['blue', 'red'],
        Free: 'text',
        'TFC:Keeper': 'otpauth://totp/y?secret=JBSWY3DPEHPK3PXP',
        '$passkey::1': { privateKey: {} },
      },
      folders: [{ folder: 'A\\\\B\\C' }, { shared_folder: 'Team\\Shared', folder: 'In', can_edit: true }],
      attachments: [
        { file_uid: 'file1', name: 'a.txt', mime: 'text/plain' },
        { file_uid: 'gone', name: 'b' },
      ],
    },
    {
      uid: 'm1',
      title: 'Machine',
      $type: 'pamMachine',
      custom_fields: {
        $pamHostname: { hostName: 'srv', port: '22' },
        $pamSettings: {
          connection: {
            protocol: 'ssh',
            port: 22,
            launchCredentials: 'u1',
            userRecords: ['u2', 'gone'],
            colorScheme: 'x',
            somethingOfTomorrow: true,
          },
        },
      },
    },
    { uid: 'u1', title: 'Root', $type: 'pamUser', login: 'root', password: 'p1' },
    {
      uid: 'u2',
      title: 'Other',
      $type: 'pamUser',
      login: 'o',
      custom_fields: { '$secret:privatePEMKey': 'KEY' },
    },
    { uid: 'c1', title: 'Odd', $type: 'ourOwnType', custom_fields: { '$strange:Thing': 'v' } },
  ],
};

describe('Keeper', async () => {
  const archive = await zipOf({ 'export.json': JSON.stringify(keeper), 'files/file1': 'hello' });
  const vault = await readKeeper(archive, true);

  test('a record with typed and free fields', () => {
    const { content, folder, attachments } = recordOf(vault, 'Site');
    expect(folder).toEqual(['A\\B', 'C']);
    expect(valuesOf(content)).toMatchObject({
      login: 'ann',
      password: 'pw',
      url: 'https://a.example',
      oneTimeCode: 'otpauth://totp/x?secret=JBSWY3DPEHPK3PXP',
      'host:Server': { hostName: 'h', port: '22' },
      'pinCode:PIN': '9',
      'text:Colour': 'red',
      'text:Free': 'text',
      'oneTimeCode:One-time code': 'otpauth://totp/y?secret=JBSWY3DPEHPK3PXP',
    });
    expect(attachments).toEqual([{ name: 'a.txt', mediaType: 'text/plain', bytes: utf8('hello') }]);
  });

  test('a machine keeps its links to users, with their roles', () => {
    const titles = (recordOf(vault, 'Machine').links ?? []).map(({ role, to }) => [
      role,
      vault.records[to]?.content.title,
    ]);
    expect(titles).toEqual([
      ['launch', 'Root'],
      ['user', 'Other'],
    ]);
    expect(valuesOf(recordOf(vault, 'Machine').content)).toMatchObject({
      pamHostname: { hostName: 'srv', port: '22' },
      pamSettings: { connection: { protocol: 'ssh', port: 22, colorScheme: 'x' } },
    });
    expect(valuesOf(recordOf(vault, 'Other').content)).toMatchObject({ 'secret:privatePEMKey': 'KEY' });
  });

  test('the report, and a type that is not known', () => {
    expect(valuesOf(recordOf(vault, 'Odd').content)).toEqual({
      'text:Kind': 'ourOwnType',
      'text:Thing': 'v',
    });
    expect(vault.left.map(({ what }) => what)).toEqual([
      'the members of folder "Team / Shared"',
      'a further folder of "Site"',
      'the passkey of "Site"',
      'a file of "Site"',
      'the further connection settings of "Machine"',
      'a link of "Machine"',
    ]);
  });

  test('a bare list of records is read too', async () => {
    expect((await readKeeper(jsonBytes([{ title: 'T' }]), false)).records).toHaveLength(1);
  });
});
