import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RecordContent, RecordField } from '../../../../protocol/records/content.ts';
import { fieldTypes } from '../../../../protocol/records/field-types.ts';
import { compareContents } from '../../../../workers/tools/compare.ts';
import { runs } from '../../../fuzz-runs.ts';

const base: RecordContent = {
  type: 'login',
  title: 'Wiki',
  fields: [
    { type: 'login', value: ['ada'] },
    { type: 'password', value: ['hunter2'] },
    { type: 'url', value: [] },
  ],
  custom: [
    { type: 'text', label: 'Team', value: ['Engines'] },
    { type: 'paymentCard', value: [{ cardNumber: '4242', cardExpirationDate: '04/2030' }] },
    { type: 'secret', label: 'Key', value: ['s3cret'] },
  ],
};
const withFields = (...fields: RecordField[]): RecordContent => ({ ...base, fields });
const withCustom = (...custom: RecordField[]): RecordContent => ({ ...base, custom });
const [team, card, key] = base.custom as [RecordField, RecordField, RecordField];

test('the same version has no difference, in whatever order a writer puts members', () => {
  expect(compareContents(base, base)).toEqual([]);
  const swapped = { type: 'paymentCard', value: [{ cardExpirationDate: '04/2030', cardNumber: '4242' }] };
  expect(compareContents(base, withCustom(team, swapped, key))).toEqual([]);
});

test('a field without value is as good as none', () => {
  expect(compareContents(base, withFields(...base.fields.slice(0, 2)))).toEqual([]);
  expect(compareContents(base, withFields(...base.fields, { type: 'name', value: [{ first: '' }] }))).toEqual(
    [],
  );
});

test('title, notes and type', () => {
  expect(compareContents(base, { ...base, title: 'Wiki 2', notes: 'new\nlines', type: 'app' })).toEqual([
    {
      part: 'type',
      path: null,
      title: 'Type',
      kind: 'changed',
      secret: false,
      before: 'login',
      after: 'app',
    },
    {
      part: 'title',
      path: null,
      title: 'Title',
      kind: 'changed',
      secret: false,
      before: 'Wiki',
      after: 'Wiki 2',
    },
    { part: 'notes', path: null, title: 'Notes', kind: 'added', secret: false, after: 'new\nlines' },
  ]);
});

test('fields that came, went and changed are named as a person knows them', () => {
  const after = {
    ...base,
    fields: [
      { type: 'login', value: ['grace'] },
      { type: 'url', value: ['https://wiki.example'] },
    ],
  };
  const field = { part: 'field', secret: false };
  expect(compareContents(base, after)).toEqual([
    {
      ...field,
      path: { group: 'fields', index: 0 },
      title: 'Login',
      kind: 'changed',
      before: 'ada',
      after: 'grace',
    },
    {
      ...field,
      path: { group: 'fields', index: 1 },
      title: 'Website',
      kind: 'added',
      after: 'https://wiki.example',
    },
    { ...field, path: { group: 'fields', index: 1 }, title: 'Password', kind: 'removed', secret: true },
  ]);
});

describe('secrets', () => {
  test('a changed one is told, and neither value is', () => {
    const changed = { ...base, fields: base.fields.with(1, { type: 'password', value: ['hunter3'] }) };
    const [difference, ...others] = compareContents(base, changed);
    expect(difference).toEqual({
      part: 'field',
      path: { group: 'fields', index: 1 },
      title: 'Password',
      kind: 'changed',
      secret: true,
    });
    expect(others).toEqual([]);
  });

  test('of a value with members, the open ones are shown and the secret ones are told', () => {
    const [secretOnly] = compareContents(
      base,
      withCustom(team, { ...card, value: [{ cardNumber: '5555', cardExpirationDate: '04/2030' }] }, key),
    );
    expect(secretOnly).toMatchObject({ kind: 'changed', secret: true });
    expect(secretOnly).not.toHaveProperty('after');
    const [openOnly] = compareContents(
      base,
      withCustom(team, { ...card, value: [{ cardNumber: '4242', cardExpirationDate: '05/2031' }] }, key),
    );
    expect(openOnly).toMatchObject({ kind: 'changed', secret: false, before: '04/2030', after: '05/2031' });
  });

  test('none is in a comparison, whatever is compared', () => {
    const field = fc
      .constantFrom(...fieldTypes)
      .chain(({ type, shape, secret }): fc.Arbitrary<RecordField> => {
        const text = fc.integer({ min: 0, max: 3 }).map((n) => `S3CRET${n}`);
        if (shape.kind !== 'members') return text.map((s) => ({ type, value: [secret ? s : 'open'] }));
        return text.map((s) => ({
          type,
          value: [Object.fromEntries(shape.members.map((m) => [m.name, m.secret ? s : 'open']))],
        }));
      });
    const content = fc
      .tuple(fc.array(field, { maxLength: 5 }), fc.array(field, { maxLength: 5 }))
      .map(([fields, custom]) => ({ type: 'login', title: 't', fields, custom }));
    fc.assert(
      fc.property(content, content, (a, b) => {
        expect(JSON.stringify(compareContents(a, b))).not.toContain('S3CRET');
        expect(compareContents(a, a)).toEqual([]);
      }),
      { numRuns: runs(100) },
    );
  });
});

describe('order', () => {
  test('one field that was moved is one move', () => {
    const moved = compareContents(base, withCustom(card, key, team));
    expect(moved).toEqual([
      { part: 'field', path: { group: 'custom', index: 2 }, title: 'Team', kind: 'moved', secret: false },
    ]);
  });

  test('a field that came in between moves no other', () => {
    const added = { type: 'text', label: 'Floor', value: ['3'] };
    expect(compareContents(base, withCustom(added, team, card, key)).map(({ kind }) => kind)).toEqual([
      'added',
    ]);
  });

  test('from one group to the other is a move', () => {
    const after = { ...base, fields: [...base.fields, team], custom: [card, key] };
    expect(compareContents(base, after)).toMatchObject([{ title: 'Team', kind: 'moved' }]);
  });

  test('a move with a new value is a change', () => {
    const after = withCustom(card, key, { ...team, value: ['Looms'] });
    expect(compareContents(base, after)).toMatchObject([
      { kind: 'changed', before: 'Engines', after: 'Looms' },
    ]);
  });
});
