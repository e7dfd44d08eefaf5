import { encodeMessage } from '../../../protocol/messages/encode.ts';
import { ServerKeysSchema, ServerKeySetSchema } from '../../../protocol/messages/gen/api_pb.js';
import { damage, failing } from './mutations.ts';
import {
  blob,
  concat,
  context,
  ecies,
  gcm,
  hex,
  hkdf,
  keyPair,
  pad,
  seed,
  sha256,
  sign,
  uint32,
  uint64,
  utf8,
} from './independent.ts';

const server = keyPair('server key');
const older = keyPair('older server key');
const serverKeys = [
  { id: 21, privateKey: hex(server.privateKey), publicKey: hex(server.publicKey) },
  { id: 20, privateKey: hex(older.privateKey), publicKey: hex(older.publicKey) },
];

function wrapped(name: string, key: Uint8Array, subject: string, id = 21, recipient = server.publicKey) {
  const sealed = ecies(name, recipient, 'transmission-key', [subject, uint32(id)], key);
  return concat(Uint8Array.of(1), uint32(id), sealed);
}

/** §7.2, §7.3 */
export function requests(): object[] {
  const method = 'RecordService/Sync';
  const key = seed('transmission key');
  const head = wrapped('request', key, method);
  const aad = (direction: string, m: string, w: Uint8Array) =>
    context('sallyport api', direction, m, sha256(w));
  const payload = utf8('a request payload');
  const seal = (w: Uint8Array, direction = 'request', m = method, k = key, plain = pad(payload)) =>
    concat(w, blob(`request/${direction}/${m}`, k, plain, aad(direction, m, w)));
  const body = seal(head);
  const oldHead = wrapped('old', key, method, 20, older.publicKey);
  const response = blob('response', key, pad(utf8('a response')), aad('response', method, head));
  const base = { serverKeys, method, transmissionKey: hex(key), body: hex(body) };
  const other = (name: string, bytes: Uint8Array, fails = 'open-failed') => ({
    ...base,
    name,
    body: hex(bytes),
    fails,
  });
  const parts = { form: 5, x: 6, 'key nonce': 70, 'wrapped key': 82, nonce: 130, ciphertext: 142, tag: -1 };
  const damaged = damage(body, parts).filter(
    ({ bytes, name }) => bytes.length >= 130 && !/first|front/.test(name),
  );
  return [
    {
      ...base,
      name: 'under the current key',
      payload: hex(payload),
      response: hex(response),
      responsePayload: hex(utf8('a response')),
    },
    { ...base, name: 'under the older key', body: hex(seal(oldHead)), payload: hex(payload) },
    {
      ...base,
      name: 'an empty payload',
      body: hex(seal(head, 'request', method, key, pad(new Uint8Array(0)))),
      payload: '',
    },
    ...failing(damaged, 'body', base, 'open-failed'),
    other('nothing', new Uint8Array(0), 'malformed'),
    other('a wrapped key alone', head, 'open-failed'),
    other('a wrapped key cut', head.subarray(0, 129), 'malformed'),
    other('version 2', concat(Uint8Array.of(2), body.subarray(1)), 'unsupported-version'),
    other('version 0', concat(Uint8Array.of(0), body.subarray(1)), 'unsupported-version'),
    other('an unknown key id', concat(Uint8Array.of(1), uint32(22), body.subarray(5)), 'unknown-server-key'),
    other("the other key's id", concat(Uint8Array.of(1), uint32(20), body.subarray(5))),
    other(
      'a key wrapped for another id',
      seal(concat(Uint8Array.of(1), uint32(21), wrapped('w', key, method, 20).subarray(5))),
    ),
    other('a key wrapped for another method', seal(wrapped('x', key, 'RecordService/PutRecords'))),
    other('a key wrapped for a link', seal(wrapped('y', key, 'link'))),
    other('a payload sealed for another method', seal(head, 'request', 'RecordService/PutRecords')),
    other('a response sent as a request', seal(head, 'response')),
    other('the payload of another request', concat(wrapped('z', key, method), body.subarray(130))),
    other('a payload under another key', seal(head, 'request', method, seed('another transmission key'))),
    other('a payload without padding', seal(head, 'request', method, key, payload), 'malformed'),
    { ...base, name: 'asked of another method', method: 'RecordService/PutRecords', fails: 'open-failed' },
    { ...base, name: 'a server without keys', serverKeys: [], fails: 'unknown-server-key' },
  ];
}

