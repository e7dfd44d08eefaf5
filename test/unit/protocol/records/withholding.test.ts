import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RecordContent, RecordField } from '../../../../protocol/records/content.ts';
import { fieldTypes, type FieldMember } from '../../../../protocol/records/field-types.ts';
import { fieldText, putBack, withhold } from '../../../../protocol/records/withholding.ts';
import { newUid } from '../../../../protocol/uid.ts';
import { runs } from '../../../fuzz-runs.ts';

const malformed = expect.objectContaining({ name: 'malformed' });
const card = { cardNumber: '4242424242424242', cardExpirationDate: '04/2030', cardSecurityCode: '123' };
const content: RecordContent = {
  type: 'bankCard',
  title: 'Card',
  fields: [
    { type: 'paymentCard', value: [card] },
    { type: 'pinCode', value: ['9876'] },
    { type: 'text', label: 'cardholderName', value: ['Ada'] },
  ],
  custom: [
    {
      type: 'securityQuestion',
      value: [
        { question: 'Pet?', answer: 'Rex' },
        { question: 'Town?', answer: 'Bath' },
      ],
    },
    { type: 'secret', label: 'first', value: ['one'] },
    { type: 'secret', label: 'second', value: ['two'] },
  ],
};

describe('withholding', () => {
  const view = withhold(content);

  test('takes secret members out of a value and leaves the others', () => {
    expect(view.content.fields[0]?.value).toEqual([{ cardExpirationDate: '04/2030' }]);
    expect(view.content.custom?.[0]?.value).toEqual([{ question: 'Pet?' }, { question: 'Town?' }]);
    expect(JSON.stringify(view)).not.toMatch(/4242|123|9876|Rex|Bath|one|two/);
  });

  test('names every place', () => {
    expect(view.withheld).toEqual([
      { group: 'fields', index: 0, at: 0, member: 'cardNumber' },
      { group: 'fields', index: 0, at: 0, member: 'cardSecurityCode' },
      { group: 'fields', index: 1 },
      { group: 'custom', index: 0, at: 0, member: 'answer' },
      { group: 'custom', index: 0, at: 1, member: 'answer' },
      { group: 'custom', index: 1 },
      { group: 'custom', index: 2 },
    ]);
  });

  test('what was withheld comes back whole', () => {
    expect(putBack(view.content, view.withheld, content)).toEqual(content);
  });

  test('a place that is not kept has the new value', () => {
    const edited = {
      ...view.content,
      fields: view.content.fields.with(0, {
        type: 'paymentCard',
        value: [{ cardExpirationDate: '05/2031', cardNumber: '5555' }],
      }),
    };
    const kept = view.withheld.filter(({ member }) => member !== 'cardNumber');
    expect(putBack(edited, kept, content).fields[0]?.value).toEqual([
      { cardNumber: '5555', cardExpirationDate: '05/2031', cardSecurityCode: '123' },
    ]);
  });

  test('a value that another client wrote as a text is withheld whole, and a file by its UID is not', () => {
    const uid = newUid();
    const odd: RecordContent = {
      ...content,
      fields: [
        { type: 'paymentCard', value: ['4242 and all'] },
        { type: 'fileRef', value: [uid, { fileUid: uid, key: 'k3y' }] },
        { type: 'passkeyOfTomorrow', value: [{ privateKey: 'PK' }] },
      ],
    };
    const seen = withhold(odd);
    expect(seen.content.fields[0]?.value).toEqual([]);
    expect(seen.content.fields[1]?.value).toEqual([uid, { fileUid: uid }]);
    expect(seen.content.fields[2]?.value).toEqual([]);
    expect(putBack(seen.content, seen.withheld, odd)).toEqual(odd);
  });

  test('takes a secret out of the settings of a connection, and leaves the rest of them', () => {
    const connection = { protocol: 'kubernetes', namespace: 'prod', caCert: 'CA', clientKey: 'K3Y' };
    const machine = {
      ...content,
      fields: [{ type: 'pamSettings', value: [{ configurationUid: 'c', connection }, { connection: {} }] }],
    };
    const place = { group: 'fields', index: 0, at: 0, member: 'connection.clientKey' } as const;
    const seen = withhold(machine);
    expect(seen.withheld.filter(({ group }) => group === 'fields')).toEqual([place]);
    const { clientKey: _, ...open } = connection;
    expect(seen.content.fields[0]?.value).toEqual([
      { configurationUid: 'c', connection: open },
      { connection: {} },
    ]);
    expect(JSON.stringify(seen)).not.toContain('K3Y');
    expect(putBack(seen.content, seen.withheld, machine)).toEqual(machine);
    expect(fieldText(machine, place)).toBe('K3Y');
    const edited = { connection: { ...open, namespace: 'test' } };
    const fields = [{ type: 'pamSettings', value: [edited] }];
    expect(putBack({ ...content, fields }, [place], machine).fields[0]?.value).toEqual([
      { connection: { ...connection, namespace: 'test' } },
    ]);
  });

  test('holds back everything that is secret, whatever is in the record', () => {
    const valueOf = ({ kind, secret, secretParts = [] }: FieldMember) => {
      if (kind !== 'json') return secret ? 'S3CRET' : 'open';
      return { open: 'open', ...Object.fromEntries(secretParts.map((part) => [part, 'S3CRET'])) };
    };
    const field = fc
      .constantFrom(...fieldTypes)
      .chain(({ type, shape, secret }): fc.Arbitrary<RecordField> => {
        if (shape.kind !== 'members') return fc.constant({ type, value: [secret ? 'S3CRET' : 'open'] });
        const value = Object.fromEntries(shape.members.map((m) => [m.name, valueOf(m)]));
        return fc.integer({ min: 1, max: 3 }).map((count) => ({ type, value: Array(count).fill(value) }));
      });
    const fields = fc.array(field, { maxLength: 6 });
    fc.assert(
      fc.property(fields, fields, (own, custom) => {
        const full = { type: 't', title: 't', fields: own, custom };
        const seen = withhold(full);
        expect(JSON.stringify(seen)).not.toContain('S3CRET');
        expect(putBack(seen.content, seen.withheld, full)).toEqual(full);
      }),
      { numRuns: runs(100) },
    );
  });
});

