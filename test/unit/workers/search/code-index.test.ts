import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseBase64url } from '../../../../protocol/bytes.ts';
import { ProtocolError } from '../../../../protocol/errors.ts';
import { CodeIndex } from '../../../../workers/engine/search/code-index.ts';
import { Codes, encodeCodes } from '../../../../workers/engine/search/codes.ts';
import { runs } from '../../../fuzz-runs.ts';

const size = 16;
const zeros = 'A'.repeat(22);
const code = fc.oneof(
  fc
    .uint8Array({ minLength: size, maxLength: size })
    .map((bytes) => Buffer.from(bytes).toString('base64url')),
  fc.constant(zeros),
);
const columnOf = (codes: readonly string[], mayBeEmpty = false) =>
  new Codes(encodeCodes(codes), codes.length, mayBeEmpty);

test('every code is found where it is, and no other', () => {
  fc.assert(
    fc.property(fc.uniqueArray(code, { maxLength: 200 }), code, (codes, other) => {
      const index = new CodeIndex(columnOf(codes));
      const find = (text: string) => index.indexOf(parseBase64url(text));
      expect(codes.map(find)).toEqual(codes.map((_, at) => at));
      expect(find(other)).toBe(codes.indexOf(other));
    }),
    { numRuns: runs(200) },
  );
});

test('nothing is in an empty one', () => {
  expect(new CodeIndex(columnOf([])).indexOf(new Uint8Array(size))).toBe(-1);
});

test('codes come back as they were, one of zeros too', () => {
  fc.assert(
    fc.property(fc.array(code, { maxLength: 50 }), (codes) => {
      const column = columnOf(codes);
      expect(codes.map((_, at) => column.at(at))).toEqual(codes);
    }),
    { numRuns: runs(100) },
  );
});

test('where they may be empty, an empty one comes back as it was', () => {
  const other = fc.oneof(
    code.filter((text) => text !== zeros),
    fc.constant(''),
  );
  fc.assert(
    fc.property(fc.array(other, { maxLength: 50 }), (codes) => {
      const column = columnOf(codes, true);
      expect(codes.map((_, at) => column.at(at))).toEqual(codes);
    }),
    { numRuns: runs(100) },
  );
});

test('codes of several lengths are not written, and no other number of bytes read', () => {
  const malformed = (act: () => unknown) =>
    expect(act).toThrow(expect.objectContaining({ constructor: ProtocolError, code: 'malformed' }));
  malformed(() => encodeCodes(['AAAA', 'AAAB', 'AAA']));
  malformed(() => encodeCodes(['not a code at all!']));
  malformed(() => new Codes(new Uint8Array(31), 2));
  malformed(() => new Codes(new Uint8Array(1), 0));
});
