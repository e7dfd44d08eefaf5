import { damage } from './mutations.ts';
import { concat, context, envelope, hex, hkdf, pad, seed, sha256, uid, uint64, utf8 } from './independent.ts';

const none = new Uint8Array(0);

/** §17.2. Only chunks that are short: a full one would be a file of its own here. */
export function fileChunks(): object[] {
  const key = seed('file key');
  const [record, file] = [uid('record').text, uid('file').text];
  const text = utf8('attachment');
  const seal = ({
    plaintext = pad(text) as Uint8Array,
    index = 0,
    last = 1,
    objects = [record, file],
    purpose = 'file-chunk',
    k = key,
  } = {}) => envelope('chunk', k, purpose, [...objects, uint64(index), Uint8Array.of(last)], plaintext);
  const sealed = seal();
  const size = text.length;
  const base = { key: hex(key), recordUid: record, fileUid: file, size, index: 0, sealed: hex(sealed) };
  const bad = (name: string, change: object, fails = 'open-failed') => ({ ...base, name, ...change, fails });
  const as = (name: string, change: Parameters<typeof seal>[0], fails?: string) =>
    bad(name, { sealed: hex(seal(change)) }, fails);
  return [
    { ...base, name: 'a small file', plaintext: hex(text) },
    { ...base, name: 'an empty file', size: 0, sealed: hex(seal({ plaintext: pad(none) })), plaintext: '' },
    {
      ...{ ...base, name: 'a file that fills its bucket', size: 255, plaintext: hex(seed('full', 255)) },
      sealed: hex(seal({ plaintext: pad(seed('full', 255)) })),
    },
    bad('of another record', { recordUid: uid('other').text }),
    bad('of another file', { fileUid: uid('other').text }),
    bad('record and file swapped', { recordUid: file, fileUid: record }),
    bad('another key', { key: hex(seed('other')) }),
    bad('in clear', { sealed: hex(text) }),
    bad('taken for the first of two chunks', { size: 2 ** 20 + 10 }),
    bad('taken for the second of two chunks', { size: 2 ** 20 + 10, index: 1 }),
    bad('a chunk that the file does not have', { index: 1 }, 'malformed'),
    bad('a negative chunk', { index: -1 }, 'malformed'),
    bad('half a chunk', { index: 0.5 }, 'malformed'),
    bad('a file of another length in the same bucket', { size: size + 1 }, 'malformed'),
    bad('a file of another bucket', { size: 300 }, 'malformed'),
    as('the first chunk of a longer file, as the whole of a short one', { last: 0 }),
    as('the second chunk', { index: 1 }),
    as('sealed without its file', { objects: [record] }),
    as('sealed as a record', { purpose: 'record-data' }),
    as('without padding', { plaintext: text }, 'malformed'),
    as('padded to no bucket', { plaintext: concat(pad(text), none, Uint8Array.of(0)) }, 'malformed'),
    ...damage(sealed, { version: 0, 'key id': 1, nonce: 9, ciphertext: 21, tag: -1 }).map(({ name, bytes }) =>
      bad(name, { sealed: hex(bytes) }),
    ),
  ];
}

/** §18 */
export function shareLinks(): object[] {
  const link = uid('share link');
  const key = seed('share link key');
  const derive = (label: string, linkUid = link.text) =>
    hkdf(key, none, context(`sallyport/v1/share-link/${label}`, linkUid));
  const content = { title: 'T', note: '', fields: [{ label: 'Password', value: 'p', secret: true }] };
  const seal = (
    value: string | Uint8Array,
    { k = derive('content-key'), objects = [link.text] as string[], purpose = 'share-link' } = {},
  ) => envelope('share', k, purpose, objects, typeof value === 'string' ? pad(utf8(value)) : value);
  const text = JSON.stringify(content);
  const sealed = seal(text);
  const base = {
    link: Buffer.from(concat(link.bytes, key)).toString('base64url'),
    tokenHash: hex(sha256(derive('access-token'))),
    sealed: hex(sealed),
  };
  const bad = (name: string, change: object, fails = 'open-failed') => ({ ...base, name, ...change, fails });
  const malformed = (name: string, json: string) => bad(name, { sealed: hex(seal(json)) }, 'malformed');
  const linkOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
  return [
    { ...base, name: 'a link', content },
    bad('another link key', { link: linkOf(concat(link.bytes, seed('other'))) }),
    bad('another link', { link: linkOf(concat(uid('other').bytes, key)) }),
    bad('sealed for another link', { sealed: hex(seal(text, { objects: [uid('other').text] })) }),
    bad('sealed as its title', { sealed: hex(seal(text, { purpose: 'share-link-title' })) }),
    bad('under the link key itself', { sealed: hex(seal(text, { k: key })) }),
    bad('under the access token', { sealed: hex(seal(text, { k: derive('access-token') })) }),
    bad('in clear', { sealed: hex(utf8(text)) }),
    bad('a link that is too short', { link: linkOf(concat(link.bytes, key).subarray(0, 47)) }, 'malformed'),
    bad('a link that is too long', { link: linkOf(concat(link.bytes, key, Uint8Array.of(0))) }, 'malformed'),
    bad('a link with padding', { link: `${base.link}=` }, 'malformed'),
    bad('an empty link', { link: '' }, 'malformed'),
    bad('without padding', { sealed: hex(seal(utf8(text))) }, 'malformed'),
    malformed('no json', 'text'),
    malformed('null', 'null'),
    malformed('a list', '[]'),
    malformed('no fields', '{"title":"T","note":""}'),
    malformed('a field without a value', '{"title":"T","note":"","fields":[{"label":"a","secret":true}]}'),
    malformed(
      'a secret that is a text',
      '{"title":"T","note":"","fields":[{"label":"a","value":"b","secret":"yes"}]}',
    ),
    ...damage(sealed, { version: 0, 'key id': 1, nonce: 9, ciphertext: 21, tag: -1 }).map(({ name, bytes }) =>
      bad(name, { sealed: hex(bytes) }),
    ),
  ];
}
