import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProtocolError } from '../../../../protocol/errors.ts';
import {
  fieldTypeOf,
  fieldTypes,
  isSecretField,
  membersOf,
  secretMembersOf,
} from '../../../../protocol/records/field-types.ts';
import {
  dayOf,
  emptyValue,
  isEmptyValue,
  lineOf,
  parseDay,
  parseFieldValue,
} from '../../../../protocol/records/field-values.ts';
import { emptyContent, recordTemplates, templateOf } from '../../../../protocol/records/templates.ts';
import { newUid } from '../../../../protocol/uid.ts';
import { runs } from '../../../fuzz-runs.ts';
import { hostileJson } from '../fuzz/mutation.ts';

const malformed = expect.objectContaining({ name: 'malformed' });

describe('field types', () => {
  test('each name is there once, and so is each member of a value', () => {
    const names = fieldTypes.map(({ type }) => type);
    expect(new Set(names).size).toBe(names.length);
    for (const type of names) {
      const members = membersOf(type).map(({ name }) => name);
      expect(new Set(members).size).toBe(members.length);
    }
  });

  test('what opens something is secret, as a whole or by its member', () => {
    for (const type of [
      'password',
      'secret',
      'oneTimeCode',
      'pinCode',
      'note',
      'json',
      'trafficEncryptionSeed',
    ])
      expect(isSecretField({ type })).toBe(true);
    expect(secretMembersOf('paymentCard')).toEqual(['cardNumber', 'cardSecurityCode']);
    expect(secretMembersOf('keyPair')).toEqual(['privateKey']);
    expect(secretMembersOf('bankAccount')).toEqual(['accountNumber']);
    expect(secretMembersOf('securityQuestion')).toEqual(['answer']);
    expect(secretMembersOf('fileRef')).toEqual(['key']);
    for (const type of ['login', 'url', 'text', 'multiline', 'host', 'address', 'checkbox'])
      expect(isSecretField({ type })).toBe(false);
  });

  test('a type that is not known is secret', () => {
    expect(isSecretField({ type: 'passkeyOfTomorrow' })).toBe(true);
    expect(isSecretField({ type: 'constructor' })).toBe(true);
  });
});

describe('values', () => {
  test('each type takes its empty value', () => {
    for (const { type, shape } of fieldTypes) {
      const value = emptyValue(type);
      if (shape.kind === 'date') expect(value).toBe('');
      else expect(parseFieldValue(type, value)).toEqual(value);
      expect(isEmptyValue(value)).toBe(shape.kind !== 'checkbox');
    }
    expect(isEmptyValue({ first: '', last: 'x' })).toBe(false);
  });

  test.each([
    ['login', 7],
    ['login', null],
    ['url', ['https://example.org']],
    ['checkbox', 'true'],
    ['date', '2026-01-01'],
    ['date', 1.5],
    ['date', 9e15],
    ['date', -9e13],
    ['databaseType', 'access'],
    ['name', 'Ada'],
    ['name', []],
    ['name', { first: 1 }],
    ['name', { first: 'Ada', nick: 'A' }],
    ['name', JSON.parse('{"__proto__":"x"}')],
    ['pamSettings', { connection: 'ssh' }],
    ['pamResources', { rosterVersion: '1' }],
    ['script', { recordRef: [1] }],
    ['fileRef', 'not a uid'],
    ['nothing', 'x'],
  ])('%s refuses %j', (type, value) => {
    expect(() => parseFieldValue(type, value)).toThrow(malformed);
  });

  test('a text that no record has room for is too large', () => {
    const long = 'x'.repeat(64 * 1024 + 1);
    expect(() => parseFieldValue('text', long)).toThrow(expect.objectContaining({ name: 'too-large' }));
    expect(() => parseFieldValue('keyPair', { privateKey: long })).toThrow(
      expect.objectContaining({ name: 'too-large' }),
    );
  });

  test('a file may be a UID alone, as other clients write it', () => {
    const uid = newUid();
    expect(parseFieldValue('fileRef', uid)).toBe(uid);
    expect(() => parseFieldValue('keyPair', uid)).toThrow(malformed);
  });

  test('from anywhere they are values or a refusal', () => {
    const valid = [{ first: 'Ada' }, { hostName: 'h', port: '22' }, { connection: {} }, { recordRef: [] }];
    const types = fc.constantFrom(...fieldTypes.map(({ type }) => type), 'constructor', '__proto__', '');
    fc.assert(
      fc.property(types, hostileJson(valid), (type, value) => {
        try {
          lineOf(type, parseFieldValue(type, value));
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
        }
      }),
      { numRuns: runs(2000) },
    );
  });
});

