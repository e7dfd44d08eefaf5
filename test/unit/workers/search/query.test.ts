import { expect, test } from 'vitest';
import { parseQuery, plain } from '../../../../workers/engine/search/query.ts';

test.each([
  ['', [], []],
  ['  shop  Ada ', ['shop', 'ada'], []],
  ['"two words" x', ['two words', 'x'], []],
  [
    'user:Ada tag:"very red" shop',
    ['shop'],
    [
      ['user', 'ada'],
      ['tag', 'very red'],
    ],
  ],
  ['user:', [], []],
  ['https://a.example:8443/x', ['https://a.example:8443/x'], []],
  ['café', ['cafe'], []],
  ['USER:a', [], [['user', 'a']]],
  [
    'login:a notes:b folder:c',
    [],
    [
      ['user', 'a'],
      ['text', 'b'],
      ['in', 'c'],
    ],
  ],
])('%j is taken apart', (text, words, fields) => {
  const query = parseQuery(text);
  expect([query.words, query.fields.map(({ field, word }) => [field, word])]).toEqual([words, fields]);
});

test('plain letters have neither case nor accent', () => {
  expect(plain('Ünïcode ÉCOLE')).toBe('unicode ecole');
});
