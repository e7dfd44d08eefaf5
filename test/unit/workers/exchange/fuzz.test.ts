import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { copy, utf8, type Bytes } from '../../../../protocol/bytes.ts';
import { ProtocolError } from '../../../../protocol/errors.ts';
import {
  detectFormat,
  importFormats,
  readVault,
  type ImportFormat,
} from '../../../../workers/exchange/formats.ts';
import { runs } from '../../../fuzz-runs.ts';
import { hostileJson, strangeJson } from '../../protocol/fuzz/mutation.ts';
import { bitwardenSealed, jsonBytes, keepassDatabase, zipOf } from './samples.ts';
import { wholeFiles } from './whole-files.ts';

const password = 'fuzz password';

/** Whatever is in a file: a vault comes out, or a ProtocolError whose message quotes nothing of a secret. */
async function onlyOurErrors(format: ImportFormat, bytes: Bytes): Promise<void> {
  try {
    await readVault(format, bytes, { password });
  } catch (error) {
    expect(error, String(error)).toBeInstanceOf(ProtocolError);
    expect(String(error)).not.toContain('hunter2');
  }
}

const item = {
  type: 1,
  name: 'n',
  login: { username: 'u', password: 'hunter2', uris: [{ uri: 'x' }], totp: 'hunter2' },
  fields: [{ name: 'a', value: 'hunter2', type: 1 }],
};
const puxItem = {
  categoryUuid: '001',
  overview: { title: 't', urls: [{ url: 'u' }] },
  details: {
    loginFields: [{ value: 'hunter2', designation: 'password' }],
    sections: [{ fields: [{ id: 'a', title: 'b', value: { address: { street: 's' } } }] }],
  },
};
const keeperItem = {
  title: 't',
  $type: 'login',
  password: 'hunter2',
  custom_fields: { '$host:x': { hostName: 'h', port: 1 }, $date: 5 },
  folders: [{ folder: 'a\\b' }],
  references: { $fileRef: ['u'] },
};

const pux = (items: unknown) =>
  zipOf({ 'export.data': JSON.stringify({ accounts: [{ vaults: [{ items }] }] }) });
const database = keepassDatabase(password);
database.createEntry(database.getDefaultGroup()).fields.set('Title', 'hunter2');

const samples: Readonly<Record<ImportFormat, Bytes>> = {
  csv: utf8('name,url,username,password,x\n"a","b""c",d,hunter2,e\n'),
  lastpass: utf8(
    'url,username,password,totp,extra,name,grouping,fav\nhttp://sn,,,,"NoteType:Server\nHostname:h\nPassword:hunter2\nNotes:a",n,g\\h,1\n',
  ),
  bitwarden: jsonBytes({ items: [item], folders: [{ id: 'a', name: 'b/c' }] }),
  onepassword: await pux([puxItem]),
  keepass: copy(new Uint8Array(await database.save())),
  keeper: jsonBytes({ records: [keeperItem], shared_folders: [{ path: 'a' }] }),
  'guacamole-mapping': utf8(
    '<user-mapping><authorize username="a" password="hunter2"><connection name="c"><protocol>ssh</protocol><param name="password">hunter2</param></connection></authorize></user-mapping>',
  ),
  'guacamole-database': utf8(
    "INSERT INTO guacamole_connection (connection_id,connection_name,parent_id,protocol) VALUES (1,'a',NULL,'ssh');\nCOPY guacamole_connection_parameter (connection_id,parameter_name,parameter_value) FROM stdin;\n1\tpassword\thunter2\n\\.\n",
  ),
  sallyport: jsonBytes({
    format: 'sallyport',
    version: 1,
    folders: [['a']],
    records: [
      {
        content: { type: 'login', title: 't', fields: [{ type: 'password', value: ['hunter2'] }] },
        folder: ['a'],
        links: [{ role: 'user', to: 0 }],
        attachments: [],
      },
    ],
  }),
};

/** Changes bytes, cuts, repeats: mostly still something that a reader goes into. */
const mutated = (sample: Bytes) =>
  fc
    .array(
      fc.record({
        at: fc.nat(sample.length - 1),
        kind: fc.constantFrom('set', 'cut', 'twice'),
        value: fc.oneof(fc.nat(255), fc.constantFrom(0x22, 0x2c, 0x7b, 0x5b, 0x30, 0x3c, 0x27, 0x5c)),
      }),
      { minLength: 1, maxLength: 4 },
    )
    .map((changes) =>
      changes.reduce(
        (bytes, { at, kind, value }) => change(bytes, at % Math.max(1, bytes.length), kind, value),
        copy(sample),
      ),
    );

function change(bytes: Bytes, at: number, kind: string, value: number): Bytes {
  if (kind === 'set') bytes[at] = value;
  if (kind === 'cut') return bytes.slice(0, at);
  return kind === 'twice'
    ? copy(new Uint8Array([...bytes.slice(0, at), ...bytes.slice(Math.max(0, at - value))]))
    : bytes;
}