/** §11.1 */
export function links(): object[] {
  const key = seed('link key');
  const opening = wrapped('link', key, 'link');
  const binding = sha256(opening);
  const toServer = hkdf(key, binding, context('sallyport/v1/link/client-to-server'));
  const toClient = hkdf(key, binding, context('sallyport/v1/link/server-to-client'));
  const nonce = (count: number) => concat(new Uint8Array(4), uint64(count));
  const seal = (count: number, text: string, k = toServer, aad = binding) =>
    gcm(k, nonce(count), utf8(text), aad);
  const [first, second, third] = [seal(0, 'first'), seal(1, 'second'), seal(2, 'third')];
  const base = { serverKeys, opening: hex(opening), binding: hex(binding) };
  const good = (name: string, list: readonly Uint8Array[], opened: readonly string[]) => ({
    ...base,
    name,
    frames: list.map(hex),
    opened: opened.map((text) => hex(utf8(text))),
  });
  const bad = (name: string, list: readonly Uint8Array[], fails = 'open-failed') => ({
    ...base,
    name,
    frames: list.map(hex),
    fails,
  });
  const opened = (name: string, bytes: Uint8Array, fails: string) => ({
    ...base,
    name,
    opening: hex(bytes),
    frames: [],
    fails,
  });
  const cuts = damage(first, { ciphertext: 0, tag: -1 });
  return [
    good('three frames', [first, second, third], ['first', 'second', 'third']),
    good('an empty frame', [seal(0, '')], ['']),
    bad('a frame left out', [first, third]),
    bad('the first frame left out', [second]),
    bad('a frame twice', [first, first]),
    bad('frames in another order', [second, first]),
    bad('a frame of the other direction', [seal(0, 'first', toClient)]),
    bad('a frame of another link', [seal(0, 'first', toServer, sha256(utf8('other')))]),
    bad('a frame under the transmission key itself', [seal(0, 'first', key)]),
    ...cuts.map(({ name, bytes }) => bad(`a frame with ${name}`, [bytes])),
    opened('no opening', new Uint8Array(0), 'malformed'),
    opened('an opening cut', opening.subarray(0, -1), 'malformed'),
    opened('a longer opening', concat(opening, Uint8Array.of(0)), 'malformed'),
    opened('an opening of version 2', concat(Uint8Array.of(2), opening.subarray(1)), 'unsupported-version'),
    opened(
      'an opening for an unknown key',
      concat(Uint8Array.of(1), uint32(9), opening.subarray(5)),
      'unknown-server-key',
    ),
    opened("a request's key as opening", wrapped('r', key, 'RecordService/Sync'), 'open-failed'),
    opened(
      'an opening with a bit of its tag changed',
      concat(opening.subarray(0, -1), Uint8Array.of((opening.at(-1) ?? 0) ^ 1)),
      'open-failed',
    ),
  ];
}

/** §7.1 */
export function serverKeySets(): object[] {
  const identity = keyPair('server identity');
  const stranger = keyPair('stranger');
  const label = 'sallyport/v1/signature/server-keys';
  const set = (version: bigint, keys = [{ keyId: 21, publicKey: server.publicKey, expiresAtMs: 0n }]) =>
    encodeMessage(ServerKeySetSchema, { version, keys });
  const signed = (keySet: Uint8Array, signer = identity, shown = signer, context = label) =>
    hex(
      encodeMessage(ServerKeysSchema, {
        keySet,
        signature: sign(signer.privateKey, context, keySet),
        identityKey: shown.publicKey,
      }),
    );
  const pin = { identity: hex(sha256(identity.publicKey)), version: 5 };
  const good = { keyId: 21, publicKey: hex(server.publicKey) };
  const forged = encodeMessage(ServerKeysSchema, {
    keySet: set(6n),
    signature: sign(identity.privateKey, label, set(5n)),
    identityKey: identity.publicKey,
  });
  return [
    { name: 'first use', serverKeys: signed(set(5n)), pin: null, key: good },
    { name: 'the pinned server, the same set', serverKeys: signed(set(5n)), pin, key: good },
    { name: 'the pinned server, a newer set', serverKeys: signed(set(6n)), pin, key: good },
    { name: 'another identity', serverKeys: signed(set(6n), stranger), pin, fails: 'untrusted' },
    { name: 'an older set', serverKeys: signed(set(4n)), pin, fails: 'untrusted' },
    { name: 'the set of another signature', serverKeys: hex(forged), pin, fails: 'bad-signature' },
    {
      name: 'signed by another key under this identity',
      serverKeys: signed(set(6n), stranger, identity),
      pin,
      fails: 'bad-signature',
    },
    {
      name: 'signed as a roster',
      serverKeys: signed(set(6n), identity, identity, 'sallyport/v1/signature/roster'),
      pin,
      fails: 'bad-signature',
    },
    { name: 'no key', serverKeys: signed(set(6n, [])), pin, fails: 'malformed' },
    {
      name: 'a key off the curve',
      serverKeys: signed(set(6n, [{ keyId: 1, publicKey: new Uint8Array(65).fill(4), expiresAtMs: 0n }])),
      pin,
      fails: 'malformed',
    },
    { name: 'nothing', serverKeys: '', pin: null, fails: 'bad-signature' },
    { name: 'no message', serverKeys: 'ff', pin: null, fails: 'malformed' },
  ];
}
