import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeBase64url } from '../../../../protocol/bytes.ts';
import { ProtocolError } from '../../../../protocol/errors.ts';
import { filesOf, parseFileRef, withFile, withoutFile } from '../../../../protocol/records/files.ts';
import { withhold } from '../../../../protocol/records/withholding.ts';
import { newUid } from '../../../../protocol/uid.ts';
import { runs } from '../../../fuzz-runs.ts';
import { hostileJson } from '../fuzz/mutation.ts';

const plan = {
  fileUid: newUid(),
  name: 'plan of the house.pdf',
  size: 123_456,
  mediaType: 'application/pdf',
  key: encodeBase64url(new Uint8Array(32).fill(7)),
  chunks: 2,
};
const empty = { type: 'file', title: 'Plans', fields: [] };

test('an attachment is read as it was written', () => {
  expect(parseFileRef(JSON.parse(JSON.stringify(plan)))).toEqual(plan);
  expect(parseFileRef({ ...plan, mediaType: '', size: 0, chunks: 0 })).toMatchObject({ size: 0 });
});

test.each([
  ['a UID of other length', { fileUid: 'AAAA' }],
  ['a path', { name: '../etc/passwd' }],
  ['a Windows path', { name: 'a\\b' }],
  ['no name', { name: ' ' }],
  ['the folder itself', { name: '..' }],
  ['a line break in the name', { name: 'a\nb' }],
  ['a name that reads backwards', { name: 'plan\u202efdp.exe' }],
  ['a size below nothing', { size: -1 }],
  ['half a byte', { size: 0.5 }],
  ['more bytes than can be counted', { size: 2 ** 53 }],
  ['a size as text', { size: '5' }],
  ['another media type', { mediaType: 'text/html; charset=x' }],
  ['a short key', { key: 'AAAA' }],
  ['a key in the other alphabet', { key: '+'.repeat(43) }],
  ['no chunks', { chunks: null }],
  ['another member', { more: 1 }],
])('refused: %s', (_name, change) => {
  expect(() => parseFileRef({ ...plan, ...change })).toThrow(expect.objectContaining({ name: 'malformed' }));
});

test('refused: names and media types that are too long', () => {
  for (const change of [{ name: 'x'.repeat(256) }, { mediaType: `text/${'x'.repeat(127)}` }])
    expect(() => parseFileRef({ ...plan, ...change })).toThrow(
      expect.objectContaining({ name: 'too-large' }),
    );
});

describe('of a record', () => {
  test('attachments are added, replaced and taken away, and what others attached stays', () => {
    const foreign = newUid();
    const other = { ...plan, fileUid: newUid(), name: 'b.txt' };
    const record = { ...empty, fields: [{ type: 'fileRef', value: [foreign] }] };
    const both = withFile(withFile(record, plan), other);
    expect(filesOf(both)).toEqual([plan, other]);
    expect(filesOf(withFile(both, { ...plan, name: 'new.pdf' }))[0]?.name).toBe('new.pdf');
    const one = withoutFile(both, plan.fileUid);
    expect(filesOf(one)).toEqual([other]);
    expect(one.fields[0]?.value[0]).toBe(foreign);
    expect(withoutFile(one, plan.fileUid)).toBe(one);
    expect(filesOf(withFile(empty, plan))).toEqual([plan]);
  });

  test('the page sees which there are, and no key', () => {
    const { content, withheld } = withhold(withFile(empty, plan));
    expect(JSON.stringify(content)).not.toContain(plan.key);
    expect(content.fields[0]?.value[0]).toMatchObject({ name: plan.name, size: plan.size });
    expect(withheld).toEqual([{ group: 'fields', index: 0, at: 0, member: 'key' }]);
  });
});

test('whatever comes, an attachment or a refusal', () => {
  fc.assert(
    fc.property(hostileJson([plan]), (value) => {
      try {
        parseFileRef(value);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    }),
    { numRuns: runs(1000) },
  );
});
