import { expect, test } from 'vitest';
import { noIceServers, parseIceUrl, readIceServers } from '../../../../protocol/channel/ice-servers.ts';

const list = (urls: string[], changes = {}) => ({ urls, username: 'name', credential: 'word', ...changes });

test.each([
  ['stun:relay.example', { scheme: 'stun', host: 'relay.example', port: 3478, transport: 'udp' }],
  ['turn:10.0.0.1:443?transport=tcp', { scheme: 'turn', host: '10.0.0.1', port: 443, transport: 'tcp' }],
  ['turn:relay.example?transport=udp', { scheme: 'turn', port: 3478, transport: 'udp' }],
  ['turns:relay.example', { scheme: 'turns', port: 5349, transport: 'tcp' }],
  ['turns:relay.example:443?transport=tcp', { scheme: 'turns', port: 443, transport: 'tcp' }],
  ['turn:[2001:db8::1]:3478', { host: '2001:db8::1', port: 3478 }],
])('%s is read', (text, expected) => expect(parseIceUrl(text)).toMatchObject(expected));

test.each([
  '',
  'https://relay.example',
  'turn://relay.example',
  'TURN:relay.example',
  'turn:',
  'turn:relay.example:0',
  'turn:relay.example:65536',
  'turn:relay.example:1e3',
  'turn:relay.example?transport=sctp',
  'turn:relay.example?transport=udp&more=1',
  'turn:name:word@relay.example',
  'turn:relay.example/path',
  'turn:relay .example',
  'turn:-relay.example',
  'turn:relay.example\nturn:other.example',
  'stun:relay.example?transport=udp',
  'turns:relay.example?transport=udp',
  `turn:${'a'.repeat(300)}`,
])('%j is refused', (text) =>
  expect(() => parseIceUrl(text)).toThrow(expect.objectContaining({ code: 'malformed' })),
);

test('no list, and an empty one, is none', () => {
  expect(readIceServers(undefined)).toBe(noIceServers);
  expect(readIceServers(list([]))).toBe(noIceServers);
});

test('STUN alone needs no credentials; a relay does', () => {
  const none = { username: '', credential: '' };
  expect(readIceServers(list(['stun:relay.example'], none)).urls).toHaveLength(1);
  for (const lacking of [none, { username: '' }, { credential: '' }, { credential: 'a b' }])
    expect(() => readIceServers(list(['turn:relay.example'], lacking))).toThrow(
      expect.objectContaining({ code: 'malformed' }),
    );
});

test.each([
  ['nine addresses', list(Array.from({ length: 9 }, (_, index) => `turn:relay${index}.example`))],
  ['a long name', list(['turn:relay.example'], { username: 'a'.repeat(129) })],
  ['a long password', list(['turn:relay.example'], { credential: 'a'.repeat(129) })],
])('%s is too much', (_, message) =>
  expect(() => readIceServers(message)).toThrow(expect.objectContaining({ code: 'too-large' })),
);
