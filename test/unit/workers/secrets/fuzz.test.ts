import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeBase64url, utf8 } from '../../../../protocol/bytes.ts';
import { ProtocolError } from '../../../../protocol/errors.ts';
import { limits } from '../../../../protocol/limits.ts';
import { encodeContent, parseContent } from '../../../../protocol/records/content.ts';
import { parseFileRef } from '../../../../protocol/records/files.ts';
import { newUid } from '../../../../protocol/uid.ts';
import { parseApplication } from '../../../../workers/engine/secrets/application-content.ts';
import { mergeContents } from '../../../../workers/engine/secrets/merge.ts';
import {
  parseSecretJson,
  secretJsonOf,
  type SecretContent,
} from '../../../../workers/engine/secrets/secret-json.ts';
import { describedFile } from '../../../../workers/engine/secrets/taken-file.ts';
import { takenContent } from '../../../../workers/engine/secrets/taken-content.ts';
import { runs } from '../../../fuzz-runs.ts';
import { strangeJson } from '../../protocol/fuzz/mutation.ts';

const from = { recordUid: newUid(), base: 1, write: 1, applicationUid: newUid() };
const noFiles = { removed: [], added: [] };

const types = [
  'login',
  'password',
  'fileRef',
  'pamSettings',
  'trafficEncryptionSeed',
  'otp',
  'unknown',
  '__proto__',
];
const field = fc.record(
  {
    type: fc.oneof(fc.constantFrom(...types), strangeJson),
    label: fc.oneof(fc.string(), strangeJson),
    value: fc.oneof(fc.array(strangeJson), strangeJson),
    required: strangeJson,
    complexity: strangeJson,
  },
  { requiredKeys: [] },
);
const written = fc.record(
  {
    type: fc.oneof(fc.constantFrom('login', 'pamMachine', 'secretsApplication', 'custom'), strangeJson),
    title: fc.oneof(fc.string(), strangeJson),
    notes: fc.oneof(fc.string(), strangeJson),
    fields: fc.oneof(fc.array(field), strangeJson),
    custom: fc.oneof(fc.array(field), strangeJson),
    takenFrom: strangeJson,
  },
  { requiredKeys: [] },
);

const hostileName = fc.constantFrom(
  ...[
    '',
    '.',
    '..',
    '../../etc/passwd',
    'C:\\Windows\\a',
    'a\0b',
    'a\u202Egnp.exe',
    '\ud800',
    'a'.repeat(255) + '🔑',
    '🔑'.repeat(200),
  ],
);

/** What comes of it; null when it was refused as everything from outside is. */
function orRefused<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    expect(error, String(error)).toBeInstanceOf(ProtocolError);
    return null;
  }
}

test('whatever an application writes, a record comes of it that fits and opens, or nothing', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        written.map((json) => JSON.stringify(json)),
        fc.string(),
      ),
      (text) => {
        const content = orRefused(() => takenContent(parseSecretJson(text), null, noFiles, from));
        if (content === null) return;
        const encoded = encodeContent(content);
        expect(utf8(encoded).length).toBeLessThanOrEqual(limits.recordPlaintext);
        const read = parseContent(encoded);
        expect(encodeContent(read)).toBe(encoded);
        // What goes out of it again is what may go out, and comes back as the same.
        const seen = secretJsonOf(read);
        expect(parseSecretJson(JSON.stringify(seen))).toEqual(JSON.parse(JSON.stringify(seen)));
      },
    ),
    { numRuns: runs(500) },
  );
});

test('whatever an application says of a file, an attachment may be named so, or it is refused', () => {
  const said = fc.record(
    {
      name: fc.oneof(fc.string({ unit: 'binary', maxLength: 600 }), hostileName, fc.jsonValue()),
      type: fc.oneof(
        fc.constantFrom('A/B', 'text/plain; charset=x', '../..', 'a/b\n'),
        fc.string(),
        fc.jsonValue(),
      ),
      size: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        said.map((json) => JSON.stringify(json)),
        fc.string(),
      ),
      (text) => {
        const file = orRefused(() => describedFile(text));
        if (file === null) return;
        const rest = { fileUid: newUid(), size: 1, key: encodeBase64url(new Uint8Array(32)), chunks: 1 };
        expect(parseFileRef({ ...rest, name: file.name, mediaType: file.type })).toMatchObject({
          name: file.name,
        });
        // As browsers and the exchange of files between tabs take it.
        expect(new File([], file.name, { type: file.type })).toMatchObject({
          name: file.name,
          type: file.type,
        });
        expect(file.name.isWellFormed()).toBe(true);
      },
    ),
    { numRuns: runs(1000) },
  );
});

/** A merge keeps the order of who was there first. */
function unordered({ fields, custom = [], ...rest }: SecretContent) {
  const sorted = (group: SecretContent['fields']) => group.map((one) => JSON.stringify(one)).sort();
  return { ...rest, fields: sorted(fields), custom: sorted(custom) };
}

test('what merges with itself stays', () => {
  fc.assert(
    fc.property(written, written, (one, other) => {
      const [base, now] = [one, other].map((json) => orRefused(() => parseSecretJson(JSON.stringify(json))));
      if (!base || !now) return;
      expect(unordered(mergeContents(base, base, now))).toEqual(unordered(now));
      expect(mergeContents(base, now, base)).toEqual(now);
    }),
    { numRuns: runs(500) },
  );
});

test('whatever is in the record of an application, it is one or it is refused', () => {
  const value = fc.array(fc.oneof(fc.string(), fc.dictionary(fc.string(), strangeJson)));
  const kinds = fc.constantFrom('createdAt', 'secretsShares', 'secretsClients', 'text');
  const content = fc.record({
    type: fc.constantFrom('secretsApplication', 'app'),
    title: fc.string(),
    fields: fc.array(fc.record({ type: kinds, value: fc.oneof(value, fc.constant([1])) })),
  });
  fc.assert(
    fc.property(content, (given) => {
      const application = orRefused(() => parseApplication(parseContent(JSON.stringify(given))));
      if (application !== null) expect(given.type).toBe('secretsApplication');
    }),
    { numRuns: runs(500) },
  );
});
