import { createCipheriv } from 'node:crypto';
import { p256 } from '@noble/curves/nist.js';
import {
  agree,
  blob,
  compress,
  concat,
  context,
  hex,
  hkdf,
  keyPair,
  keyPairOf,
  seed,
  sha256,
  uid,
  uint64,
  utf8,
  type KeyPair,
} from './independent.ts';
import { damage, failing } from './mutations.ts';

const none = new Uint8Array(0);
const [account, record, application, folder] = [
  uid('secrets account'),
  uid('secret'),
  uid('secrets application'),
  uid('secrets folder'),
];
const [recordKey, folderKey, applicationRecordKey] = [
  seed('key of a secret'),
  seed('key of a secrets folder'),
  seed('key of an application record'),
];

function versionKey(revision: number, of = record, by = account, key = recordKey): Uint8Array {
  return hkdf(key, none, context('sallyport/v1/secret-key', by.text, of.text, uint64(revision)));
}

function folderSecretsKey(of = folder, by = account, key = folderKey): Uint8Array {
  return hkdf(key, none, context('sallyport/v1/secret-folder-key', by.text, of.text));
}

function ownerSeed(of = application): Uint8Array {
  return hkdf(applicationRecordKey, none, context('sallyport/v1/secret-owner-key', of.text), 48);
}

/** FIPS 186-5 A.2.1: one more than the remainder by the group's order less one. */
function reduced(bytes: Uint8Array): Uint8Array {
  const number = (BigInt(`0x${hex(bytes)}`) % (p256.Point.Fn.ORDER - 1n)) + 1n;
  return new Uint8Array(Buffer.from(number.toString(16).padStart(64, '0'), 'hex'));
}

/** §31.2, §3.1 */
export function secretKeys(): object[] {
  const [otherRecord, otherAccount, subfolder] = [
    uid('other secret'),
    uid('other secrets account'),
    uid('secrets subfolder'),
  ];
  const version = (name: string, revision: number, of = record, by = account, key = recordKey) => ({
    ...{ name, what: 'version', key: hex(key), accountUid: by.text, recordUid: of.text, revision },
    derived: hex(versionKey(revision, of, by, key)),
  });
  const inFolder = (name: string, of = folder, by = account, key = folderKey) => ({
    ...{ name, what: 'folder', key: hex(key), accountUid: by.text, folderUid: of.text },
    derived: hex(folderSecretsKey(of, by, key)),
  });
  const owner = (name: string, of = application) => {
    const { privateKey, publicKey } = keyPairOf(reduced(ownerSeed(of)));
    const base = { name, what: 'owner', key: hex(applicationRecordKey), applicationUid: of.text };
    return { ...base, derived: hex(privateKey), publicKey: hex(publicKey) };
  };
  return [
    version('of a revision', 7),
    version('of the next revision', 8),
    version('of a revision beyond 32 bits', 2 ** 40 + 7),
    version('of another record', 7, otherRecord),
    version('for another account', 7, record, otherAccount),
    version('under another record key', 7, record, account, seed('another key of a secret')),
    inFolder('of a shared folder'),
    inFolder('of a subfolder', subfolder),
    inFolder('of a shared folder, for another account', folder, otherAccount),
    inFolder('of a shared folder with a new key', folder, account, seed('new key of a secrets folder')),
    owner('of an application'),
    owner('of another application', uid('other secrets application')),
    ...seeds(),
  ];
}

/** The ends of the reduction, which no derived seed ever shows. */
function seeds(): object[] {
  const order = p256.Point.Fn.ORDER;
  const ofNumber = (number: bigint) =>
    new Uint8Array(Buffer.from(number.toString(16).padStart(96, '0'), 'hex'));
  const good = (name: string, bytes: Uint8Array) => {
    const { privateKey, publicKey } = keyPairOf(reduced(bytes));
    return { name, what: 'seed', key: hex(bytes), derived: hex(privateKey), publicKey: hex(publicKey) };
  };
  const bad = (name: string, length: number) => ({
    ...{ name, what: 'seed', key: hex(seed('seed', length)), derived: '', publicKey: '', fails: 'malformed' },
  });
  return [
    good('of nothing but zeros', new Uint8Array(48)),
    good('of nothing but ones', new Uint8Array(48).fill(255)),
    good('of two less than the order', ofNumber(order - 2n)),
    good('of one less than the order', ofNumber(order - 1n)),
    good('of the order', ofNumber(order)),
    bad('of nothing', 0),
    bad('of 32 bytes', 32),
    bad('of 47 bytes', 47),
    bad('of 49 bytes', 49),
  ];
}

/** §10.1 */
function padJson(text: string): Uint8Array {
  const { length } = utf8(text);
  return utf8(text + ' '.repeat(Math.max(384, Math.ceil(length / 256) * 256) - length));
}

/** iv ‖ ciphertext, PKCS #7 */
function cbc(name: string, key: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const iv = seed(`${name}/iv`, 16);
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  return concat(iv, cipher.update(plaintext), cipher.final());
}

function wrappedToOwner(owner: KeyPair, plaintext: Uint8Array): Uint8Array {
  const ephemeral = keyPair('secret owner/ephemeral');
  const key = sha256(agree(ephemeral.privateKey, owner.publicKey));
  return concat(ephemeral.publicKey, blob('secret owner', key, plaintext));
}

/** §31.2 */
export function secrets(): object[] {
  return [...wrappedKeys(), ...contents(), ...ownerKeys(), ...unauthenticated()];
}