describe.each(importFormats)('%s', (format) => {
  const usual = format === 'keepass' ? 40 : format === 'onepassword' ? 100 : 400;

  test('the sample is read', async () => {
    expect((await readVault(format, samples[format], { password })).records.length).toBeGreaterThan(0);
  });

  test('changed samples', async () => {
    await fc.assert(
      fc.asyncProperty(mutated(samples[format]), async (bytes) => await onlyOurErrors(format, bytes)),
      { numRuns: runs(usual) },
    );
  });

  test('any bytes', async () => {
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 500 }).map(copy),
      fc.string({ unit: 'binary', maxLength: 300 }).map(utf8),
    );
    await fc.assert(
      fc.asyncProperty(any, async (bytes) => await onlyOurErrors(format, bytes)),
      { numRuns: runs(150) },
    );
  });
});

describe('any json where json is expected', () => {
  const any = strangeJson;
  const members = (names: readonly string[]) =>
    fc.dictionary(fc.constantFrom(...names, 'toString'), any, { maxKeys: 12 });

  const shapes: readonly (readonly [string, fc.Arbitrary<unknown>, (value: unknown) => Promise<void>])[] = [
    [
      'a bitwarden item',
      members([
        'type',
        'name',
        'notes',
        'login',
        'card',
        'identity',
        'sshKey',
        'fields',
        'favorite',
        'collectionIds',
        'folderId',
      ]),
      (value) => onlyOurErrors('bitwarden', jsonBytes({ items: [value] })),
    ],
    [
      'a bitwarden export',
      members([
        'encrypted',
        'passwordProtected',
        'salt',
        'kdfType',
        'data',
        'encKeyValidation_DO_NOT_EDIT',
        'items',
        'folders',
      ]),
      (value) => onlyOurErrors('bitwarden', jsonBytes(value)),
    ],
    [
      'a 1password item',
      members(['categoryUuid', 'overview', 'details', 'item', 'favIndex', 'state']),
      async (value) => await onlyOurErrors('onepassword', await pux([value])),
    ],
    [
      '1password details',
      members(['loginFields', 'sections', 'notesPlain', 'password', 'documentAttributes', 'passwordHistory']),
      async (value) => await onlyOurErrors('onepassword', await pux([{ ...puxItem, details: value }])),
    ],
    [
      '1password sections',
      fc.array(
        fc.record({
          fields: fc.array(
            fc.record({
              id: fc.string(),
              title: fc.string(),
              value: members([
                'concealed',
                'totp',
                'address',
                'sshKey',
                'file',
                'email',
                'date',
                'monthYear',
                'phone',
                'url',
                'reference',
              ]),
            }),
          ),
        }),
      ),
      async (sections) =>
        await onlyOurErrors('onepassword', await pux([{ ...puxItem, details: { sections } }])),
    ],
    [
      'a keeper record',
      members([
        'title',
        '$type',
        'login',
        'custom_fields',
        'folders',
        'references',
        'links',
        'attachments',
        'uid',
      ]),
      (value) => onlyOurErrors('keeper', jsonBytes([value])),
    ],
    [
      'keeper fields',
      fc.dictionary(
        fc.oneof(
          fc.string(),
          fc.constantFrom(
            '$host',
            '$date:x',
            '$checkbox',
            '$pamSettings',
            '$paymentCard::1',
            '$name',
            '$oneTimeCode',
            '$phone:a:2',
            '$pamHostname',
          ),
        ),
        any,
      ),
      (value) => onlyOurErrors('keeper', jsonBytes([{ title: 't', custom_fields: value }])),
    ],
    [
      'a record of ours',
      members(['content', 'folder', 'tags', 'links', 'attachments', 'favourite']),
      (value) => onlyOurErrors('sallyport', jsonBytes({ format: 'sallyport', version: 1, records: [value] })),
    ],
  ];

  test.each(shapes)('%s', async (_, arbitrary, read) => {
    await fc.assert(fc.asyncProperty(arbitrary, read), { numRuns: runs(150) });
  });
});

/** Everything that a reader looks at, of which one to four members become something else. */
const whole: readonly (readonly [ImportFormat, object, (value: unknown) => Bytes | Promise<Bytes>])[] = [
  ['bitwarden', wholeFiles.bitwarden, jsonBytes],
  ['bitwarden', wholeFiles.bitwardenSealed, jsonBytes],
  ['onepassword', wholeFiles.onepassword, (value) => zipOf({ 'export.data': JSON.stringify(value) })],
  ['keeper', wholeFiles.keeper, jsonBytes],
  ['sallyport', wholeFiles.sallyport, jsonBytes],
];

test.each(whole)('a whole file of %s with members that are something else', async (format, file, written) => {
  await readVault(format, await written(file), { password }).catch((error: unknown) =>
    expect(error).toMatchObject({ code: 'wrong-password' }),
  );
  await fc.assert(
    fc.asyncProperty(hostileJson([file]), async (value) => await onlyOurErrors(format, await written(value))),
    { numRuns: runs(200) },
  );
});

test('inside an encrypted bitwarden export', async () => {
  await fc.assert(
    fc.asyncProperty(
      strangeJson,
      async (inner) =>
        await onlyOurErrors('bitwarden', jsonBytes(await bitwardenSealed(inner, password, 'pbkdf2'))),
    ),
    { numRuns: runs(40) },
  );
});

test('telling the format never throws', async () => {
  const any = fc.oneof(
    ...Object.values(samples).map(mutated),
    fc.uint8Array({ minLength: 1, maxLength: 300 }).map(copy),
  );
  await fc.assert(
    fc.asyncProperty(fc.string(), any, async (name, bytes) => {
      if (bytes.length > 0) await detectFormat(name, bytes);
    }),
    { numRuns: runs(400) },
  );
});
