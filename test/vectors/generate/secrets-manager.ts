import {
  agree,
  blob,
  compress,
  concat,
  flip,
  hex,
  hmac,
  keyPair,
  keyPairOf,
  seed,
  sha256,
  utf8,
  toDer,
  highS,
} from './independent.ts';
import { p256 } from '@noble/curves/nist.js';
import { damage, failing } from './mutations.ts';

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const server = keyPair('secrets-manager server');
const client = keyPair('secrets-manager client');

/** §10.5 */
export function clientIds(): object[] {
  const label = utf8('KEEPER_SECRETS_MANAGER_CLIENT_ID');
  const counting = Uint8Array.from({ length: 32 }, (_, i) => i);
  const known = 'HDWtY7+/cWpJ86C1KBh6DgWY4ovDJBrjliUeY7fvzOEVISYTHNlkqkoyz0IHQrqO0GLFvBPnFb6JvPOzemsZEg==';
  const token = seed('one-time token');
  const bad = (name: string, length: number) => ({ name, token: hex(seed('t', length)), fails: 'malformed' });
  return [
    { name: "the wire format's known answer", token: hex(counting), clientId: known },
    { name: 'another token', token: hex(token), clientId: base64(hmac('sha512', token, label)) },
    bad('no token', 0),
    bad('16 bytes', 16),
    bad('31 bytes', 31),
    bad('33 bytes', 33),
  ];
}

function legacyEcies(name: string, recipient: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const ephemeral = keyPair(`${name}/ephemeral`);
  return concat(ephemeral.publicKey, blob(name, sha256(agree(ephemeral.privateKey, recipient)), plaintext));
}

/** §10.4 */
export function legacyEciesCases(): object[] {
  const ones = keyPairOf(new Uint8Array(32).fill(1));
  const known =
    'BFUPRxAD89+Xw99QaseX9nIfsaH7e49vg9IkSYplyI4kE2CT1wEuUJpzcVy9CwCjzA/0tcAbP/oZarH7MnA2uOYDAwMDAwMDAwMDAwOJj04vqHz9nZy4tSYEQ3+SKRtVkNi+oWKqlqN2iA7+mRCQ7Gl8R/JerOnXcmJDq4Y=';
  const sealed = legacyEcies('legacy', server.publicKey, seed('plaintext'));
  const base = { privateKey: hex(server.privateKey), sealed: hex(sealed) };
  const bad = (name: string, bytes: Uint8Array) => ({
    ...base,
    name,
    sealed: hex(bytes),
    fails: 'open-failed',
  });
  return [
    {
      name: "the wire format's known answer",
      privateKey: hex(ones.privateKey),
      sealed: Buffer.from(known, 'base64').toString('hex'),
      plaintext: '04'.repeat(32),
    },
    { ...base, name: 'a key', plaintext: hex(seed('plaintext')) },
    ...failing(
      damage(sealed, { form: 0, x: 1, y: 33, nonce: 65, ciphertext: 77, tag: -1 }),
      'sealed',
      base,
      'open-failed',
    ),
    { ...base, name: 'another private key', privateKey: hex(client.privateKey), fails: 'open-failed' },
    bad('a compressed ephemeral key', concat(compress(sealed.subarray(0, 65)), sealed.subarray(65))),
    bad('the point at infinity', concat(new Uint8Array(65), sealed.subarray(65))),
    bad('a point off the curve', flip(sealed, 64)),
  ];
}