const gcmParts = { nonce: 0, ciphertext: 12, tag: -1 };

function wrappedKeys(): object[] {
  const holder = folderSecretsKey();
  const sealed = blob('wrapped version key', holder, versionKey(7));
  const base = { what: 'key', key: hex(holder), sealed: hex(sealed), opened: hex(versionKey(7)) };
  const bad = (name: string, change: object) => ({ ...base, ...change, name, fails: 'open-failed' });
  const short = blob('short version key', holder, versionKey(7).subarray(1));
  return [
    { ...base, name: 'a version key under a folder' },
    ...failing(damage(sealed, gcmParts), 'sealed', base, 'open-failed'),
    bad('a key of 31 bytes', { sealed: hex(short) }),
    bad('under the key of another folder', { key: hex(folderSecretsKey(uid('other secrets folder'))) }),
    bad('under the key of the next version', { key: hex(versionKey(8)) }),
  ];
}

function contents(): object[] {
  const json = '{"title":"Café","type":"login","fields":[]}';
  const text = padJson(json);
  const sealed = blob('secret data', versionKey(7), text);
  const base = { what: 'json', key: hex(versionKey(7)), sealed: hex(sealed), opened: hex(text) };
  const data = { what: 'file', key: hex(seed('secret file key')), opened: hex(seed('file', 100)) };
  const file = blob('secret file', seed('secret file key'), seed('file', 100));
  const notText = blob('not text', versionKey(7), Uint8Array.of(0xff, 0xfe));
  return [
    { ...base, name: 'a version' },
    ...failing(damage(sealed, gcmParts), 'sealed', base, 'open-failed'),
    { ...base, name: 'as the next version', key: hex(versionKey(8)), fails: 'open-failed' },
    {
      ...base,
      name: 'as a version of another record',
      key: hex(versionKey(7, uid('other secret'))),
      fails: 'open-failed',
    },
    { ...base, name: 'a version that is no text', sealed: hex(notText), fails: 'malformed' },
    { ...data, name: 'a file', sealed: hex(file) },
    { ...data, name: 'an empty file', opened: '', sealed: hex(blob('empty', seed('secret file key'), none)) },
    ...failing(damage(file, gcmParts), 'sealed', data, 'open-failed'),
  ];
}

function ownerKeys(): object[] {
  const owner = keyPairOf(reduced(ownerSeed()));
  const sealed = wrappedToOwner(owner, seed('key of a new record'));
  const base = { what: 'owner', key: hex(owner.privateKey), sealed: hex(sealed) };
  const bad = (name: string, bytes: Uint8Array, key = owner.privateKey) => ({
    ...{ ...base, name, key: hex(key), sealed: hex(bytes), fails: 'open-failed' },
  });
  const other = reduced(ownerSeed(uid('other secrets application')));
  return [
    { ...base, name: 'the key of a new record', opened: hex(seed('key of a new record')) },
    ...failing(
      damage(sealed, { form: 0, x: 1, y: 33, nonce: 65, ciphertext: 77, tag: -1 }),
      'sealed',
      base,
      'open-failed',
    ),
    bad('for another application', sealed, other),
    bad('a key of 31 bytes, for the owner', wrappedToOwner(owner, seed('short').subarray(1))),
    bad('a key of 33 bytes, for the owner', wrappedToOwner(owner, seed('long', 33))),
    bad('with a compressed ephemeral key', concat(compress(sealed.subarray(0, 65)), sealed.subarray(65))),
  ];
}

/** AES-CBC tells a wrong key by its padding alone, if at all: no bits are changed here. */
function unauthenticated(): object[] {
  const [root, sub] = [folderSecretsKey(), folderSecretsKey(uid('secrets subfolder'))];
  const wrapped = cbc('subfolder', root, sub);
  const key = { what: 'subfolder', key: hex(root), opened: hex(sub) };
  const named = (json: string) => hex(cbc('folder name', sub, utf8(json)));
  const name = { what: 'name', key: hex(sub), opened: hex(utf8('Dépôt')) };
  const failed = (base: object, title: string, sealed: string, fails = 'open-failed') => ({
    ...{ ...base, name: title, sealed, fails },
  });
  return [
    { ...key, name: "a subfolder's key", sealed: hex(wrapped) },
    failed(key, "a subfolder's key of 31 bytes", hex(cbc('short', root, sub.subarray(1)))),
    failed(key, "a subfolder's key of 33 bytes", hex(cbc('long', root, concat(sub, Uint8Array.of(1))))),
    ...[0, 15, 16, 32, 63].map((at) =>
      failed(key, `a subfolder's key cut after ${at} bytes`, hex(wrapped.subarray(0, at))),
    ),
    { ...name, name: "a folder's name", sealed: named('{"name":"Dépôt"}') },
    { ...name, name: 'a name and more', sealed: named('{"name":"Dépôt","color":"red"}') },
    failed(name, 'no name', named('{}'), 'malformed'),
    failed(name, 'a name that is no text', named('{"name":7}'), 'malformed'),
    failed(name, 'a list', named('["name"]'), 'malformed'),
    failed(name, 'no JSON', named('Depot'), 'malformed'),
    failed(name, 'no UTF-8', hex(cbc('folder name', sub, Uint8Array.of(0xff))), 'malformed'),
    failed(name, 'a name that is cut', named('{"name":"Dépôt"}').slice(0, -2)),
  ];
}
