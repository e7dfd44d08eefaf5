import { argon2Sync } from 'node:crypto';
import { concat, context, envelope, hex, hkdf, seed, sha256, uint32, uint64, utf8 } from './independent.ts';
import { damage } from './mutations.ts';

const password = 'correct horse battery';

interface Costs {
  readonly memoryKib?: number;
  readonly passes?: number;
  readonly parallelism?: number;
}

const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
const salt = seed('export salt', 16);

const header = ({ memoryKib = 65_536, passes = 3, parallelism = 1 }: Costs = {}) =>
  `{"format":"sallyport-export","version":1,"kdf":{"name":"argon2id","salt":"${base64url(salt)}","memoryKib":${memoryKib},"passes":${passes},"parallelism":${parallelism}}}\n`;

function derivedOf(word: string, passes = 3): Uint8Array {
  const derived = argon2Sync('argon2id', {
    message: utf8(word),
    nonce: salt,
    parallelism: 1,
    tagLength: 32,
    memory: 65_536,
    passes,
  });
  return new Uint8Array(derived);
}

function keyOf(word: string, passes = 3): Uint8Array {
  return hkdf(derivedOf(word, passes), new Uint8Array(0), context('sallyport/v1/export-key'));
}

const part = (kind: number, bytes: Uint8Array) => concat(Uint8Array.of(kind), uint32(bytes.length), bytes);
const json = (kind: number, value: unknown) => part(kind, utf8(JSON.stringify(value)));

/** §22 */
export function sealedExports(): object[] {
  const key = keyOf(password);
  const attachment = utf8('file bytes');
  const record = {
    content: { type: 'login', title: 'Site', fields: [{ type: 'password', value: ['pw'] }] },
    folder: ['Work'],
    favourite: true,
    tags: ['a'],
    links: [],
    attachments: [{ name: 'f.txt', mediaType: 'text/plain', size: attachment.length }],
  };
  const head = json(1, { folders: [['Work']] });
  const content = concat(
    head,
    json(2, record),
    part(3, attachment.subarray(0, 4)),
    part(3, attachment.subarray(4)),
  );
  const frame = (
    plaintext: Uint8Array,
    { line = header(), index = 0, final = 1, k = key, purpose = 'export-chunk' } = {},
  ) => {
    const objects = [sha256(utf8(line)), uint64(index), Uint8Array.of(final)];
    const sealed = envelope(`export ${index}`, k, purpose, objects, plaintext);
    return concat(uint32(sealed.length), sealed);
  };
  const file = (line: string, ...frames: readonly Uint8Array[]) => concat(utf8(line), ...frames);
  const whole = file(header(), frame(content));
  const vector = (name: string, bytes: Uint8Array, more: object) => ({
    name,
    password,
    file: hex(bytes),
    ...more,
  });
  const good = (name: string, bytes: Uint8Array, titles: readonly string[], attachments: readonly string[]) =>
    vector(name, bytes, { titles, attachments });
  const bad = (name: string, bytes: Uint8Array, fails = 'wrong-password') => vector(name, bytes, { fails });
  const costs = (name: string, change: Costs) =>
    bad(name, file(header(change), frame(content)), 'weak-parameters');
  const spelled = (name: string, from: string, to: string, fails = 'malformed') =>
    bad(name, file(header().replace(from, to), frame(content)), fails);
  const inside = (name: string, plaintext: Uint8Array) =>
    bad(name, file(header(), frame(plaintext)), 'malformed');
  return [
    good('a record with an attachment in two parts', whole, ['Site'], [hex(attachment)]),
    good('no records', file(header(), frame(head)), [], []),
    good(
      'more passes than the floor',
      file(header({ passes: 4 }), frame(head, { line: header({ passes: 4 }), k: keyOf(password, 4) })),
      [],
      [],
    ),
    { ...bad('another password', whole), password: 'another password' },
    bad(
      'under the derived key without its label',
      file(header(), frame(content, { k: derivedOf(password) })),
    ),
    bad('a first frame that says it is not the last', file(header(), frame(content, { final: 0 }))),
    bad('a frame of another place', file(header(), frame(content, { index: 1 }))),
    bad('of another header', file(header(), frame(content, { line: header({ passes: 4 }) }))),
    bad('for another purpose', file(header(), frame(content, { purpose: 'local-state' }))),
    bad('a frame that is followed by another one', file(header(), frame(content), frame(head, { index: 1 }))),
    bad('no frame', file(header())),
    bad('a frame cut short', whole.subarray(0, whole.length - 1)),
    ...damage(frame(content), { nonce: 4 + 9, tag: -1 }).map(({ name, bytes }) =>
      bad(name, file(header(), bytes)),
    ),
    costs('memory under the floor', { memoryKib: 65_535 }),
    costs('memory over the ceiling', { memoryKib: 1_048_577 }),
    costs('passes under the floor', { passes: 2 }),
    costs('passes over the ceiling', { passes: 17 }),
    costs('other lanes', { parallelism: 2 }),
    spelled('another version', '"version":1', '"version":2', 'unsupported-version'),
    spelled('another derivation', 'argon2id', 'argon2i'),
    spelled('a blank in the line', ',"version"', ', "version"'),
    spelled('a further member', '{"format"', '{"more":1,"format"'),
    spelled('a salt that is not canonical', '","memoryKib"', '=","memoryKib"'),
    spelled('a cost as text', '65536', '"65536"'),
    inside('a record before the head', json(2, record)),
    inside('two heads', concat(head, head)),
    inside(
      'an attachment that is cut short',
      concat(head, json(2, record), part(3, attachment.subarray(0, 4))),
    ),
    inside(
      'an attachment that is too long',
      concat(head, json(2, record), part(3, concat(attachment, attachment))),
    ),
    inside('bytes that belong to nothing', concat(head, part(3, attachment))),
    inside('an unknown kind', concat(head, part(4, attachment))),
    inside('a part that is cut short', concat(head, json(2, record)).subarray(0, -1)),
    inside('a part that is too long', concat(head, Uint8Array.of(3), uint32(65_537))),
    inside(
      'a link to nowhere',
      concat(head, json(2, { ...record, attachments: [], links: [{ role: 'user', to: 1 }] })),
    ),
  ];
}
