// One file of each JSON format with every member that its reader looks at, to be damaged.
import { bitwardenSealed } from './samples.ts';

const text = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, 'hunter2']));

const bitwarden = {
  encrypted: false,
  folders: [{ id: 'f', name: 'a/b' }],
  collections: [{ id: 'c', name: 'd' }],
  items: [
    {
      ...{ type: 1, name: 'n', notes: 'hunter2', favorite: true, folderId: 'f', collectionIds: ['c'] },
      ...{ deletedDate: null, archivedDate: null, passwordHistory: [{}] },
      login: {
        ...text(['username', 'password']),
        ...{ totp: 'otpauth://totp/x?secret=MFRGGZDF', uris: [{ uri: 'https://x' }], fido2Credentials: [{}] },
      },
      fields: [0, 1, 2, 3].map((type) => ({ name: 'a', value: 'true', type })),
    },
    {
      ...{ type: 3, name: 'n' },
      card: { number: '4', expMonth: '3', expYear: '2030', code: '1', cardholderName: 'x', brand: 'y' },
    },
    {
      ...{ type: 4, name: 'n' },
      identity: text([
        ...['firstName', 'middleName', 'lastName', 'company', 'email', 'phone', 'address1', 'address2'],
        ...['city', 'state', 'postalCode', 'country', 'title', 'username', 'ssn', 'passportNumber'],
      ]),
    },
    { type: 5, name: 'n', sshKey: text(['publicKey', 'privateKey', 'keyFingerprint']) },
  ],
};

const field = (id: string, kind: string, value: unknown) => ({ id, title: id, value: { [kind]: value } });

const onepassword = {
  accounts: [
    {
      attrs: { accountName: 'a' },
      vaults: [
        {
          attrs: { name: 'v' },
          items: ['001', '002', '004', '101', '102', '110', '112', '114'].map((categoryUuid) => ({
            ...{ categoryUuid, favIndex: 1, state: 'archived' },
            overview: { title: 't', tags: ['x'], url: 'https://x', urls: [{ url: 'https://y' }] },
            details: {
              loginFields: [
                { value: 'hunter2', designation: 'password', name: 'p', id: 'q', fieldType: 'P' },
                { value: 'u', designation: 'username' },
                { value: 'hunter2', name: 'other' },
              ],
              ...{ notesPlain: 'hunter2', password: 'hunter2', passwordHistory: [{}] },
              documentAttributes: { documentId: 'd', fileName: 'n' },
              sections: [
                {
                  fields: [
                    ...['ccnum', 'expiry', 'cvv', 'pin', 'owner', 'iban', 'firstname', 'defphone'],
                    ...['hostname', 'port', 'database', 'url', 'credential', 'username'],
                  ].map((id) => field(id, 'string', '1')),
                },
                {
                  fields: [
                    field('a', 'concealed', 'hunter2'),
                    field('b', 'totp', 'MFRGGZDF'),
                    field('c', 'url', 'https://x'),
                    field('d', 'email', { email_address: 'a@b.c' }),
                    field('e', 'phone', '1'),
                    field('f', 'date', 1_700_000_000),
                    field('g', 'monthYear', 203_003),
                    field('h', 'address', text(['street', 'city', 'state', 'zip', 'country'])),
                    field('i', 'sshKey', {
                      privateKey: 'hunter2',
                      metadata: text(['publicKey', 'fingerprint']),
                    }),
                    field('j', 'file', { documentId: 'd', fileName: 'n' }),
                    field('k', 'reference', 'r'),
                  ],
                },
              ],
            },
          })),
        },
      ],
    },
  ],
};

const keeper = {
  shared_folders: [{ path: 'a\\b', permissions: [{}] }],
  teams: [{}],
  records: [
    {
      ...{ uid: 'u', title: 't', $type: 'login', notes: 'hunter2' },
      ...text(['login', 'password', 'login_url']),
      folders: [{ shared_folder: 'a\\b', folder: 'c' }],
      attachments: [{ file_uid: 'f', name: 'n', mime: 'text/plain' }],
      references: { $cardRef: ['u'], $other: ['v'] },
      links: ['v'],
      custom_fields: {
        '$host:x:2': { hostName: 'h', port: 1 },
        $date: 1_700_000_000_000,
        '$date:text': '2020-01-01',
        $checkbox: true,
        $name: { first: 'a', last: 'b' },
        $phone: [{ number: '1' }, { number: '2' }],
        $oneTimeCode: 'otpauth://totp/x?secret=MFRGGZDF',
        $paymentCard: { cardNumber: '4', cardExpirationDate: '03/2030' },
        $unknown: 'hunter2',
        'TFC:Keeper': 'otpauth://totp/x?secret=MFRGGZDF',
        bare: 'hunter2',
      },
    },
    {
      ...{ uid: 'v', title: 'm', $type: 'pamMachine' },
      custom_fields: {
        $pamHostname: { hostName: 'h', port: '22' },
        $pamSettings: {
          connection: {
            ...{ protocol: 'ssh', colorScheme: 'gray-black', fontSize: '12', sftp: { enableSftp: true } },
            ...{ launchCredentials: 'u', administrativeCredentials: ['u'], userRecords: ['u'] },
          },
        },
      },
    },
  ],
};

const sallyport = {
  ...{ format: 'sallyport', version: 1, folders: [['a', 'b']] },
  records: [
    {
      content: {
        ...{ type: 'login', title: 't', notes: 'hunter2' },
        fields: [{ type: 'password', label: 'p', value: ['hunter2'], required: true }],
        custom: [
          { type: 'host', value: [{ hostName: 'h', port: '22' }] },
          { type: 'paymentCard', value: [{ cardNumber: '4', cardExpirationDate: '03/2030' }] },
          { type: 'date', value: [1_700_000_000_000] },
          { type: 'pamSettings', value: [{ connection: { protocol: 'ssh', fontSize: 12 } }] },
        ],
      },
      ...{ folder: ['a', 'b'], favourite: true, tags: ['x'], links: [{ role: 'user', to: 0 }] },
      attachments: [{ name: 'n', mediaType: 'text/plain', size: 1, path: 'files/1' }],
    },
  ],
};

export const wholeFiles = {
  ...{ bitwarden, onepassword, keeper, sallyport },
  bitwardenSealed: await bitwardenSealed({ items: [] }, 'fuzz password', 'pbkdf2'),
};
