import { describe, expect, test } from 'vitest';
import { mergeContents } from '../../../../workers/engine/secrets/merge.ts';
import type { SecretContent } from '../../../../workers/engine/secrets/secret-json.ts';

const field = (type: string, value: string, label?: string) => ({
  type,
  ...(label === undefined ? {} : { label }),
  value: [value],
});

const base: SecretContent = {
  type: 'login',
  title: 'Database',
  notes: 'old',
  fields: [field('login', 'root'), field('password', 'one'), field('url', 'https://a')],
  custom: [field('text', 'x', 'zone')],
};

describe('a record that a person and an application changed', () => {
  test('what only one of them changed is as that one has it', () => {
    const now = {
      ...base,
      title: 'Main database',
      fields: [field('login', 'admin'), ...base.fields.slice(1)],
    };
    const written = {
      ...base,
      notes: 'new',
      fields: [field('login', 'root'), field('password', 'two'), field('url', 'https://a')],
    };
    expect(mergeContents(base, now, written)).toEqual({
      ...base,
      title: 'Main database',
      notes: 'new',
      fields: [field('login', 'admin'), field('password', 'two'), field('url', 'https://a')],
    });
  });

  test('what both changed is as the application has it: it wrote last', () => {
    const now = {
      ...base,
      title: 'b',
      fields: [field('login', 'root'), field('password', 'person'), field('url', 'https://a')],
    };
    const written = {
      ...base,
      title: 'c',
      fields: [field('login', 'root'), field('password', 'rotated'), field('url', 'https://a')],
    };
    const merged = mergeContents(base, now, written);
    expect(merged.title).toBe('c');
    expect(merged.fields[1]).toEqual(field('password', 'rotated'));
  });

  test('fields of either are there; what one took out goes unless the other changed it', () => {
    const now = {
      ...base,
      fields: [field('password', 'one'), field('url', 'https://b'), field('email', 'a@b')],
    };
    const written = {
      ...base,
      fields: [field('login', 'root'), field('password', 'one'), field('phone', '1')],
      custom: [],
    };
    const merged = mergeContents(base, now, written);
    // The person took out the login, the application the address, which the person changed, and the zone.
    expect(merged.fields).toEqual([
      field('password', 'one'),
      field('url', 'https://b'),
      field('email', 'a@b'),
      field('phone', '1'),
    ]);
    expect(merged.custom).toBeUndefined();
  });

  test('what the application changed while the person took it out comes back', () => {
    const now = { ...base, fields: base.fields.slice(0, 2) };
    const written = { ...base, fields: [...base.fields.slice(0, 2), field('url', 'https://c')] };
    expect(mergeContents(base, now, written).fields).toEqual(written.fields);
  });

  test('two fields of one type and label are told apart by their order', () => {
    const two = (one: string, other: string) => ({
      ...base,
      fields: [field('text', one), field('text', other)],
    });
    expect(mergeContents(two('a', 'b'), two('a', 'c'), two('d', 'b'))).toEqual(two('d', 'c'));
  });

  test('another order of members is no change', () => {
    const named = (value: object) => ({ ...base, fields: [{ type: 'name', value: [{ ...value }] }] });
    const now = named({ first: 'Ada', last: 'Byron' });
    const merged = mergeContents(named({ first: 'Ada', last: 'L' }), now, named({ last: 'L', first: 'Ada' }));
    expect(merged).toEqual(now);
  });
});