describe('putting back', () => {
  const seen = withhold(content).content;
  const [asked, first, second] = seen.custom ?? [];

  test('follows a field that was moved and renamed', () => {
    const renamed = { ...(second ?? { type: '', value: [] }), label: 'new name' };
    const moved = { ...seen, custom: [renamed] };
    const kept = [{ group: 'custom', index: 0, from: { group: 'custom', index: 2 } }] as const;
    expect(putBack(moved, kept, content).custom).toEqual([{ ...renamed, value: ['two'] }]);
  });

  test('follows a value that was moved within its field', () => {
    const town = { type: 'securityQuestion', value: [{ question: 'Which town?' }] };
    const from = { group: 'custom', index: 0, at: 1 } as const;
    const kept = [{ group: 'custom', index: 0, at: 0, member: 'answer', from }] as const;
    expect(putBack({ ...seen, custom: [town] }, kept, content).custom?.[0]?.value).toEqual([
      { question: 'Which town?', answer: 'Bath' },
    ]);
  });

  test.each([
    ['of another label, when no move is said', { index: 1, custom: [asked, second, first] }],
    ['of another type', { index: 0, from: { group: 'custom', index: 1 } }],
    ['that is not there', { index: 9 }],
    ['moved from nowhere', { index: 1, from: { group: 'custom', index: 9 } }],
    ['of a value that is not there', { index: 0, at: 2, member: 'answer' }],
    ['of a member that is not secret', { index: 0, at: 0, member: 'question' }],
    ['of a member that is not there', { index: 0, at: 0, member: '__proto__' }],
    ['of a part of a member that has none', { index: 0, at: 0, member: 'question.length' }],
  ] as const)('refuses a place %s', (_name, { index, ...more }) => {
    const { custom, ...path } = { custom: seen.custom, ...more } as { custom: RecordField[] };
    expect(() => putBack({ ...seen, custom }, [{ group: 'custom', index, ...path }], content)).toThrow(
      malformed,
    );
  });

  test('of a new record, nothing can be kept', () => {
    expect(() => putBack(seen, [{ group: 'fields', index: 1 }], null)).toThrow(malformed);
  });
});

test('one secret is read by its path, a missing one is not there', () => {
  expect(fieldText(content, { group: 'custom', index: 0, at: 1, member: 'answer' })).toBe('Bath');
  expect(fieldText(content, { group: 'fields', index: 0, member: 'cardNumber' })).toBe(card.cardNumber);
  expect(JSON.parse(fieldText(content, { group: 'fields', index: 0 }))).toEqual(card);
  for (const member of ['toString', '__proto__', 'nothing', 'cardNumber.length', '__proto__.toString', ''])
    expect(() => fieldText(content, { group: 'fields', index: 0, member })).toThrow(
      expect.objectContaining({ name: 'not-found' }),
    );
});
