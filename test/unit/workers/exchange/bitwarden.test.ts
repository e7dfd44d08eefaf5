import { describe, expect, test } from 'vitest';
import { readBitwarden } from '../../../../workers/exchange/bitwarden-reader.ts';
import { bitwardenSealed, jsonBytes, recordOf, valuesOf } from './samples.ts';

const plain = {
  encrypted: false,
  folders: [
    { id: 'f1', name: 'Work/Mail' },
    { id: 'f2', name: 'Empty' },
  ],
  items: [
    {
      id: 'i1',
      folderId: 'f1',
      type: 1,
      name: 'Site',
      notes: 'n',
      favorite: true,
      reprompt: 0,
      passwordHistory: [{ lastUsedDate: '2024-01-01', password: 'former' }],
      fields: [
        { name: 'PIN', value: '99', type: 1 },
        { name: 'Colour', value: 'blue', type: 0 },
        { name: 'Agreed', value: 'true', type: 2 },
        { name: 'Same', value: null, type: 3, linkedId: 100 },
      ],
      login: {
        uris: [{ match: null, uri: 'https://a.example' }, { uri: 'https://b.example' }],
        username: 'ann',
        password: 'pw',
        totp: 'otpauth://totp/x?secret=JBSWY3DPEHPK3PXP',
        fido2Credentials: [{ credentialId: 'c', keyValue: 'private' }],
      },
    },
    { id: 'i2', folderId: null, type: 2, name: 'Note', notes: 'text', secureNote: { type: 0 } },
    {
      id: 'i3',
      type: 3,
      name: 'Card',
      card: {
        cardholderName: 'Ann',
        brand: 'Visa',
        number: '4111',
        expMonth: '1',
        expYear: '2030',
        code: '123',
      },
    },
    {
      id: 'i4',
      type: 4,
      name: 'Me',
      identity: {
        firstName: 'Ann',
        lastName: 'B',
        email: 'a@b.example',
        phone: '1',
        address1: 'Street 1',
        city: 'C',
        postalCode: '9',
        country: 'DE',
        ssn: '000',
      },
    },
    {
      id: 'i5',
      type: 5,
      name: 'Key',
      sshKey: { privateKey: 'private', publicKey: 'ssh-ed25519 A', keyFingerprint: 'SHA256:x' },
    },
    { id: 'i6', type: 1, name: 'Gone', deletedDate: '2024-01-01', login: {} },
    { id: 'i7', type: 9, name: 'Later', notes: 'kept', archivedDate: '2025-01-01' },
  ],
};

describe('plain', async () => {
  const vault = await readBitwarden(jsonBytes(plain));

  test('a login with everything', () => {
    const { content, folder, favourite } = recordOf(vault, 'Site');
    expect([folder, favourite, content.notes]).toEqual([['Work', 'Mail'], true, 'n']);
    expect(valuesOf(content)).toEqual({
      login: 'ann',
      password: 'pw',
      url: 'https://a.example',
      'url:Website': 'https://b.example',
      oneTimeCode: 'otpauth://totp/x?secret=JBSWY3DPEHPK3PXP',
      'secret:PIN': '99',
      'text:Colour': 'blue',
      'checkbox:Agreed': true,
    });
  });

  test('every other type', () => {
    expect(valuesOf(recordOf(vault, 'Note').content)).toEqual({ note: 'text' });
    expect(valuesOf(recordOf(vault, 'Card').content)).toMatchObject({
      paymentCard: { cardExpirationDate: '01/2030' },
      'text:cardholderName': 'Ann',
    });
    expect(valuesOf(recordOf(vault, 'Me').content)).toMatchObject({
      name: { first: 'Ann', middle: '', last: 'B' },
      email: 'a@b.example',
      'secret:Social security number': '000',
    });
    expect(valuesOf(recordOf(vault, 'Key').content)).toMatchObject({
      keyPair: { privateKey: 'private', publicKey: 'ssh-ed25519 A' },
    });
    expect(recordOf(vault, 'Later')).toMatchObject({
      content: { type: 'encryptedNotes' },
      tags: ['archived'],
    });
  });

  test('the report names what stayed, and no value', () => {
    expect(vault.left.map(({ what }) => what)).toEqual([
      'the passkey of "Site"',
      'the linked field "Same" of "Site"',
      'the password history of "Site"',
      'item 6',
      'the special part of "Later"',
    ]);
    expect(JSON.stringify(vault.left)).not.toMatch(/former|private|4111/);
    expect(vault.folders).toContainEqual(['Empty']);
  });
});

describe.each(['pbkdf2', 'argon2id'] as const)('encrypted, %s', (kdf) => {
  test('opens with its password', async () => {
    const file = await bitwardenSealed(plain, 'file password', kdf);
    expect((await readBitwarden(jsonBytes(file), 'file password')).records).toHaveLength(6);
  });

  test('a wrong password is called that', async () => {
    const file = await bitwardenSealed(plain, 'file password', kdf);
    await expect(readBitwarden(jsonBytes(file), 'other')).rejects.toMatchObject({ code: 'wrong-password' });
    await expect(readBitwarden(jsonBytes(file))).rejects.toMatchObject({ code: 'wrong-password' });
  });
});

test('a changed ciphertext does not open', async () => {
  const file = await bitwardenSealed(plain, 'p', 'pbkdf2');
  const at = file.data.indexOf('|') + 10;
  const data = `${file.data.slice(0, at)}${file.data[at] === 'A' ? 'B' : 'A'}${file.data.slice(at + 1)}`;
  await expect(readBitwarden(jsonBytes({ ...file, data }), 'p')).rejects.toMatchObject({
    code: 'open-failed',
  });
});

test.each([
  [{ kdfType: 2 }, 'kdfType'],
  [{ kdfIterations: 2 ** 31 }, 'kdfIterations'],
  [{ kdfType: 1, kdfIterations: 2, kdfMemory: 1_000_000, kdfParallelism: 1 }, 'kdfMemory'],
  [{ data: '1.a|b' }, 'not a sealed text'],
])('%j is refused', async (change, message) => {
  const file = await bitwardenSealed(plain, 'p', 'pbkdf2');
  await expect(readBitwarden(jsonBytes({ ...file, ...change }), 'p')).rejects.toThrow(message);
});

test('an export for the account alone is refused with what to do', async () => {
  const file = {
    encrypted: true,
    passwordProtected: false,
    encKeyValidation_DO_NOT_EDIT: '2.a|b|c',
    data: 'x',
  };
  await expect(readBitwarden(jsonBytes(file))).rejects.toThrow(/bitwarden account alone; export again/);
});

test.each([
  [{ items: [{ type: 1, name: {} }] }, 'item 1: name is not a text'],
  [{ items: {} }, 'items is not a list'],
  [{ items: [1] }, 'item 1 is not an object'],
  [{}, 'the file has no items'],
])('%j names the place', async (file, message) => {
  await expect(readBitwarden(jsonBytes(file))).rejects.toMatchObject({ code: 'malformed', message });
});