/** §10.4 */
export function requests(): object[] {
  const key = seed('secrets-manager transmission key');
  const wrapped = legacyEcies('sm', server.publicKey, key);
  const payload = { clientVersion: 'ms17.5.0', clientId: base64(seed('client id', 64)) };
  const body = blob('sm body', key, utf8(JSON.stringify(payload)));
  const der = (w: Uint8Array, b: Uint8Array, by = client) => toDer(p256.sign(concat(w, b), by.privateKey));
  const raw = p256.sign(concat(wrapped, body), client.privateKey);
  const headers = {
    publickeyid: '20',
    transmissionkey: base64(wrapped),
    authorization: `Signature ${base64(der(wrapped, body))}`,
  };
  const serverKeys = [{ id: 20, privateKey: hex(server.privateKey), publicKey: hex(server.publicKey) }];
  const base = { serverKeys, clientPublicKey: hex(client.publicKey), headers, body: hex(body) };
  const id = Buffer.from(sha256(wrapped)).toString('base64url');
  const good = (name: string, change: object) => ({
    ...base,
    name,
    payload,
    transmissionKeyId: id,
    headers: { ...headers, ...change },
  });
  const head = (name: string, change: object, fails: string) => ({
    ...base,
    name,
    headers: { ...headers, ...change },
    fails,
  });
  const sealed = (name: string, b: Uint8Array, fails: string) => ({
    ...base,
    name,
    body: hex(b),
    headers: { ...headers, authorization: `Signature ${base64(der(wrapped, b))}` },
    fails,
  });
  const signature = (name: string, bytes: Uint8Array) =>
    head(name, { authorization: `Signature ${base64(bytes)}` }, 'bad-signature');
  const short = legacyEcies('short', server.publicKey, key.subarray(1));
  const urlSafe = headers.transmissionkey.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return [
    good('as sent', {}),
    good('in the other base64 alphabet', { transmissionkey: urlSafe }),
    good('with a high s', { authorization: `Signature ${base64(toDer(highS(raw)))}` }),
    head('an unknown key id', { publickeyid: '7' }, 'unknown-server-key'),
    head('no key id', { publickeyid: null }, 'malformed'),
    head('a key id with a leading zero', { publickeyid: '020' }, 'malformed'),
    head('a key id in words', { publickeyid: 'twenty' }, 'malformed'),
    head('two key ids', { publickeyid: ['20', '20'] }, 'malformed'),
    head('no transmission key', { transmissionkey: null }, 'malformed'),
    head('an empty transmission key', { transmissionkey: '' }, 'malformed'),
    head('a transmission key cut', { transmissionkey: base64(wrapped.subarray(0, -1)) }, 'malformed'),
    head(
      'a transmission key and more',
      { transmissionkey: base64(concat(wrapped, Uint8Array.of(0))) },
      'malformed',
    ),
    head('a transmission key of 31 bytes', { transmissionkey: base64(short) }, 'malformed'),
    head('a transmission key changed', { transmissionkey: base64(flip(wrapped, 124)) }, 'open-failed'),
    head(
      'a transmission key with a line end',
      { transmissionkey: `${headers.transmissionkey}\n` },
      'malformed',
    ),
    head(
      'another transmission key',
      { transmissionkey: base64(legacyEcies('o', server.publicKey, seed('other'))) },
      'open-failed',
    ),
    head('no signature header', { authorization: null }, 'malformed'),
    head('another scheme', { authorization: `Bearer ${base64(raw)}` }, 'malformed'),
    head('a scheme in small letters', { authorization: `signature ${base64(raw)}` }, 'malformed'),
    signature('a signature that is r and s', raw),
    signature('no signature bytes', new Uint8Array(0)),
    signature('a signature of the body alone', toDer(p256.sign(body, client.privateKey))),
    signature('a signature by another key', der(wrapped, body, keyPair('stranger'))),
    signature('a signature with a byte added', concat(der(wrapped, body), Uint8Array.of(0))),
    signature('a signature cut', der(wrapped, body).subarray(0, -1)),
    sealed('a body changed', flip(body, 20), 'open-failed'),
    sealed('a body cut', body.subarray(0, 20), 'open-failed'),
    sealed('an empty body', new Uint8Array(0), 'open-failed'),
    sealed('a body under another key', blob('x', seed('other'), utf8('{}')), 'open-failed'),
    sealed('a body that is no json', blob('y', key, utf8('{')), 'malformed'),
    sealed('a body that is not utf-8', blob('z', key, Uint8Array.of(0xff)), 'malformed'),
  ];
}

