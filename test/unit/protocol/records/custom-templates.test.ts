import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProtocolError } from '../../../../protocol/errors.ts';
import { encodeTemplates, parseTemplates } from '../../../../protocol/records/custom-templates.ts';
import { templateOf, type RecordTemplate } from '../../../../protocol/records/templates.ts';
import { runs } from '../../../fuzz-runs.ts';
import { hostileJson, hostileText } from '../fuzz/mutation.ts';

const door: RecordTemplate = {
  type: 'custom:door-code',
  title: 'Door',
  fields: [
    { type: 'pinCode', title: 'Code' },
    { type: 'text', label: 'floor', title: 'Floor', multiline: false },
    { type: 'dropdown', label: 'wing', title: 'Wing', options: ['East', 'West'] },
  ],
};
const text = encodeTemplates([door]);

test('types come back as they were', () => {
  expect(parseTemplates(text)).toEqual([door]);
  expect(parseTemplates(encodeTemplates([]))).toEqual([]);
  expect(templateOf('custom:door-code', parseTemplates(text))).toEqual(door);
  expect(templateOf('custom:door-code')).toBeNull();
});

test('an administrator’s type never stands in for a built-in one', () => {
  const login = { ...door, type: 'login' };
  expect(templateOf('login', [login])?.title).toBe('Login');
});

const field = { type: 'text', title: 'T' };
const types = (...templates: unknown[]) => JSON.stringify({ types: templates });
const of = (...fields: unknown[]) => types({ type: 'custom:a', title: 'A', fields });

describe('refused', () => {
  test.each([
    ['no json', '{'],
    ['no object', '[]'],
    ['another member', '{"types":[],"more":1}'],
    ['a built-in name', types({ ...door, type: 'login' })],
    ['a name without slug', types({ ...door, type: 'custom:' })],
    ['capitals in a slug', types({ ...door, type: 'custom:Door' })],
    ['a type twice', types(door, door)],
    ['a type that is internal', types({ ...door, internal: true })],
    ['no title', types({ ...door, title: '' })],
    ['space around a title', types({ ...door, title: ' Door' })],
    ['a line break in a title', types({ ...door, title: 'Do\nor' })],
    ['a direction mark in a title', types({ ...door, title: 'Do\u202eor' })],
    ['no fields', types({ type: 'custom:a', title: 'A' })],
    ['an unknown field type', of({ type: 'teleport', title: 'T' })],
    ['a field type with its own screens', of({ type: 'pamSettings', title: 'T' })],
    ['a field twice', of(field, field)],
    ['a field with another member', of({ ...field, secret: false })],
    ['multiline as text', of({ ...field, multiline: 'yes' })],
    ['options that are no list', of({ ...field, options: 'East' })],
    ['an option that is no text', of({ ...field, options: [1] })],
  ])('%s', (_name, hostile) => {
    expect(() => parseTemplates(hostile)).toThrow(expect.objectContaining({ name: 'malformed' }));
  });

  test.each([
    ['201 types', types(...Array.from({ length: 201 }, (_, i) => ({ ...door, type: `custom:t${i}` })))],
    ['51 fields', of(...Array.from({ length: 51 }, (_, i) => ({ ...field, label: `l${i}` })))],
    ['a label of 101 characters', of({ ...field, label: 'x'.repeat(101) })],
    ['a megabyte', ' '.repeat(1024 * 1024 + 1)],
  ])('%s: too large', (_name, hostile) => {
    expect(() => parseTemplates(hostile)).toThrow(expect.objectContaining({ name: 'too-large' }));
  });
});

test('whatever comes, types or a refusal', () => {
  const hostile = fc.oneof(
    hostileText([text]),
    hostileJson([{ types: [door] }]).map((value) => JSON.stringify(value) ?? ''),
  );
  fc.assert(
    fc.property(hostile, (input) => {
      try {
        parseTemplates(input);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    }),
    { numRuns: runs(1000) },
  );
});