describe('the line of a value', () => {
  test.each([
    ['text', ' two\n lines ', 'two lines'],
    ['checkbox', true, 'yes'],
    ['checkbox', false, 'no'],
    ['date', Date.UTC(2026, 1, 3), '2026-02-03'],
    ['databaseType', 'mssql', 'SQL Server'],
    ['name', { last: 'Lovelace', first: 'Ada' }, 'Ada Lovelace'],
    ['host', { hostName: 'h.example', port: '22' }, 'h.example:22'],
    ['phone', { region: '+44', number: '20 7946', type: '' }, '+44 20 7946'],
    ['address', { city: 'London', street1: '12 St James’s Sq' }, '12 St James’s Sq, London'],
    ['paymentCard', { cardNumber: '4242424242424242', cardExpirationDate: '04/2030' }, '04/2030'],
    ['paymentCard', '4242424242424242', ''],
    ['securityQuestion', { question: 'Pet?', answer: 'Rex' }, 'Pet?'],
    ['fileRef', { fileUid: 'x', name: 'plan.pdf', size: 5, key: 'k' }, 'plan.pdf'],
    ['password', 'hunter2', ''],
    ['unheardOf', 'hunter2', ''],
  ])('of %s', (type, value, line) => {
    expect(lineOf(type, value)).toBe(line);
  });

  test('has no part of any secret, whatever the type', () => {
    for (const { type, shape, secret } of fieldTypes) {
      if (secret) expect(lineOf(type, 'S3CRET')).toBe('');
      if (shape.kind !== 'members') continue;
      const filled = Object.fromEntries(shape.members.map((m) => [m.name, m.secret ? 'S3CRET' : 'open']));
      expect(lineOf(type, filled)).not.toContain('S3CRET');
    }
  });
});

describe('days', () => {
  test('are read as they are written', () => {
    for (const day of ['1815-12-10', '2000-02-29', '9999-12-31']) expect(dayOf(parseDay(day))).toBe(day);
  });

  test.each(['2026-02-30', '2026-13-01', '26-01-01', '2026-1-1', '', '2026-01-01T00:00'])(
    '%j is none',
    (text) => {
      expect(() => parseDay(text)).toThrow(malformed);
    },
  );
});

describe('record types', () => {
  test('each is there once, of known fields, each pair of type and label once', () => {
    const types = recordTemplates.map(({ type }) => type);
    expect(new Set(types).size).toBe(types.length);
    for (const { fields } of recordTemplates) {
      for (const { type } of fields) expect(fieldTypeOf(type)).not.toBeNull();
      const names = fields.map(({ type, label }) => JSON.stringify([type, label]));
      expect(new Set(names).size).toBe(names.length);
    }
  });

  test('all of the reference are there', () => {
    const expected = `pamMachine pamDatabase pamDirectory pamUser pamRemoteBrowser pamNetworkConfiguration
      pamAwsConfiguration pamAzureConfiguration pamDomainConfiguration pamGcpConfiguration pamOciConfiguration
      pamGitHubConfiguration login sshKeys databaseCredentials serverCredentials encryptedNotes contact address
      bankCard bankAccount softwareLicense apiCredential file`.split(/\s+/);
    for (const type of expected) expect(templateOf(type)?.type).toBe(type);
    expect(templateOf('pamNetworkConfiguration')?.internal).toBe(true);
    expect(templateOf('constructor')).toBeNull();
  });

  test('an empty content has the fields in order and no value', () => {
    const template = templateOf('pamUser');
    const content = template && emptyContent(template);
    expect(content?.fields.slice(0, 3)).toEqual([
      { type: 'login', value: [] },
      { type: 'password', value: [] },
      { type: 'secret', label: 'privatePEMKey', value: [] },
    ]);
  });
});