/** §10.6 */
export function payloads(): object[] {
  const base = { clientVersion: 'mp17.3.0', clientId: base64(seed('client id', 64)) };
  const good = (name: string, method: string, payload: object) => ({
    name,
    method,
    payload: { ...base, ...payload },
  });
  const bad = (name: string, method: string, payload: unknown) => ({
    name,
    method,
    payload,
    fails: 'malformed',
  });
  const wrong = (name: string, method: string, payload: object) => bad(name, method, { ...base, ...payload });
  const ecies = base64(legacyEcies('payload', server.publicKey, seed('record key')));
  const wrappedKey = base64(seed('wrapped', 60));
  const create = { recordUid: 'r', recordKey: ecies, folderUid: 'f', folderKey: wrappedKey, data: 'AAAA' };
  const update = { recordUid: 'r', data: 'AAAA', revision: 3 };
  const file = {
    fileRecordUid: 'f',
    fileRecordKey: ecies,
    fileRecordData: 'AAAA',
    ownerRecordUid: 'r',
    ownerRecordData: 'AAAA',
    ownerRecordRevision: 1,
    linkKey: wrappedKey,
    fileSize: 10,
  };
  const folder = { folderUid: 'f', sharedFolderUid: 's', sharedFolderKey: 'AAAA', data: 'AAAA' };
  return [
    good('all absent', 'get_secret', {}),
    good('all null', 'get_secret', {
      publicKey: null,
      requestedRecords: null,
      requestedFolders: null,
      requestLinks: null,
    }),
    good('unknown members', 'get_secret', { later: { deep: [1] } }),
    good('url-safe base64', 'get_secret', {
      clientId: base.clientId.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''),
    }),
    good('a filter that is no uid', 'get_secret', { requestedRecords: ['non-existing'] }),
    good('update', 'update_secret', update),
    good('rotation', 'update_secret', { ...update, transactionType: 'rotation' }),
    good('create', 'create_secret', create),
    good('delete', 'delete_secret', { recordUids: ['r'] }),
    good('a folder', 'create_folder', folder),
    good('a file', 'add_file', file),
    bad('null', 'get_secret', null),
    bad('a list', 'get_secret', [base]),
    bad('a text', 'get_secret', 'x'),
    bad('no members', 'get_secret', {}),
    bad('no client version', 'get_secret', { clientId: base.clientId }),
    wrong('a client id of 63 bytes', 'get_secret', { clientId: base64(seed('c', 63)) }),
    wrong('a client id that is a list', 'get_secret', { clientId: [base.clientId] }),
    wrong('a client id with a line end', 'get_secret', { clientId: `${base.clientId}\n` }),
    wrong('a public key of 64 bytes', 'get_secret', { publicKey: base64(seed('p', 64)) }),
    wrong('an empty public key', 'get_secret', { publicKey: '' }),
    wrong('a filter that is a text', 'get_secret', { requestedRecords: 'r' }),
    wrong('a filter with null in it', 'get_secret', { requestedRecords: [null] }),
    wrong('links asked for with a number', 'get_secret', { requestLinks: 1 }),
    wrong('a revision that is a text', 'update_secret', { ...update, revision: '3' }),
    wrong('a negative revision', 'update_secret', { ...update, revision: -1 }),
    wrong('half a revision', 'update_secret', { ...update, revision: 1.5 }),
    wrong('a revision beyond exact integers', 'update_secret', { ...update, revision: 2 ** 53 }),
    wrong('no revision', 'update_secret', { recordUid: 'r', data: 'AAAA' }),
    wrong('another transaction', 'update_secret', { ...update, transactionType: 'other' }),
    wrong('a record key in clear', 'create_secret', { ...create, recordKey: base64(seed('k')) }),
    wrong('a record key of the right length, not wrapped', 'create_secret', {
      ...create,
      recordKey: base64(new Uint8Array(125)),
    }),
    wrong('a folder key of another length', 'create_secret', { ...create, folderKey: base64(seed('k')) }),
    wrong('no folder', 'create_secret', { ...create, folderUid: null }),
    wrong('a file key in clear', 'add_file', { ...file, fileRecordKey: base64(seed('k')) }),
    wrong('a negative size', 'add_file', { ...file, fileSize: -1 }),
    wrong('record uids that are a text', 'delete_secret', { recordUids: 'r' }),
    wrong('an update, sent to be read', 'get_secret', update),
    wrong('a new record, sent as an update', 'update_secret', { ...create, revision: 1 }),
    wrong('the end of a transaction, sent as a deletion', 'delete_secret', { recordUid: 'r' }),
    wrong('a filter, sent as a deletion', 'delete_secret', { requestedRecords: ['r'] }),
    wrong('a deletion of nothing', 'delete_secret', {}),
    good('a deletion of no record', 'delete_secret', { recordUids: [] }),
    wrong('a folder without data', 'create_folder', { ...folder, data: null }),
  ];
}
