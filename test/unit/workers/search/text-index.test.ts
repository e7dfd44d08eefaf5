import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TextIndex } from '../../../../workers/engine/search/text-index.ts';
import { Texts } from '../../../../workers/engine/search/texts.ts';

const line = fc.string({ maxLength: 30 }).map((text) => text.replaceAll('\n', ' ').toWellFormed());

test('every text is found where it is, and no other', () => {
  fc.assert(
    fc.property(fc.uniqueArray(line, { maxLength: 200 }), line, (texts, other) => {
      const index = new TextIndex(Texts.of(texts));
      expect(texts.map((text) => index.indexOf(text))).toEqual(texts.map((_, at) => at));
      expect(index.indexOf(other)).toBe(texts.indexOf(other));
    }),
    { numRuns: 200 },
  );
});

test('nothing is in an empty one', () => {
  expect(new TextIndex(Texts.of([])).indexOf('')).toBe(-1);
});
